"""A network learns to name colours: the smallest lesson in back-propagation.

    python tools/examples/colours.py

Input: a colour as three numbers from 0 to 255, (red, green, blue). Output: P(red), P(green), P(blue). A colour is
named after its largest number, but nobody tells the network so: it sees 240 colours with their names.

    3 numbers -> 50 units -> 100 -> 50 -> 3 outputs -> softmax

Expect on two free cores (a few seconds): the loss falls from 1.1 = log 3, pure guessing, to below 0.05; 20 of 20 new
colours are named right; RGB(233, 63, 127) is red.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rnnlm import FeedForward
from rnnlm.datasets import Dataset
from rnnlm.training import SGD, ClassifierTrainer
from rnnlm.training.classifier_trainer import evaluate
from rnnlm.training.events import Epoch, Event

NAMES = ("red", "green", "blue")
LEAD = 30  # a colour whose two largest numbers are closer than this has no name


def colours(count: int, rng: np.random.Generator) -> Dataset:
    """Random colours that deserve their name, the three names in turn."""
    found: list[np.ndarray] = []
    while len(found) < count:
        colour = rng.integers(0, 256, 3)
        second, first = np.sort(colour)[1:]
        if first - second >= LEAD and colour.argmax() == len(found) % 3:
            found.append(colour)
    x = np.array(found, np.float32)
    return Dataset.make(x, [NAMES[k] for k in x.argmax(1)], labels=NAMES, name="colours")


def main() -> None:
    rng = np.random.default_rng(1)
    train, test = colours(240, rng), colours(20, rng)

    # Numbers around 0 of about the size 1 are what the starting weights are made for: the inputs are standardized.
    network = FeedForward((3,), NAMES, layers=[50, 100, 50], activation="relu", standardize="mean", seed=1)

    # Each update shows the network 8 colours: forward, loss, backward, and a step of 0.01 against the gradient.
    def show(event: Event) -> None:
        if isinstance(event, Epoch) and event.epoch % 10 == 0 and event.train_accuracy is not None:
            print(f"epoch {event.epoch:3d}  loss {event.train_nll:.4f}  {100 * event.train_accuracy:.1f} % right")

    trainer = ClassifierTrainer(network, SGD(network.params, 0.01), batch=8, epochs=100, observers=[show])
    trainer.fit(train)

    found = evaluate(network, test)
    print(f"new colours: {found.correct} of {found.examples} right")
    colour = np.array([[233, 63, 127]], np.float32)
    p = network.probabilities(colour)[0]
    answer = ", ".join(f"{name} {share:.4f}" for name, share in zip(NAMES, p, strict=True))
    print(f"RGB(233, 63, 127) is {NAMES[p.argmax()]}: {answer}")


if __name__ == "__main__":
    main()
