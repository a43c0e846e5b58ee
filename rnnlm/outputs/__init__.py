"""From a hidden vector to the probability of the next word."""

from .class_map import ClassMap
from .class_softmax import ClassSoftmax
from .output import Output, Readout
from .softmax import Softmax
from .table import OUTPUTS, OutputOptions, make_output

__all__ = [
    "OUTPUTS",
    "ClassMap",
    "ClassSoftmax",
    "Output",
    "OutputOptions",
    "Readout",
    "Softmax",
    "make_output",
]
