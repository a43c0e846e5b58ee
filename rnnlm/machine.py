"""The options that say where and how numbers are computed, and the function that applies them to this process."""

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
    """The backend for NumPy arrays and its threads; None keeps what the process uses already (see `ops.use`)."""

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
    """The device that holds the arrays, and the precision of matrix products; None keeps what the process uses."""

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
    """Apply the options to this process; return the device, and the names of device, precision and backend.

    Raises UsageError for a backend, device or precision that does not exist or that this machine cannot use.
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
        ops.use_precision(before)  # a refused choice changes nothing
        raise
    precision = ops.precision() if device.name == "gpu" else None
    return device, {"device": str(device), "precision": precision, "backend": ops.backend().name}
