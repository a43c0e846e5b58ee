"""A network learns to write down what it hears, without being told when: connectionist temporal classification.

    python tools/examples/speech_toy.py

The signal is made up, but it has what makes speech hard. Each of the eight letters is a sound of two tones that glide
from one pitch to another. A sound lasts 6 to 12 frames, its tones are loud or soft, the speaker's voice is high or low,
there are pauses, and noise over everything. A frame is the loudness in each of 20 bands, as from a microphone behind a
bank of filters. The network sees 120 frames and the 4 to 8 letters that were said, never where a letter begins.

    20 bands -> 3 convolutions over time, the first of which takes every other frame
             -> 2 recurrent layers, their inputs batch-normalized over all steps and streams
             -> affine map to 8 letters and "blank" -> CTC

CTC (Graves et al. 2006) sums the probability of every way to stretch the letters over the frames; the layers are those
of Deep Speech 2 (Amodei et al. 2016), a thousandth of its size.

Expect on two free cores (a quarter of a minute): for a while nothing but blanks, an error of 100 %, then it falls
quickly: under 5 % of the letters of 200 new sentences are wrong.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rnnlm.evaluation.labelling import best_path, label_error_rate
from rnnlm.layers import Activation, Affine, BatchNorm, Convolution1d, Sequential
from rnnlm.layers.ctc import CTC
from rnnlm.ops.threads import one_thread
from rnnlm.recurrent import Elman
from rnnlm.training import Adam, clip_norm

BANDS, FRAMES = 20, 120
LETTERS = "abcdefgh"
GLIDES = {  # letter -> where its two tones begin and end, in bands
    "a": ((3, 3), (12, 12)),
    "b": ((3, 6), (12, 12)),
    "c": ((6, 3), (12, 12)),
    "d": ((3, 3), (12, 15)),
    "e": ((3, 3), (15, 12)),
    "f": ((3, 6), (15, 12)),
    "g": ((6, 3), (12, 15)),
    "h": ((6, 6), (15, 15)),
}


def sentence(rng: np.random.Generator) -> tuple[np.ndarray, list[int]]:
    """A signal (FRAMES, BANDS), and the numbers of the letters that are said in it, from 1 on; 0 is the blank."""
    signal, letters = np.zeros((FRAMES, BANDS)), []
    bands, voice, at = np.arange(BANDS), rng.uniform(-1, 1), int(rng.integers(2, 8))
    for letter in rng.integers(0, len(LETTERS), rng.integers(4, 9)):
        length = int(rng.integers(6, 13))
        if at + length > FRAMES:
            break
        for begin, end in GLIDES[LETTERS[letter]]:
            pitch = np.linspace(begin, end, length)[:, None] + voice  # (length, 1)
            signal[at : at + length] += rng.uniform(0.7, 1.3) * np.exp(-((bands - pitch) ** 2) / 2)
        letters.append(int(letter) + 1)
        at += length + int(rng.integers(0, 6))
    return signal + rng.normal(0, 0.15, signal.shape), letters


def batch(size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Signals (T, B, BANDS), and their letters (B, L) padded with -1."""
    signals, said = zip(*(sentence(rng) for _ in range(size)), strict=True)
    target = np.full((size, max(map(len, said))), -1)
    for row, letters in zip(target, said, strict=True):
        row[: len(letters)] = letters
    return np.stack(signals, 1).astype(np.float32), target


class Transcriber:
    """Convolutions, recurrent layers, an affine map: signals (T, B, BANDS) -> (T / 2, B, letters + blank)."""

    def __init__(self, rng: np.random.Generator, filters: int = 32, hidden: int = 64) -> None:
        hear = [
            (Convolution1d(n, filters, 5, stride=stride, padding=2, first=n == BANDS, rng=rng), BatchNorm(filters))
            for n, stride in ((BANDS, 2), (filters, 1), (filters, 1))
        ]
        self.hear = Sequential([layer for pair in hear for layer in (*pair, Activation("relu"))])
        self.rise = [Sequential([Affine(n, hidden, bias=False, rng=rng), BatchNorm(hidden)]) for n in (filters, hidden)]
        self.remember = [Elman(hidden, activation="tanh", rng=rng) for _ in self.rise]
        self.write = Affine(hidden, 1 + len(LETTERS), rng=rng)
        parts: dict[str, Any] = {"hear": self.hear, "write": self.write}
        parts |= {f"rise{k}": part for k, part in enumerate(self.rise)}
        parts |= {f"remember{k}": part for k, part in enumerate(self.remember)}
        self.params = {f"{name}.{key}": p for name, part in parts.items() for key, p in part.params.items()}

    def forward(self, x: np.ndarray, train: tuple[int, int] | None = None) -> tuple[np.ndarray, list]:
        x, heard = self.hear.forward(x, train=train)
        tapes: list[Any] = [heard]
        for rise, remember in zip(self.rise, self.remember, strict=True):
            x, rising = rise.forward(x, train=train)
            x, _, memory = remember.forward(x, remember.start(x.shape[1]))
            tapes.append((rising, memory))
        y, written = self.write.forward(x)
        return y, [*tapes, written]

    def backward(self, dy: np.ndarray, tapes: list) -> None:
        d = self.write.backward(dy, tapes[-1])
        for k in reversed(range(len(self.rise))):
            rising, memory = tapes[1 + k]
            d, _ = self.remember[k].backward(d, None, memory)
            d = self.rise[k].backward(d, rising)
        self.hear.backward(d, tapes[0])


def main() -> None:
    rng = np.random.default_rng(1)
    network, loss = Transcriber(rng), CTC(blank=0)
    optimizer = Adam(network.params, 0.003)
    size, updates = 32, 300
    x, target = batch(200, np.random.default_rng(2))  # sentences that it does not learn from
    wanted = [[letter for letter in row if letter > 0] for row in target.tolist()]

    began = time.monotonic()
    with one_thread():
        for update in range(1, updates + 1):
            signals, letters = batch(size, rng)
            y, tapes = network.forward(signals, train=(1, update))
            nll, tape = loss.forward(y, letters)
            network.backward(loss.backward(tape, 1 / size), tapes)
            clip_norm(network.params.values(), 5.0)
            optimizer.learning_rate = 0.003 * min(1, 2 * (1 - update / (updates + 1)))  # falls in the second half
            optimizer.step()
            if update % 25 == 0:
                found = best_path(network.forward(x)[0])
                error = 100 * label_error_rate(found, wanted)
                print(
                    f"update {update:4d}  loss {nll.mean():7.3f} nats a sentence  {error:5.1f} % of letters wrong  "
                    f"{time.monotonic() - began:5.1f} s",
                    flush=True,
                )
    for said, heard in list(zip(wanted, found, strict=True))[:3]:
        print("said", "".join(LETTERS[k - 1] for k in said), " heard", "".join(LETTERS[k - 1] for k in heard))
    print(f"label error rate {error:.2f} %")


if __name__ == "__main__":
    main()
