"""What only a real GPU can show, through CuPy itself. Where there is none all of it is skipped, and says why.

So far it has been skipped everywhere: none of it has run. Speed is no test: tools/gpu_bench.py measures it.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from paths import TOOLS
from python_process import python

from rnnlm.ops.no_gpu import why_no_gpu

NONE = why_no_gpu()
pytestmark = pytest.mark.skipif(NONE is not None, reason=f"not run on a GPU: {NONE}")


@pytest.mark.parametrize("section", ["operations", "precision", "training", "counts"])
def test_the_gpu_agrees_with_the_host(section):
    """Kernels, losses, the same bits twice, files of either machine, waits and launches: tools/gpu_check.py."""
    command = [sys.executable, TOOLS / "gpu_check.py", "--only", section]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_the_self_check_passes():
    done = python("-m", "rnnlm", "check", "--device", "gpu")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
