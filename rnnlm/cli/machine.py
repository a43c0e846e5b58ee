"""The options of device, precision, backend and threads, the same for every command that computes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..machine import EXACT, HostOptions, MachineOptions
from .options import with_options

if TYPE_CHECKING:
    from ..ops.device import Device


def machine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--device`, `--precision`, `--backend` and `--threads`, as the argument `machine`."""
    return with_options(MachineOptions, into="machine")(command)


def host_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--backend` and `--threads`, as the argument `machine`."""
    return with_options(HostOptions, into="machine")(command)


def choose(machine: HostOptions) -> Device:
    """Choose device, precision, backend and threads for this process, and return the device.

    A command starts from the defaults, whatever another one chose in the same process. At a terminal a message says
    when kernels are compiled. UsageError for a device that this machine lacks.
    """
    from .. import ops
    from ..machine import choose as choose_for_process
    from .console import is_terminal
    from .progress import compiling_line

    if is_terminal(sys.stderr):
        ops.tell_when_compiling(compiling_line())
    ops.use(machine.backend, machine.threads)
    options = machine if isinstance(machine, MachineOptions) else MachineOptions()
    return choose_for_process(replace(options, precision=options.precision or EXACT))[0]
