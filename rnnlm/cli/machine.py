"""The options that say what computes: the same for every command that does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..ops.device import Device


def machine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--device` and `--precision`, and those of the host."""
    device = click.option(
        "--device",
        default="cpu",
        show_default=True,
        metavar="NAME",
        help="cpu, gpu (NVIDIA's, through CuPy), or gpu:1 for the second one.",
    )
    precision = click.option(
        "--precision",
        default="float32",
        show_default=True,
        metavar="NAME",
        expose_value=False,  # a choice for the process: nothing needs to be handed on
        callback=lambda context, option, name: _use_precision(name),
        help="float32, tf32 or bf16: how far factors of products are rounded on the GPU, for its tensor cores.",
    )
    return device(precision(host_options(command)))


def _use_precision(name: str) -> None:
    from .. import ops

    ops.use_precision(name)


def host_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--backend` and `--threads`."""
    backend = click.option(
        "--backend", metavar="NAME", help="numba (compiled) or numpy; without it, numba where it can be imported."
    )
    threads = click.option(
        "--threads",
        type=int,
        envvar="RNNLM_THREADS",
        show_envvar=True,
        metavar="N",
        help="Cores to use; without it, all. The result is the same, bit for bit.",
    )
    return backend(threads(command))


def choose(backend: str | None, threads: int | None, device: str = "cpu") -> Device:
    """Make the choice for this process; somebody who waits at a terminal is told when a kernel is compiled first.

    Returns the device. UsageError for one that there is not.
    """
    from .. import ops
    from ..ops.device import use_throughout
    from .console import is_terminal
    from .progress import compiling_line

    if is_terminal(sys.stderr):
        ops.tell_when_compiling(compiling_line())
    ops.use(backend, threads)
    return use_throughout(device)
