"""Maps without memory: each has `forward(x) -> (y, tape)` and `backward(dy, tape) -> dx`, standing side by side."""

from .activations import Activation
from .affine import Affine
from .batch_norm import BatchNorm
from .convolution import Convolution1d, Convolution2d
from .ctc import CTC
from .dropout import Dropout
from .embedding import Embedding
from .flatten import Flatten
from .layer import Layer
from .layer_norm import LayerNorm
from .local_response import LocalResponseNorm
from .losses import CrossEntropy, Hinge, Loss, SquaredError
from .param import Param
from .pooling import AveragePool1d, AveragePool2d, MaxPool1d, MaxPool2d
from .sequential import Sequential
from .softmax import Softmax
from .standardize import Standardize
from .weights_of_file import WeightsOfFile, WithoutWeights

__all__ = [
    "CTC",
    "Activation",
    "Affine",
    "AveragePool1d",
    "AveragePool2d",
    "BatchNorm",
    "Convolution1d",
    "Convolution2d",
    "CrossEntropy",
    "Dropout",
    "Embedding",
    "Flatten",
    "Hinge",
    "Layer",
    "LayerNorm",
    "LocalResponseNorm",
    "Loss",
    "MaxPool1d",
    "MaxPool2d",
    "Param",
    "Sequential",
    "Softmax",
    "SquaredError",
    "Standardize",
    "WeightsOfFile",
    "WithoutWeights",
]
