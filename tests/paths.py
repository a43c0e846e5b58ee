"""Where things stand that several test files look for."""

from __future__ import annotations

import os
from pathlib import Path

TESTS = Path(__file__).parent
TEST_FOLDERS = [TESTS, *(TESTS / name for name in ("ops", "models", "training"))]  # as pytest has them on its path
ROOT = TESTS.parent  # of the checkout
TOOLS = ROOT / "tools"
OWN_RECURRENCE = TESTS / "own_recurrence.py"
PTB = Path(
    os.environ.get("RNNLM_PTB", ROOT.parent / "shared" / "corpora" / "ptb")
)  # a licensed text; tests skip without
