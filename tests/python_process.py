"""A Python process of its own with the `rnnlm` that is tested, whatever folder it runs in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import rnnlm

FOLDERS = [str(Path(__file__).parent), str(Path(rnnlm.__file__).parents[1])]


def python(*arguments: Any, env: dict[str, str] | None = None, **options: Any) -> subprocess.CompletedProcess:
    """What became of `python *arguments`, with these tests on its path; `env` goes in place of `os.environ`.

    What it prints is kept as text, unless `options`, those of `subprocess.run`, say otherwise.
    """
    env = dict(os.environ if env is None else env)
    env["PYTHONPATH"] = os.pathsep.join([*FOLDERS, *filter(None, [env.get("PYTHONPATH")])])
    if not {"stdout", "stderr"} & options.keys():
        options |= {"capture_output": True, "text": True}
    # -P: the folder that it runs in, as a rule the checkout, is not on its path.
    return subprocess.run([sys.executable, "-P", *map(str, arguments)], env=env, check=False, **options)
