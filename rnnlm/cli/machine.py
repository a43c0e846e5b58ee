"""The options that say what computes: the same for every command that does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..ops import Reference


def machine_options(command: Callable[..., Any]) -> Callable[..., Any]:
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


def choose(backend: str | None, threads: int | None) -> Reference:
    """Make the choice for this process; somebody who waits at a terminal is told when a kernel is compiled first."""
    from .. import ops
    from .console import is_terminal
    from .progress import compiling_line

    if is_terminal(sys.stderr):
        ops.tell_when_compiling(compiling_line())
    return ops.use(backend, threads)
