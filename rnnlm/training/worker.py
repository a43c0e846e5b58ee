"""A run in a process of its own: its settings come in as JSON, what happens goes out as JSON, a line each.

    python -m rnnlm.training.worker < {"settings": {…}, "command": "…"}

reads one line and writes `training.messages` to standard output. The exit status is 0, that of the error, or 130 after
Ctrl-C.
"""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from typing import Any

from .. import ops
from ..errors import RnnlmError
from .events import Epoch, Event
from .messages import Began, Ended, EpochEnded, Failed, Message, Note, to_json
from .processes import INTERRUPTED
from .run import Run
from .settings import Settings
from .stopwatch import Stopwatch


def say(message: Message) -> None:
    """Write a message; whoever reads has it at once."""
    sys.stdout.write(json.dumps(to_json(message)) + "\n")
    sys.stdout.flush()


class Teller:
    """An observer that says each epoch."""

    def __init__(self) -> None:
        self._watch = Stopwatch()

    def __call__(self, event: Event) -> None:
        self._watch(event)
        if isinstance(event, Epoch):
            say(EpochEnded(event, self._watch.seconds, self._watch.speed))


def work(request: dict[str, Any]) -> int:
    """Do the run of a request, and return the exit status."""
    ops.tell_when_compiling(lambda: say(Note("", compiling=True)))
    warnings.showwarning = lambda message, *_, **__: say(Note(f"warning: {message}"))
    try:
        run = Run(Settings.from_json(request["settings"]), observers=[Teller()], command=request["command"])
        say(Began.of(run))
        reason = run.fit()
    except RnnlmError as error:
        say(Failed(type(error).__name__, str(error)))
        return error.exit_status
    except Exception as error:
        traceback.print_exc()  # a mistake of ours, or of the machine: the whole story
        say(Failed(type(error).__name__, f"{type(error).__name__}: {' '.join(str(error).split())}."))
        return 1
    say(Ended(reason, run.trainer.progress.best_epoch))
    return INTERRUPTED if reason == "interrupted" else 0


if __name__ == "__main__":
    sys.exit(work(json.loads(sys.stdin.readline())))
