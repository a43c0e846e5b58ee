"""Maps without memory: each has `forward(x) -> (y, tape)` and `backward(dy, tape) -> dx`, standing side by side."""

from .activations import Activation
from .affine import Affine
from .dropout import Dropout
from .embedding import Embedding
from .layer import Layer
from .param import Param

__all__ = ["Activation", "Affine", "Dropout", "Embedding", "Layer", "Param"]
