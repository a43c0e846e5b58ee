"""Learning-rate schedules on hand-made validation entropies, and Halving against the rule of Mikolov's program."""

import json
import math

import numpy as np
import pytest

from rnnlm.errors import UsageError
from rnnlm.optim.schedules import schedule
from rnnlm.training import Constant, Halving, Linear, StepDecay
from rnnlm.training.as_used import epochs_for
from rnnlm.training.learning_rate import warmup_for


def decisions(schedule, entropies):
    """(factors, epochs undone, the epoch after which it stops or None), as a run sees them: nothing after the stop."""
    factors, undone = [], []
    for epoch, nll in enumerate(entropies, 1):
        decision = schedule.after_epoch(epoch, nll)
        if decision.restore:
            undone.append(epoch)
        if decision.stop:
            return factors, undone, epoch
        factors.append(decision.factor)
    return factors, undone, None


def test_constant_never_changes_the_rate_and_stops_out_of_patience():
    assert decisions(Constant(), [5, 4, 4.5, 3.9, 3.8]) == ([1] * 5, [3], None)
    assert decisions(Constant(patience=2), [5, 4, 4.5, 3.9, 3.9, 4.1, 3]) == ([1] * 5, [3, 5, 6], 6)
    assert decisions(Constant(patience=1), [5, 4, 4.5]) == ([1, 1], [3], 3)


def test_step_decay_begins_after_its_epoch():
    schedule = StepDecay(decay=0.25, decay_after=3)
    assert decisions(schedule, [5, 4.9, 4.8, 4.7, 4.8]) == ([1, 1, 0.25, 0.25, 0.25], [5], None)
    assert decisions(StepDecay(patience=2, decay_after=1), [5, 6, 7, 4]) == ([0.5, 0.5], [2, 3], 3)


HALVING = {
    "long gains, then two small ones": ([7, 6, 5.5, 5.49, 5.2, 5.1, 5.09, 1], ([1, 1, 1, 0.5, 0.5, 0.5], [], 7)),
    "a worse epoch starts it and is undone": ([7, 6, 6.1, 5.8, 5.5, 5.6], ([1, 1, 0.5, 0.5, 0.5], [3, 6], 6)),
    "worse at once": ([7, 8, 9], ([1, 0.5], [2, 3], 3)),
    "two small gains in a row": ([7, 6.99, 6.98], ([1, 0.5], [], 3)),
    "gains for ever": ([7, 6, 5, 4, 3], ([1] * 5, [], None)),
    # As Mikolov's program logged them, but for the seventh, which stands for any small gain.
    "Penn Treebank": (
        [8.1753, 7.9413, 7.8269, 7.7622, 7.7100, 7.6830, 7.67, 7.5158, 7.4145, 7.3480, 7.3035, 7.2731, 7.2519],
        ([1] * 6 + [0.5] * 6, [], 13),
    ),
}


@pytest.mark.parametrize(("entropies", "expected"), HALVING.values(), ids=HALVING)
def test_halving(entropies, expected):
    assert decisions(Halving(), entropies) == expected


def test_halving_with_another_ratio():
    assert decisions(Halving(min_improvement=1.5), [9, 5, 4, 2, 1.5]) == ([1, 1, 0.5, 0.5], [], 5)


def mikolov(entropies, tokens=73_760):
    """Literally: `now` is Σ log10 p, the previous one -1e8 at first; (factors, undone, stop) as above."""
    previous, halving, factors, undone = -1e8, False, [], []
    for epoch, nll in enumerate(entropies, 1):
        now = -nll * tokens / math.log(10)
        if now < previous:
            undone.append(epoch)
        if now * 1.003 < previous:
            if halving:
                return factors, undone, epoch
            halving = True
        factors.append(0.5 if halving else 1.0)
        previous = now
    return factors, undone, None


@pytest.mark.parametrize("seed", range(40))
def test_halving_on_random_runs_is_mikolovs(seed):
    """Rates and the end agree always. So does what is undone, but for the epoch after the first worse one: his program
    compares with that worse epoch, ours with the best, whose weights are the ones to keep."""
    entropies = (7 * np.cumprod(1 - np.random.default_rng(seed).normal(0.008, 0.008, 15))).tolist()
    factors, undone, stop = decisions(Halving(), entropies)
    expected_factors, expected_undone, expected_stop = mikolov(entropies)
    assert (factors, stop) == (expected_factors, expected_stop)
    if not expected_undone or expected_undone[0] == stop:
        assert undone == expected_undone
    assert undone == [n for n, nll in enumerate(entropies[: stop or 15], 1) if n > 1 and nll >= min(entropies[: n - 1])]


@pytest.mark.parametrize("make", [Constant, StepDecay, Halving])
def test_a_schedule_goes_on_from_its_state(make):
    entropies = [7, 6, 6.1, 6.05, 5.9, 5.89, 5.88, 6, 6, 6]
    for cut in range(len(entropies)):
        schedule, other = make(), make()
        before = [schedule.after_epoch(n, nll) for n, nll in enumerate(entropies[:cut], 1)]
        other.restore(json.loads(json.dumps(schedule.state(), allow_nan=False)))
        assert len(before) == cut
        for n, nll in enumerate(entropies[cut:], cut + 1):
            assert other.after_epoch(n, nll) == schedule.after_epoch(n, nll)


def test_linear_falls_in_equal_steps_to_one_part_in_total():
    factors, _, _ = decisions(Linear(total=5), [5, 4, 3, 2])
    assert np.cumprod([1, *factors]) == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2])


def test_linear_goes_on_from_a_worse_epoch_and_stops_only_if_patience_is_asked_for():
    _, undone, stopped = decisions(Linear(total=9, patience=2), [5.0, 4.0, 4.5, 4.4, 3.0])
    assert (undone, stopped) == ([], 4)
    _, undone, stopped = decisions(Linear(total=9), [5.0, 4.0, 4.5, 4.4, 4.3, 4.2, 4.1, 4.0])
    assert (undone, stopped) == ([], None)


def test_schedules_by_name_take_their_own_options_only():
    assert schedule("linear", 7) == Linear(total=7)
    assert schedule("step", 7, decay=0.8, decay_after=3) == StepDecay(decay=0.8, decay_after=3)
    assert schedule("halving", 7, min_improvement=1.01) == Halving(min_improvement=1.01)
    for name, options in (
        ("halving", {"patience": 2}),
        ("linear", {"decay": 0.5}),
        ("constant", {"min_improvement": 1.1}),
    ):
        with pytest.raises(UsageError, match=f"`{next(iter(options))}` is no option of the schedule '{name}'"):
            schedule(name, 7, **options)
    with pytest.raises(UsageError, match="schedule 'cosine' is not known"):
        schedule("cosine", 7)


@pytest.mark.parametrize(
    ("tokens", "epochs"), [(100, 20), (400_000, 20), (500_000, 16), (930_000, 9), (1_000_000, 8), (10**9, 1)]
)
def test_a_run_that_nobody_told_how_long_reads_eight_million_words(tokens, epochs):
    assert epochs_for(tokens) == epochs


@pytest.mark.parametrize(("updates", "warmup"), [(5, 0), (100, 10), (3_000, 300), (10**6, 300)])
def test_the_warm_up_is_a_tenth_of_the_run_at_most_300(updates, warmup):
    assert warmup_for(updates) == warmup
