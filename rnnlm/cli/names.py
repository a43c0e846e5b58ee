"""Names of the files that commands write."""

from __future__ import annotations

from pathlib import Path

from .. import output_files
from ..errors import UsageError


def default_output(text: str, ending: str = ".rnnlm") -> str:
    """The default name of the model file, made from that of the text, in the current folder."""
    stem = "model" if text == "-" else Path(text).name.split(".")[0] or "model"
    return f"{stem}{ending}"


def require_other(output: str, *inputs: str | None) -> None:
    """UsageError where the output is one of the inputs, which it would replace."""
    for path in inputs:
        if path is not None and output_files.same_file(path, output):
            raise UsageError(f"the output {output} is {path} itself, which it would replace. Give another -o.")
