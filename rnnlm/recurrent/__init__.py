"""Maps with memory over a whole window of steps: (T, B, E) and a state in, (T, B, H) and the next state out."""

from .causal_convolution import CausalConvolution
from .custom import Custom, Recurrence
from .elman import Elman
from .feedforward import FeedForward
from .jordan import Jordan
from .recurrent import Recurrent, State
from .stack import Stack

__all__ = ["CausalConvolution", "Custom", "Elman", "FeedForward", "Jordan", "Recurrence", "Recurrent", "Stack", "State"]
