"""Every layer, once or in several variants, with its formula: what the gradients are checked on.

A new layer gets a case in the file of its folder.
"""

from . import gpu_operations, image_operations  # they add theirs to OPERATIONS
from .case import Case
from .layers import LAYERS
from .losses import LOSSES
from .operations import OPERATIONS
from .outputs import OUTPUTS
from .recurrent import RECURRENT

CASES: dict[str, list[Case]] = {
    "layers": LAYERS,
    "losses": LOSSES,
    "recurrent layers": RECURRENT,
    "output layers": OUTPUTS,
}

__all__ = ["CASES", "OPERATIONS", "Case", "gpu_operations", "image_operations"]
