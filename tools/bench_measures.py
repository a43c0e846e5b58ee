"""What the benchmarks share: an artificial text, a stopwatch, peak memory, a process of its own for each row."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any


def zipf(words: int, tokens: int) -> Any:
    """A text of words drawn from Zipf's law: word i with a probability in proportion to 1/i."""
    import numpy as np

    from rnnlm.text import Corpus, Vocabulary

    share = 1 / np.arange(1, words + 1)
    share /= share.sum()
    ids = np.random.default_rng(1).choice(words, size=tokens, p=share).astype(np.int32)
    counts = np.maximum(1, (share * 1e6).astype(int))
    return Corpus(ids, Vocabulary(["</s>", *(f"w{i}" for i in range(1, words))], counts), name="zipf")


def median_seconds(work: Any) -> float:
    """Seconds that a call of `work` takes: the median of five calls, after one that is not measured."""
    work()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def products_per_second() -> float:
    """Multiplications and additions a second of one large matrix product on one thread: the arithmetic limit."""
    import numpy as np

    a, b = (np.random.default_rng(1).random((1024, 1024), dtype=np.float32) for _ in range(2))
    return 2 * 1024**3 / median_seconds(lambda: a @ b)


def multiplications(lm: Any, corpus: Any) -> float:
    """Multiplications and additions that training on one word needs: a product forward, two of its size backward."""
    from rnnlm.outputs import ClassSoftmax

    hidden, words = lm.config["hidden"], corpus.ids[corpus.ids >= 0]
    units = float(len(lm.vocabulary))
    if isinstance(lm.output, ClassSoftmax):
        classes = lm.output.classes
        sizes = classes.sizes[classes.of[words]]
        units = len(classes) + float((sizes * (sizes > 1)).mean())
    fed_back = hidden if lm.kind != "jordan" else 2 * lm.start(1)[0].shape[1]
    return 6.0 * hidden * (units + fed_back)


def peak_mb() -> float:
    """The largest resident memory of this process so far, in MB (10⁶ bytes)."""
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, others kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def in_own_process(script: str, row: tuple) -> dict[str, Any]:
    """What the script measures of one row in a process of its own. SystemExit with its error where it fails."""
    command = [sys.executable, script, "--inner", json.dumps(row)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench: {row} failed:\n{done.stderr}")
    return json.loads(done.stdout)
