"""A run in a process of its own: its settings come in as JSON, its messages go out as JSON, a line each.

    python -m rnnlm.training.worker < {"settings": {…}, "command": "…"}

reads one line and writes `training.messages` to standard output; what other code prints goes to standard error. The
exit status is 0, that of the error, or 130 after Ctrl-C. When standard input ends, the process does: whoever started it
keeps the other end open.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
import warnings
from typing import Any

from .. import ops
from ..errors import RnnlmError, TextWarning, of_the_system
from .events import Epoch, Event
from .messages import Began, Ended, EpochEnded, Failed, Message, Note, to_json
from .parent import end_with_parent
from .processes import INTERRUPTED
from .run import Run
from .settings import Settings
from .stopwatch import Stopwatch

_messages = sys.stdout


def send(message: Message) -> None:
    """Write a message as one line to the standard output with which the process began, and flush it."""
    _messages.write(json.dumps(to_json(message)) + "\n")
    _messages.flush()


class EpochSender:
    """An observer that sends a message after each epoch."""

    def __init__(self) -> None:
        self._stopwatch = Stopwatch()

    def __call__(self, event: Event) -> None:
        self._stopwatch(event)
        if isinstance(event, Epoch):
            send(EpochEnded(event, self._stopwatch.seconds, self._stopwatch.speed))


def run_request(request: dict[str, Any]) -> int:
    """Carry out the run of a request, and return the exit status."""
    ops.tell_when_compiling(lambda: send(Note("", compiling=True)))
    warnings.showwarning = lambda message, *_, **__: send(Note(f"warning: {message}"))
    warnings.simplefilter("ignore", TextWarning)  # the first process has read the text too, and says it once
    try:
        settings = Settings.from_json(request["settings"])
        run = Run(settings, observers=[EpochSender()], command=request["command"], locked=True)
        send(Began.of(run))
        reason = run.fit()
    except RnnlmError as error:
        send(Failed(type(error).__name__, str(error)))
        return error.exit_status
    except OSError as error:
        send(Failed(type(error).__name__, of_the_system(error)))
        return 1
    except Exception as error:
        traceback.print_exc()  # a bug or a fault of the machine, so the whole traceback is wanted
        send(Failed(type(error).__name__, f"{type(error).__name__}: {' '.join(str(error).split())}."))
        return 1
    send(Ended(reason, run.trainer.progress.best_epoch))
    return INTERRUPTED if reason == "interrupted" else 0


if __name__ == "__main__":
    # Whatever else is printed, such as by a user's recurrence, must not stand between the messages.
    _messages = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.readline())
    end_with_parent(sys.stdin.fileno())
    sys.exit(run_request(request))
