"""A Python process of its own with the `rnnlm` that is tested, whatever folder it runs in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from paths import TEST_FOLDERS

import rnnlm

FOLDERS = [*map(str, TEST_FOLDERS), str(Path(rnnlm.__file__).parents[1])]


def start_python(*arguments: Any, env: dict[str, str] | None = None, **options: Any) -> subprocess.Popen:
    """`python *arguments`, with these tests on its path; `env` goes in place of `os.environ`.

    What it prints is text that the caller reads, unless `options`, those of `subprocess.Popen`, say otherwise.
    """
    env = dict(os.environ if env is None else env)
    env["PYTHONPATH"] = os.pathsep.join([*FOLDERS, *filter(None, [env.get("PYTHONPATH")])])
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    # -P: the folder that it runs in, as a rule the checkout, is not on its path.
    return subprocess.Popen([sys.executable, "-P", *map(str, arguments)], env=env, **options)


def python(*arguments: Any, **options: Any) -> subprocess.CompletedProcess:
    """What became of the same, when it has ended."""
    with start_python(*arguments, **options) as process:
        out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
