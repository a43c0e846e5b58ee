"""CTC against the enumeration of all paths; decoding and the label error rate."""

import numpy as np
import pytest
from autograd import grad
from gradient_checks import agree
from stand_in import DeviceArray

from rnnlm.checks.formulas import losses as ref
from rnnlm.errors import UsageError
from rnnlm.evaluation import best_path, label_error_rate
from rnnlm.layers import CTC

STREAMS = {  # frames, classes, blank, labels of each stream, frames of each stream
    "one frame": (1, 3, 0, [[1], [], [2]], None),
    "repeats": (5, 3, 0, [[1, 1], [1, 2], [2, 2, 1], [1, 1, 1], [2]], None),
    "no labels": (4, 3, 0, [[], [1, 2, 1]], None),
    "no label anywhere": (3, 2, 0, [[], []], None),
    "tight": (4, 4, 0, [[1, 2, 3, 1], [1, 1, 2], [3, 2, 2]], None),
    "other blank": (4, 4, 3, [[0, 0], [1, 2, 0], [2]], None),
    "lengths": (5, 3, 1, [[0, 2, 0], [0, 0], [], [2], []], [5, 3, 2, 1, 0]),
    "one stream": (6, 3, 2, [[0, 1, 1]], None),
}


def padded(rows):
    labels = np.full((len(rows), max(map(len, rows))), -1)
    for row, given in zip(labels, rows, strict=True):
        row[: len(given)] = given
    return labels


@pytest.mark.parametrize("name", STREAMS)
def test_the_sum_over_all_paths(name):
    T, K, blank, rows, lengths = STREAMS[name]
    y = np.random.default_rng(1).normal(0, 2, (T, len(rows), K))
    loss = CTC(blank)
    found, tape = loss.forward(y, padded(rows), None if lengths is None else np.array(lengths))
    expected, dy = np.zeros(len(rows)), np.zeros_like(y)
    for b, (labels, frames) in enumerate(zip(rows, lengths or [T] * len(rows), strict=True)):
        if frames:
            expected[b] = ref.ctc(y[:frames, b], labels, blank)
            dy[:frames, b] = grad(ref.ctc)(y[:frames, b], labels, blank)
    agree(found, expected)
    for _ in range(2):
        agree(loss.backward(tape, 0.3), 0.3 * dy)
    single, tape = loss.forward(y.astype("float32"), padded(rows), None if lengths is None else np.array(lengths))
    assert single.dtype == loss.backward(tape, 0.3).dtype == np.float32
    np.testing.assert_allclose(single, expected, 1e-5, 2e-6)
    np.testing.assert_allclose(loss.backward(tape, 0.3), 0.3 * dy, 1e-5, 2e-6)


def test_the_probabilities_of_all_readings_sum_to_one():
    y = np.random.default_rng(2).normal(0, 2, (3, 1, 3))
    readings = [[], [1], [2], [1, 2], [2, 1], [1, 1], [2, 2], [1, 2, 1], [2, 1, 2]]
    found, _ = CTC().forward(np.repeat(y, len(readings), 1), padded(readings))
    assert np.exp(-found).sum() == pytest.approx(1, rel=1e-12)


def test_long_inputs():
    """T = 500: e^-nll is far below the smallest number; single precision is close to double all the same."""
    r = np.random.default_rng(3)
    y, labels = r.normal(0, 3, (500, 3, 20)), r.integers(1, 20, (3, 60))
    labels[1, 30:] = -1
    lengths = np.array([500, 400, 500])
    loss, tape = CTC().forward(y, labels, lengths)
    dy = CTC().backward(tape, 1.0)
    assert (loss > 800).all()
    np.testing.assert_allclose(dy.sum(2), 0, atol=1e-10)  # a softmax does not see the mean
    assert not dy[400:, 1].any()
    assert dy[:400, 1].any()
    step = 1e-5 * dy / np.linalg.norm(dy)
    up, down = (CTC().forward(y + sign * step, labels, lengths)[0].sum() for sign in (1, -1))
    assert (up - down) / 2e-5 == pytest.approx(np.linalg.norm(dy), rel=1e-6)
    single, tape = CTC().forward(y.astype("float32"), labels, lengths)
    np.testing.assert_allclose(single, loss, 1e-6)
    np.testing.assert_allclose(CTC().backward(tape, 1.0), dy, atol=1e-4)


def test_sure_outputs():
    """Logits of ±1000 for the right path cost nothing, for a wrong one a lot, and nothing is NaN."""
    y = np.full((4, 2, 3), -1000.0)
    y[np.arange(4), :, [1, 1, 0, 2]] = 1000
    loss, tape = CTC().forward(y, np.array([[1, 2], [2, 1]]))
    assert loss.tolist() == [0, 4000]  # at best 2 1 0 0: two frames are wrong, and cost 2000 each
    assert np.isfinite(CTC().backward(tape, 1.0)).all()


def test_frames_that_do_not_count_may_hold_anything():
    y = np.random.default_rng(4).normal(size=(6, 2, 3))
    labels, lengths = np.array([[1, 2], [2, -1]]), np.array([6, 3])
    wanted, tape = CTC().forward(y, labels, lengths)
    dy = CTC().backward(tape, 1.0)
    y[3:, 1] = np.nan
    with np.errstate(invalid="ignore"):
        loss, tape = CTC().forward(y, labels, lengths)
        agree(CTC().backward(tape, 1.0), dy)
    agree(loss, wanted)


def test_on_the_device(cupy):
    y = np.random.default_rng(5).normal(size=(5, 2, 3)).astype("float32")
    given = padded([[1, 1], [2]]), np.array([5, 4])
    here, tape = CTC().forward(y, *given)
    there, moved = CTC().forward(cupy.asarray(y), *given)
    for ours, theirs in ((there, here), (CTC().backward(moved, 0.3), CTC().backward(tape, 0.3))):
        assert isinstance(ours, DeviceArray)
        np.testing.assert_array_equal(ours.get(), theirs)
    assert best_path(cupy.asarray(y)) == best_path(y)


@pytest.mark.parametrize(
    ("labels", "lengths", "says"),
    [
        ([[1, 1, 2]], None, "stream 0 has 3 frames, too few for 3 labels with 1 repeats. Give at least 4 frames"),
        ([[1, -1, -1, -1]], [0], "stream 0 has 0 frames, too few for 1 labels"),
        ([[1, 0]], None, "label 0 at place 1 of stream 0 is not possible. Give 0 to 3, but not the blank 0"),
        ([[4]], None, "label 4 at place 0"),
        ([[-2]], None, "label -2 at place 0"),
        ([[1, -1, 2]], None, "label 2 at place 2"),
        ([[1.0]], None, r"shape \(1, 1\) and type float64"),
        ([1, 2], None, r"shape \(2,\) and type int64 do not fit outputs of the shape \(3, 1, 4\)"),
        ([[1], [2]], None, r"shape \(2, 1\)"),
        ([[1]], [4], r"lengths=\[4\] do not fit 1 streams of 3 frames"),
        ([[1]], [-1], r"lengths=\[-1\]"),
        ([[1]], [3, 3], r"lengths=\[3, 3\]"),
    ],
)
def test_wrong_input(labels, lengths, says):
    with pytest.raises(UsageError, match=says):
        CTC().forward(np.zeros((3, 1, 4)), np.array(labels), None if lengths is None else np.array(lengths))


def test_blanks_that_are_no_class():
    with pytest.raises(UsageError, match="blank=4 is no class of the 4 outputs"):
        CTC(4).forward(np.zeros((3, 1, 4)), np.array([[1]]))
    with pytest.raises(UsageError, match="blank=-1 is no class"):
        CTC(-1)


# Decoding ------------------------------------------------------------------------------------------


def test_best_path():
    paths = np.array([[1, 1, 0, 1, 2, 2], [0, 0, 0, 0, 0, 0], [2, 2, 2, 2, 2, 2], [0, 3, 3, 0, 0, 3]]).T
    y = np.eye(4)[paths]  # (T, B, K)
    assert best_path(y) == [[1, 1, 2], [], [2], [3, 3]]
    assert best_path(y) == [ref.reads_as(path) for path in paths.T.tolist()]
    assert best_path(y, np.array([3, 6, 0, 5])) == [[1], [], [], [3]]
    assert best_path(y, blank=2) == [[1, 0, 1], [0], [], [0, 3, 0, 3]]
    assert best_path(y[:0]) == [[], [], [], []]
    with pytest.raises(UsageError, match=r"shape \(4, 6\) have no frames of classes. Give \(T, B, K\)"):
        best_path(np.zeros((4, 6)))
    with pytest.raises(UsageError, match=r"lengths=\[7, 1, 1, 1\] do not fit 4 streams of 6 frames"):
        best_path(y, [7, 1, 1, 1])


def test_label_error_rate():
    assert label_error_rate([[1, 2, 3]], [[1, 2, 3]]) == 0
    assert label_error_rate([[1, 3], [], [4, 4, 4]], [[1, 2, 3], [5], [4]]) == (1 + 1 + 2) / 5
    assert label_error_rate([[2, 1]], np.array([[1, 2, -1, -1]])) == 2 / 2  # padding is no label
    assert label_error_rate([[1, 2, 3], [7]], [[1], []]) == 3  # more mistakes than labels
    with pytest.raises(UsageError, match="1 sequences were found for 2 that were wanted"):
        label_error_rate([[1]], [[1], [2]])
    for nothing in ([], [[]], [[-1]]):
        with pytest.raises(UsageError, match=f"the {len(nothing)} wanted sequences hold no label"):
            label_error_rate([[]] * len(nothing), nothing)
