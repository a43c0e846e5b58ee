"""The cost of a recurrence of one's own: Elman written as a step in autograd.numpy beside the built-in one.

    python tools/bench_custom.py                     words/s of training, in turns in one process
    python tools/bench_custom.py --json              the same for a program

16 streams, blocks of 35 words, 200 hidden units, 100 classes, 10,000 words by Zipf's law; optimizer, dropout, L2
and clipping are those of `rnnlm train`. One thread, and seconds of the processor, so that other programs do not count;
the models take turns window by window, and medians are printed. On a virtual machine with two cores: 65,700 words/s
hand-written, 21,200 as a step, so 3.1 times as long.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tools"))

OWN = ROOT / "tests" / "own_recurrence.py"
STREAMS, STEPS, HIDDEN, CLASSES, WORDS = 16, 35, 200, 100, 10_000
WARM_UP, TURNS = 5, 60  # windows of each model


def main() -> None:
    """Run the command line: print the speeds, or with --json one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    speed = measure()
    slower = speed["elman"] / speed["own elman"]
    if as_json:
        print(json.dumps({"words_per_s": speed, "times_slower": slower}, indent=2))
        return
    for name, words in speed.items():
        print(f"{name:10} {words:8,.0f} words/s")
    print(f"the step takes {slower:.1f} times as long as the hand-written recurrence")


def measure() -> dict[str, float]:
    """Words a second of training, by the name of the model."""
    from bench_measures import zipf

    from rnnlm import ops
    from rnnlm.models import CustomLM, ElmanLM
    from rnnlm.ops.threads import one_thread
    from rnnlm.optim.clipping import clip_norm
    from rnnlm.text.windows import windows
    from rnnlm.training import OPTIMIZERS, Settings

    ops.use(threads=1)
    corpus, defaults = zipf(WORDS, (WARM_UP + TURNS) * STREAMS * STEPS), Settings()
    config: dict[str, Any] = {"hidden": HIDDEN, "classes": CLASSES, "dropout": defaults.dropout}
    models = {
        "elman": ElmanLM(corpus.vocabulary, **config),
        "own elman": CustomLM(corpus.vocabulary, recurrence=f"{OWN}:elman", **config),
        "own lstm": CustomLM(corpus.vocabulary, recurrence=f"{OWN}:lstm", **config),
    }
    kind = OPTIMIZERS[defaults.optimizer]
    optimizers = {name: kind(model.params, kind.default_rate, l2=defaults.l2) for name, model in models.items()}
    states = {name: model.start(STREAMS) for name, model in models.items()}
    times: dict[str, list[float]] = {name: [] for name in models}
    with one_thread():
        for number, (x, y, keep) in enumerate(windows(corpus.ids, STREAMS, STEPS)):
            for name, model in models.items():
                began = time.process_time()
                _, states[name], tape = model.forward(x, y, states[name], keep, train=(1, number))
                model.backward(tape, 1 / x.size)
                clip_norm(model.params.values(), defaults.clip or 1.0)
                optimizers[name].step()
                times[name].append(time.process_time() - began)
    return {name: STREAMS * STEPS / statistics.median(seconds[WARM_UP:]) for name, seconds in times.items()}


if __name__ == "__main__":
    main()
