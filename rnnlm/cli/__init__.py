"""The command `rnnlm`: one file a command; results go to standard output, messages to standard error.

A command's file is imported only when the command is used, so `rnnlm --help` answers at once.
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Sequence

import click

from .. import __version__
from ..errors import RnnlmError, of_the_system, unknown_name
from .console import error_line, say
from .encodings import prepare
from .interrupt import interrupts_are_raised_again
from .streams import lose_what_cannot_be_written, open_standard_streams, standard_streams
from .words import in_words_of

COMMANDS = {  # name -> the line that `rnnlm --help` shows
    "train": "Train a model on a text.",
    "ngram": "Train an n-gram model on a text.",
    "cache": "Let a model remember the recent text.",
    "ppl": "Perplexity of a text under one or more models.",
    "compare": "Whether a text can tell two models apart.",
    "score": "Log-probability of each word of a text, as a table.",
    "ensemble": "Several models as one model file.",
    "sample": "Draw texts from a model.",
    "info": "What a model file holds.",
    "classify": "Classifiers of vectors and images: train, test, predict.",
    "corpus": "Named corpora: list them, get them.",
    "plot": "Training curves as a picture.",
    "check": "Whether everything computes right on this machine.",
}


class Lazy(click.Group):
    """A group whose commands are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in the order of `rnnlm --help`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command of this name, whose module is imported now; None where there is none."""
        if name not in COMMANDS:
            return None
        return importlib.import_module(f".{name}", __name__).command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """See `click.Group.resolve_command`; the error for an unknown command suggests a similar one."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(unknown_name(f"command {args[0]!r}", args[0], COMMANDS), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from `COMMANDS`, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rnnlm")
def cli() -> None:
    """Recurrent-network language models: train, evaluate, mix and sample them.

    `rnnlm train` alone trains on the King James Bible; `rnnlm COMMAND --help` tells more.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit status.

    An error is one line on standard error. The status is 2 for usage, 1 for data, 130 for Ctrl-C.
    """
    open_standard_streams()
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (None: those of the process) and return its exit status."""
    prepare()
    with standard_streams(), interrupts_are_raised_again():
        return _run(sys.argv[1:] if arguments is None else list(arguments))


def _run(typed: Sequence[str]) -> int:
    """Run the command line that was typed; see `run`."""
    try:
        with warnings.catch_warnings():
            _never_errors()
            warnings.showwarning = lambda message, *_, **__: _say_warning(str(message), typed)
            status = cli.main(args=list(typed), prog_name="rnnlm", standalone_mode=False, obj=list(typed))
        if sys.stdout is not None:
            sys.stdout.flush()
        return status or 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        error_line(_with_help(error))
        return 2
    except RnnlmError as error:
        error_line(in_words_of(_command(typed), str(error), typed))
        return error.exit_status
    except (KeyboardInterrupt, click.Abort) as error:
        if isinstance(error.__cause__, EOFError):  # of which click makes the same
            error_line("a file ended too early: it is cut short or damaged. Copy or make it again.")
            return 1
        error_line("interrupted")
        return 130
    except (
        BrokenPipeError
    ):  # whoever reads our output has ended, as in `rnnlm sample m.rnnlm | head`: end quietly, as click does
        for stream in (sys.stdout, sys.stderr):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return 1
    except OSError as error:  # not caught where it arose: a full disk behind `>`, a disk that fails
        error_line(of_the_system(error))
        lose_what_cannot_be_written()
        return 1
    except MemoryError as error:  # where there was no estimate of what needs how much
        reason = f": {error}".rstrip(". :")  # CuPy's is a sentence, Python's own is empty
        error_line(f"not enough memory{reason}. {_smaller(_command(typed))}")
        return 1
    except Exception as error:
        from ..ops.no_gpu import is_of_cupy

        if not is_of_cupy(error):
            raise  # a bug, so the whole traceback is wanted
        message = " ".join(str(error).split())
        error_line(f"the GPU failed: {type(error).__name__}: {message}. See what nvidia-smi says, or use --device cpu.")
        return 1


def _never_errors() -> None:
    """Show warnings that PYTHONWARNINGS or -W would turn into errors: a command must not end because of one."""
    if any(action == "error" for action, *_ in warnings.filters):
        warnings.resetwarnings()
        warnings.simplefilter("default")
        for kind in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", kind)


def _say_warning(message: str, typed: Sequence[str]) -> None:
    """Print a warning of the package, with the option's name for each keyword."""
    say(f"warning: {in_words_of(_command(typed), message, typed)}", "yellow")


def _smaller(command: click.Command | None) -> str:
    """What a command can be told so that it needs less memory: those of such options that it has."""
    ways = {"hidden": "fewer --hidden units", "streams": "fewer --streams", "block": "a shorter --block"}
    ways |= {"max_vocab": "a smaller --max-vocab", "order": "a lower --order", "batch": "a smaller --batch"}
    names = {param.name for param in command.params} if command else set()
    found = [way for name, way in ways.items() if name in names]
    return f"Try {', '.join(found)}." if found else "Close other programs, or take a machine with more memory."


def _command(typed: Sequence[str]) -> click.Command | None:
    """The command that was typed, whose option names its error messages use."""
    command: click.Command | None = cli
    for name in typed:
        if not isinstance(command, click.Group):
            break
        command = command.get_command(click.Context(command), name)
    return command


def _with_help(error: click.ClickException) -> str:
    """click's message, and which --help lists what is allowed."""
    message = error.format_message().strip()
    if message[-1:] not in ".?!":
        message += "."
    context = getattr(error, "ctx", None)
    return f"{message} See {context.command_path} --help." if context else message
