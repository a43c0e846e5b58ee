"""Handwritten digits with fully connected layers: 784 - 100 - 100 - 10.

    python tools/examples/digits_mlp.py

Data: 4,000 digits to learn from (a tenth of them held out, to choose the best epoch) and 1,000 to report on, of MNIST.
The network knows nothing of images: shuffle the 784 pixels, the same way in all images, and it learns as well.

Expect on two free cores (about ten seconds): 93 to 95 % of the test digits right. digits_cnn.py, which knows what a
neighbour is, makes a fifth of the mistakes.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rnnlm import FeedForward
from rnnlm.cli.classify import confusion_table
from rnnlm.cli.progress import ClassifierProgressBar
from rnnlm.datasets import read
from rnnlm.training import ClassifierTrainer, Linear, Momentum
from rnnlm.training.classifier_trainer import evaluate

EPOCHS = 20


def main() -> None:
    train, valid = read("digits:train").split(0.1, seed=1)
    network = FeedForward(train.shape, train.labels, layers=[100, 100], activation="relu", dropout=0.2, seed=1)
    trainer = ClassifierTrainer(
        network,
        Momentum(network.params, 0.02, momentum=0.9, decay=1e-3),
        batch=32,
        epochs=EPOCHS,
        schedule=Linear(total=EPOCHS),
        observers=[ClassifierProgressBar()],
    )
    trainer.fit(train, valid)
    found = evaluate(network, read("digits:test"))
    print(f"test: {found.correct} of {found.examples} right, {100 * found.accuracy:.1f} %")
    print(confusion_table(found))


if __name__ == "__main__":
    main()
