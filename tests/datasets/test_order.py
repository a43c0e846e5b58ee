"""The order of an epoch: every example once, every class its share of any stretch, another order in every epoch."""

import numpy as np
import pytest

from rnnlm.datasets import epoch_order
from rnnlm.datasets.order import spread


def deviations(classes, counts):
    """(N + 1, K): how many of each class are among the first m, less m times its share."""
    dealt = np.zeros((len(classes) + 1, len(counts)))
    dealt[1:] = np.cumsum(classes[:, None] == np.arange(len(counts)), axis=0)
    return dealt - np.arange(len(classes) + 1)[:, None] * np.asarray(counts) / sum(counts)


@pytest.mark.parametrize(
    "counts",
    [[1], [1, 1], [7, 1], [5, 5, 5], [50, 30, 10, 9, 1], [100] + [3] * 12, [2, 3, 5, 7, 11, 13, 17], [1] * 9 + [80]],
)
def test_every_class_keeps_to_its_share(counts):
    for seed in range(20):
        ranks = np.random.default_rng(seed).permutation(len(counts))
        off = deviations(spread(np.array(counts), ranks), counts)
        assert np.abs(off).max() < 1  # after any number of examples
        assert (off.max(axis=0) - off.min(axis=0)).max() < 2  # in any window of consecutive examples
        assert not off[-1].any()


def test_classes_of_one_size_are_within_one_in_every_window():
    y = np.repeat(np.arange(10), 50)
    off = deviations(y[epoch_order(y, seed=3, epoch=1)], [50] * 10)
    assert (off.max(axis=0) - off.min(axis=0)).max() < 1


def test_by_hand():
    # class 0 is due among the first 2 and the first 3, class 1 among the first 3; ranks break ties
    assert spread(np.array([2, 1]), np.array([0, 1])).tolist() == [0, 0, 1]
    assert spread(np.array([2, 1]), np.array([1, 0])).tolist() == [0, 1, 0]
    assert spread(np.array([4, 2]), np.array([1, 0])).tolist() == [0, 1, 0, 0, 1, 0]
    assert spread(np.array([2, 2, 2]), np.array([2, 0, 1])).tolist() == [1, 2, 0, 1, 2, 0]


def test_an_epoch_is_a_shuffle_that_depends_on_seed_and_epoch_alone():
    y = np.random.default_rng(0).choice(4, size=997, p=[0.6, 0.3, 0.09, 0.01])
    orders = {(seed, epoch): epoch_order(y, seed, epoch) for seed in (0, 1) for epoch in (1, 2, 3)}
    for (seed, epoch), order in orders.items():
        assert sorted(order.tolist()) == list(range(997))
        assert order.tolist() == epoch_order(y, seed, epoch).tolist()
    assert len({order.tobytes() for order in orders.values()}) == 6
    places = np.stack([epoch_order(y, 7, epoch) for epoch in range(300)])
    # an example of the largest class comes, over many epochs, in the middle of the epoch on average
    example = int(np.flatnonzero(y == 0)[0])
    when = (places == example).argmax(axis=1)
    assert abs(when.mean() - 498) < 4 * 997 / np.sqrt(12 * 300)


def test_balance_deals_every_class_equally_often():
    y = np.repeat([0, 1, 2], [80, 15, 6])  # N = 101
    seen = np.zeros(101, int)
    for epoch in range(200):
        order = epoch_order(y, seed=5, epoch=epoch, balance=True)
        assert len(order) == 101
        dealt = np.bincount(y[order])
        assert sorted(dealt.tolist()) == [33, 34, 34]
        often = np.bincount(order, minlength=101)
        assert often[:80].max() == 1  # of a frequent class a part, each once
        assert set(often[80:95].tolist()) <= {2, 3}  # of a rare class each as often as the others, ± 1
        assert set(often[95:].tolist()) <= {5, 6}
        assert np.abs(deviations(y[order], dealt)).max() < 1
        seen += often
    mean = seen[:80].mean()  # of 200 epochs, about 0.42 each
    assert np.abs(seen[:80] - mean).max() < 5 * np.sqrt(mean * (1 - mean / 200))


def test_a_class_without_examples_and_a_single_class():
    y = np.array([2, 5, 2, 5, 5, 5])  # ids 0, 1, 3, 4 have no example
    assert sorted(epoch_order(y, 1, 1).tolist()) == [0, 1, 2, 3, 4, 5]
    assert sorted(y[epoch_order(y, 1, 1, balance=True)].tolist()) == [2, 2, 2, 5, 5, 5]
    assert sorted(epoch_order(np.zeros(5, int), 1, 1, balance=True).tolist()) == [0, 1, 2, 3, 4]
