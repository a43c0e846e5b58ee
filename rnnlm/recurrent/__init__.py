"""Recurrent layers over a window of steps: inputs (T, B, E) and a state -> outputs (T, B, H) and the next state."""

from .causal_convolution import CausalConvolution
from .custom import Custom, Recurrence
from .elman import Elman
from .feedforward import FeedForward
from .jordan import Jordan
from .recurrent import Recurrent, State
from .stack import Stack

__all__ = [
    "CausalConvolution",
    "Custom",
    "Elman",
    "FeedForward",
    "Jordan",
    "Recurrence",
    "Recurrent",
    "Stack",
    "State",
]
