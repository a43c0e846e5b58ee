"""The cases that gradients are checked on: every layer, in one or several variants, with its formula.

A new layer gets a case in the file that is named after the layer's folder.
"""

from . import gpu_operations, image_operations  # importing them adds their arguments to OPERATIONS
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
