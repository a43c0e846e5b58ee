"""Speed beside PyTorch on the CPU, measured in the same minutes of the same process.

    python tools/peers.py --hidden 200 --words 10000 --threads 2    words drawn from Zipf's law; --text FILE, a file's
    python tools/peers.py curve --train F --valid F --seconds 300 -o peers.json    PyTorch's perplexity against time

The peers are nn.Embedding -> nn.RNN(tanh) -> dropout -> nn.Linear with the full softmax, or with PyTorch's own short
cut, nn.AdaptiveLogSoftmaxWithLoss. They run at every batch of SIZES, and get every advantage that was found: plain
SGD, the cheapest optimizer (ours is Adagrad, with L2); a sparse gradient of the embedding, which clip_grad_norm_ alone
would refuse; their text laid out beforehand; tails of a quarter and a sixteenth of the width, PyTorch's default. Both
sides compute in float32, carry the state over windows (truncated back-propagation), drop and clip alike.

PyTorch's threads spin for some milliseconds between two loops. OMP_WAIT_POLICY=passive makes them sleep, which costs
a quarter or more of their speed, so it is left unset; each slice instead begins with a window that is not
timed, in which the other side's threads fall asleep. Spinning threads are helpless where another process takes a core,
so a slice whose threads waited for a core is measured again (Linux tells; elsewhere keep the machine idle).
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

SIZES = [(16, 10), (16, 20), (32, 20), (32, 35), (64, 35)]  # (B, T) at which PyTorch is tried
CELLS = 8_000_000  # output units in one window of an evaluation by the full softmax at most
ATTEMPTS, WAITED = 5, 0.05  # how often a slice is measured, until its threads waited for less than this share of it
BATCH, RATE, CLIP, DROPOUT, EVERY = (16, 35), 0.05, 5.0, 0.4, 30.0  # of `curve`

Run = Callable[[int], tuple[int, float]]  # so many windows -> words, seconds


def installed() -> bool:
    """Whether PyTorch can be imported."""
    return importlib.util.find_spec("torch") is not None


def measure(
    hidden: int,
    words: int,
    streams: int,
    steps: int,
    classes: int | None,
    threads: int,
    seconds: float = 1.0,
    rounds: int = 5,
    text: str | Path | None = None,
) -> list[dict[str, Any]]:
    """Words per second of `rnnlm` and of the peers in training and evaluation, in slices of `seconds` that take turns.

    The first row is our training; `ratio` is our speed over the row's, for evaluation our speed with as many streams.
    `best` marks the batch at which a peer trains fastest, `waited` is the largest share of a slice that threads spent
    waiting for a core. With `text` the words are those of the file, and `words` is not used.
    """
    from bench_measures import zipf

    from rnnlm.ops import use

    torch = importlib.import_module("torch")
    torch.set_num_threads(threads)
    use("numba", threads)
    corpus = zipf(words, 500_000) if text is None else read(text)
    lm, train = ours(corpus, hidden, streams, steps, classes)
    rows: list[dict[str, Any]] = [{"name": "rnnlm", "task": "training", "B": streams, "T": steps}]
    runs: list[Run] = [train]
    for kind in ("full", "adaptive"):
        for B, T in dict.fromkeys([(streams, steps), *SIZES]):
            rows.append({"name": f"PyTorch {kind}", "task": "training", "B": B, "T": T})
            runs.append(theirs(kind, corpus, hidden, B, T, lm.config["dropout"]))
    for B in (1, streams):  # one stream is the exact perplexity of a text
        T = max(1, 1000 // B)
        full = max(1, min(T, CELLS // len(corpus.vocabulary) // B))
        rows.append({"name": "rnnlm", "task": "evaluation", "B": B, "T": T})
        runs.append(our_evaluation(lm, corpus, B, T))
        for kind, t in (("full", full), ("adaptive", T)):
            rows.append({"name": f"PyTorch {kind}", "task": "evaluation", "B": B, "T": t})
            runs.append(theirs(kind, corpus, hidden, B, t, None))
    take_turns(rows, runs, threads, seconds, rounds)
    for row in rows:
        same = [r for r in rows if (r["name"], r["task"]) == ("rnnlm", row["task"])]
        mine = next(r for r in same if row["task"] == "training" or r["B"] == row["B"])
        rivals = [r["words_per_s"] for r in rows if (r["name"], r["task"]) == (row["name"], row["task"])]
        row["ratio"] = mine["words_per_s"] / row["words_per_s"]
        row["best"] = row["task"] == "training" and row["words_per_s"] == max(rivals)
    return rows


def take_turns(rows: list[dict[str, Any]], runs: list[Run], threads: int, seconds: float, rounds: int) -> None:
    """Measure every run in every round, ours while PyTorch's threads sleep, and add the speeds to the rows."""
    torch = importlib.import_module("torch")
    windows = []
    for run in runs:
        run(2)  # compiles, and fills the memory that later windows take again
        windows.append(max(3, round(3 * seconds / run(3)[1])))
    for row in rows:
        row |= {"words_per_s": 0.0, "words_per_s_runs": [], "waited": 0.0}
    for _ in range(rounds):
        for row, run, count in zip(rows, runs, windows, strict=True):
            slices: list[tuple[float, float]] = []  # the share that was waited, words per second
            while len(slices) < ATTEMPTS and (not slices or min(slices)[0] > WAITED):
                if slices:
                    time.sleep(seconds)
                torch.set_num_threads(threads)  # our trainer limits the OpenMP library to one thread while it runs
                began, waited = time.perf_counter(), seconds_waited()
                done, spent = run(count)
                slices.append(((seconds_waited() - waited) / (time.perf_counter() - began), done / spent))
            share, speed = min(slices)
            row["words_per_s_runs"].append(speed)
            row["waited"] = max(row["waited"], share)
    for row in rows:
        row["words_per_s"] = statistics.median(row["words_per_s_runs"])


def seconds_waited() -> float:
    """Seconds that this process's threads were ready to run and had no core; 0 where the system does not count."""
    total = 0
    for path in Path("/proc/self/task").glob("*/schedstat"):
        try:
            total += int(path.read_text().split()[1])
        except (OSError, IndexError):  # a thread that has just ended
            continue
    return total / 1e9


def read(path: str | Path, vocabulary: Any = None) -> Any:
    """A file of words as a corpus: `</s>` after every line, and `<unk>` an ordinary word."""
    from rnnlm.text import Corpus

    return Corpus.encode(path, vocabulary=vocabulary, tokenizer="words")


def ours(corpus: Any, hidden: int, streams: int, steps: int, classes: int | None) -> tuple[Any, Run]:
    """A model of ours with the defaults of `rnnlm train`, and its training by `Trainer`."""
    from rnnlm.models import MODELS
    from rnnlm.text import Corpus
    from rnnlm.training import OPTIMIZERS, Settings, Trainer

    defaults = Settings()
    lm = MODELS["rnnlm"](corpus.vocabulary, hidden=hidden, classes=classes, dropout=defaults.dropout)
    kind = OPTIMIZERS[defaults.optimizer]
    optimizer = kind(lm.params, kind.default_rate, l2=defaults.l2)
    first = 0

    def run(windows: int) -> tuple[int, float]:
        nonlocal first
        windows = min(windows, len(corpus) // (streams * steps) - 1)
        need = (windows + 1) * streams * steps
        first = first if first + need <= len(corpus) else 0
        part = Corpus(corpus.ids[first : first + need], corpus.vocabulary, name=corpus.name)
        first += need
        times: list[float] = []
        settings: dict[str, Any] = {"block": steps, "streams": streams, "clip": defaults.clip, "epochs": 1}
        Trainer(lm, optimizer, **settings, observers=[lambda event: times.append(time.perf_counter())]).fit(part)
        return windows * streams * steps, times[windows] - times[0]

    return lm, run


def our_evaluation(lm: Any, corpus: Any, streams: int, steps: int) -> Run:
    """A `Run` that scores the corpus from its beginning by `perplexity`."""
    from rnnlm.evaluation import perplexity
    from rnnlm.text import Corpus

    def run(windows: int) -> tuple[int, float]:
        part, start = (
            Corpus(corpus.ids[: count * streams * steps], corpus.vocabulary, name=corpus.name) for count in (windows, 1)
        )
        perplexity(lm, start, streams=streams)
        began = time.perf_counter()
        perplexity(lm, part, streams=streams)
        return len(part), time.perf_counter() - began

    return run


def network(kind: str, words: int, hidden: int, dropout: float) -> Any:
    """The peer's layers, with the starting weights of PyTorch's word_language_model example."""
    torch = importlib.import_module("torch")
    nn = torch.nn
    torch.manual_seed(1)
    if kind == "full":
        output = nn.Linear(hidden, words)
        nn.init.uniform_(output.weight, -0.1, 0.1)
        nn.init.zeros_(output.bias)
    else:
        head = round(words**0.75)  # 1,000 of 10,000 words
        cutoffs = [cut for cut in (head, 4 * head) if cut < words]
        output = nn.AdaptiveLogSoftmaxWithLoss(hidden, words, cutoffs)
    embedding = nn.Embedding(words, hidden, sparse=True)
    nn.init.uniform_(embedding.weight, -0.1, 0.1)
    layers = {"embedding": embedding, "rnn": nn.RNN(hidden, hidden), "dropout": nn.Dropout(dropout), "output": output}
    return nn.ModuleDict(layers)


def mean_nll(net: Any, x: Any, y: Any, state: Any) -> tuple[Any, Any]:
    """The mean cross-entropy in nats of the targets y (T, B) after the words x, and the state after them."""
    torch = importlib.import_module("torch")
    h, state = net["rnn"](net["embedding"](x), state)
    flat = net["dropout"](h).flatten(0, 1)
    if isinstance(net["output"], torch.nn.Linear):
        return torch.nn.functional.cross_entropy(net["output"](flat), y.flatten()), state
    return net["output"](flat, y.flatten()).loss, state


def update(net: Any, optimizer: Any, x: Any, y: Any, state: Any, limit: float) -> Any:
    """One window of truncated back-propagation with the gradient's norm clipped; returns the state, detached."""
    torch = importlib.import_module("torch")
    loss, state = mean_nll(net, x, y, state)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    table = net["embedding"].weight
    table.grad = table.grad.coalesce()  # each row once, so that its norm is right
    gradients = [p.grad.values() if p.grad.is_sparse else p.grad for p in net.parameters()]
    norm = float(torch.nn.utils.get_total_norm(gradients))
    if norm > limit:
        for gradient in gradients:
            gradient.mul_(limit / norm)
    optimizer.step()
    return state.detach()


def columns(corpus: Any, streams: int) -> Any:
    """The text as parallel streams (n, B), its last few words left out."""
    torch = importlib.import_module("torch")
    ids = torch.from_numpy(corpus.ids.astype("int64"))
    return ids[: len(ids) // streams * streams].view(streams, -1).t().contiguous()


def theirs(kind: str, corpus: Any, hidden: int, streams: int, steps: int, dropout: float | None) -> Run:
    """A `Run` of a peer's training; with `dropout` None of its evaluation, which scores the given words alone."""
    torch = importlib.import_module("torch")
    net = network(kind, len(corpus.vocabulary), hidden, dropout or 0.0)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)  # foreach and fused are not faster for so few arrays
    ids, state, place = columns(corpus, streams), None, 0

    def run(windows: int) -> tuple[int, float]:
        nonlocal state, place
        began = 0.0
        for number in range(windows + 1):
            if number == 1:
                began = time.perf_counter()
            place = place if place + steps < len(ids) else 0
            x, y = ids[place : place + steps], ids[place + 1 : place + steps + 1]
            place += steps
            if dropout is None:
                with torch.inference_mode():
                    loss, state = mean_nll(net, x, y, state)
                    float(loss)
            else:
                state = update(net, optimizer, x, y, state, CLIP)
        return windows * streams * steps, time.perf_counter() - began

    return run


def their_perplexity(net: Any, corpus: Any) -> float:
    """exp of the mean loss over every token of the text, in one stream, the state carried throughout."""
    from rnnlm.text import windows

    torch = importlib.import_module("torch")
    net.eval()
    total, state = 0.0, None
    with torch.inference_mode():
        for x, y, _ in windows(corpus.ids, 1, max(1, min(1000, CELLS // len(corpus.vocabulary)))):
            loss, state = mean_nll(net, torch.from_numpy(x).long(), torch.from_numpy(y).long(), state)
            total += float(loss) * len(y)
    net.train()
    return math.exp(min(total / len(corpus), 700.0))


def curve(
    train: str | Path,
    valid: str | Path,
    test: str | Path | None,
    seconds: float,
    threads: int,
    out: str | Path | None,
    hidden: int = 200,
) -> list[dict[str, Any]]:
    """Each peer's validation perplexity against its seconds of training: {"name", "curve": [(seconds, ppl)], "test"}.

    Batch and dropout are ours, 16 × 35 and 0.4, and so is the optimizer, Adagrad, at half our rate for tanh units,
    since it has no warm-up here: the SGD of PyTorch's word_language_model example (rate 20) throws these units off, and
    is slower at any rate that does not. After every epoch, and every 30 seconds of a longer one, the validation text is
    scored, and the rate halved when that was no better. The clock stands still meanwhile. `test` is the perplexity of
    the weights that were best on the validation text.
    """
    torch = importlib.import_module("torch")
    torch.set_num_threads(threads)
    text = read(train)
    held_out = read(valid, text.vocabulary)
    (B, T), curves = BATCH, []
    for kind in ("full", "adaptive"):
        net = network(kind, len(text.vocabulary), hidden, DROPOUT)
        optimizer = torch.optim.Adagrad(net.parameters(), lr=RATE)
        ids, state, place, clock, last = columns(text, B), None, 0, 0.0, 0.0
        points: list[tuple[float, float]] = []
        best: dict[str, Any] = {}
        while clock < seconds:
            began = time.perf_counter()
            stop = min(place + T, len(ids) - 1)
            state = update(net, optimizer, ids[place:stop], ids[place + 1 : stop + 1], state, CLIP)
            clock += time.perf_counter() - began
            place = stop if stop < len(ids) - 1 else 0
            state = state if place else None
            if place and clock - last < EVERY and clock < seconds:
                continue
            ppl, last = their_perplexity(net, held_out), clock
            if all(ppl < earlier for _, earlier in points):
                best = {name: value.clone() for name, value in net.state_dict().items()}
            else:
                for group in optimizer.param_groups:
                    group["lr"] /= 2
            points.append((clock, ppl))
            print(f"PyTorch {kind} {clock:7.1f} s  validation {ppl:8.2f}", file=sys.stderr)
        net.load_state_dict(best)
        final = None if test is None else their_perplexity(net, read(test, text.vocabulary))
        curves.append({"name": f"PyTorch {kind}", "curve": points, "test": final})
        if out is not None:
            Path(out).write_text(json.dumps(curves, indent=2), encoding="utf-8")
    return curves


def table(rows: list[dict[str, Any]]) -> str:
    """The rows of `measure` as a table of text."""
    lines = ["task        model               B     T   words/s  ours is"]
    for r in rows:
        note = ("  its best" if r["best"] and r["name"] != "rnnlm" else "") + "  disturbed" * (r["waited"] > WAITED)
        size = f"{r['B']:3d} {r['T']:5d}"
        lines.append(f"{r['task']:11s} {r['name']:17s} {size} {r['words_per_s']:9,.0f} {r['ratio']:7.2f} ×{note}")
    return "\n".join(lines)


def main() -> None:
    """Run the command line: the table of speeds, or the curves of `curve`."""
    drawing = sys.argv[1:2] == ["curve"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=200, help="units (default 200)")
    parser.add_argument("--threads", type=int, default=2, help="of both sides (default 2)")
    parser.add_argument("--seconds", type=float, default=300.0 if drawing else 1.0, help="of a slice or a curve")
    if drawing:
        for name in ("train", "valid", "test"):
            parser.add_argument(f"--{name}", required=name != "test", metavar="FILE", help="a line a sentence")
        parser.add_argument("-o", "--output", metavar="FILE", help="where the curves go, as JSON")
        o = parser.parse_args(sys.argv[2:])
        curve(o.train, o.valid, o.test, o.seconds, o.threads, o.output, o.hidden)
        return
    parser.add_argument("--words", type=int, default=10_000, help="of Zipf's law (default 10000)")
    parser.add_argument("--streams", type=int, default=32, help="our B (default 32)")
    parser.add_argument("--steps", type=int, default=20, help="our T (default 20)")
    parser.add_argument("--classes", type=int, default=100, help="our word classes (default 100)")
    parser.add_argument("--rounds", type=int, default=5, help="slices of each; medians are printed (default 5)")
    parser.add_argument("--text", metavar="FILE", help="take the words of this file")
    parser.add_argument("--json", action="store_true", help="a JSON list, for programs")
    o = parser.parse_args()
    rows = measure(o.hidden, o.words, o.streams, o.steps, o.classes, o.threads, o.seconds, o.rounds, o.text)
    print(json.dumps(rows, indent=2) if o.json else table(rows))


if __name__ == "__main__":
    main()
