"""Maps with memory over a whole window of steps: (T, B, E) and a state in, (T, B, H) and the next state out."""

from .elman import Elman
from .jordan import Jordan
from .recurrent import Recurrent, State
from .stack import Stack

__all__ = ["Elman", "Jordan", "Recurrent", "Stack", "State"]
