"""What computes: the options that every command has which does so, and the choice for this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import UsageError
from .options import option

if TYPE_CHECKING:
    from .ops.device import Device


EXACT = "float32"  # the precision that rounds nothing: what a process begins with


@dataclass(frozen=True, kw_only=True)
class HostOptions:
    """What works on NumPy arrays. None is what was chosen for the process, or there is (see `ops.use`)."""

    backend: str | None = option(
        None,
        "numba (compiled) or numpy; without it, numba where it can be imported.",
        group="Machine",
        metavar="NAME",
    )
    threads: int | None = option(
        None,
        "Cores to use; without it, all. The result is the same, bit for bit.",
        group="Machine",
        metavar="N",
        envvar="RNNLM_THREADS",
        free=True,
    )


@dataclass(frozen=True, kw_only=True)
class MachineOptions(HostOptions):
    """Where arrays lie, and how exact products are there. None is what was chosen for the process."""

    device: str = option(
        "cpu", "cpu, gpu (NVIDIA's, through CuPy), or gpu:1 for the second one.", group="Machine", metavar="NAME"
    )
    precision: str | None = option(
        None,
        "float32, tf32 or bf16: how far factors of products are rounded on the GPU, for its tensor cores.",
        group="Machine",
        metavar="NAME",
        usual=EXACT,
    )


def choose(options: MachineOptions) -> tuple[Device, dict[str, str | None]]:
    """Make the choices for this process; returns the device, and what was chosen by name of option.

    UsageError for what there is not.
    """
    from . import ops  # imported late: `rnnlm sample --help` needs the declarations, and not NumPy
    from .ops.device import use_throughout

    if options.backend is not None or options.threads is not None:
        ops.use(options.backend, options.threads)
    before = ops.precision()
    try:
        ops.use_precision(before if options.precision is None else options.precision)
        device = use_throughout(options.device)
    except UsageError:
        ops.use_precision(before)  # what is refused is not chosen
        raise
    precision = ops.precision() if device.name == "gpu" else None
    return device, {"device": str(device), "precision": precision, "backend": ops.backend().name}
