"""From a hidden vector to the probability of the next word."""

from .class_map import ClassMap
from .class_softmax import ClassSoftmax
from .output import Output
from .softmax import Softmax

__all__ = ["ClassMap", "ClassSoftmax", "Output", "Softmax"]
