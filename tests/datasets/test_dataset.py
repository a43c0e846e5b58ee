"""Examples, their classes and the names of the classes."""

import numpy as np
import pytest

from rnnlm.datasets import Dataset, parse_shape
from rnnlm.errors import DataError, UsageError


def data(counts, features=3, seed=0):
    """Classes a, b, c … with so many examples, mixed."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    return Dataset.make(rng.normal(size=(len(y), features)), [chr(97 + i) for i in y], name="toy")


def test_names_become_ids_numbers_by_value_first():
    made = Dataset.make(np.arange(12).reshape(6, 2), ["10", "9", "b", "a", "9", "-1"])
    assert made.labels == ("-1", "9", "10", "a", "b")
    assert made.y.tolist() == [2, 1, 4, 3, 1, 0]
    assert (made.x.dtype, made.y.dtype) == (np.float32, np.int32)
    assert made.counts.tolist() == [1, 2, 1, 1, 1]
    assert (len(made), made.shape) == (6, (2,))
    assert repr(made) == "Dataset('data', 6 of 2, 5 classes)"


@pytest.mark.parametrize("y", [[7, 0, 7], [7.0, 0.0, 7.0], ["7.00e+00", "0.0", "7"], np.array([b"7", b"0", b"7"])])
def test_whole_numbers_are_one_class_however_written(y):
    made = Dataset.make(np.ones((3, 1)), y)
    assert (made.labels, made.y.tolist()) == (("0", "7"), [1, 0, 1])


def test_leading_zeros_stay():
    assert Dataset.make(np.ones((2, 1)), ["007", "7"]).labels == ("007", "7")


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([[1.0, 2], [3, np.nan]], None, r"toy: x\[1, 1\] is nan, not a finite"),
        ([[1.0, 2], [3, 1e39]], None, r"x\[1, 1\] is 1e\+39"),
        ([1.0, 2.0], None, r"shape \(2,\); it must be \(examples, …\)"),
        (np.ones((0, 3)), None, "at least one example"),
        ([["a"]], None, "real numbers"),
        ([[1j]], None, "real numbers"),
        ([[1], [1, 2]], None, "x is not an array of numbers"),
        ([[1], [2]], [1, 2, 3], r"y must have the shape \(2,\), not \(3,\)"),
        ([[1], [2]], [[1], [2]], r"not \(2, 1\)"),
        ([[1], [2]], ["a", " "], r"toy: y\[1\]: the label is empty"),
        ([[1], [2]], [1, 0.25], r"y\[1\]: the label '0.25' is neither a name nor a whole number"),
        ([[1], [2]], [1, np.nan], "label 'nan' is neither"),
    ],
)
def test_bad_arrays(x, y, message):
    with pytest.raises(DataError, match=message):
        Dataset.make(x, y, name="toy")


def test_take_keeps_files_beside_their_examples():
    made = Dataset.make(np.arange(6).reshape(3, 2), ["x", "y", "x"], files=["1.png", "2.png", "3.png"])
    some = made.take([2, 0])
    assert (some.x.tolist(), some.y.tolist(), some.files) == ([[4, 5], [0, 1]], [0, 0], ("3.png", "1.png"))
    assert some.labels == ("x", "y")
    assert made.take(np.array([False, True, False]).nonzero()[0]).files == ("2.png",)


@pytest.mark.parametrize(
    ("counts", "fraction", "held"),
    [
        ([50, 30, 20], 0.1, [5, 3, 2]),
        ([5, 5, 5], 0.2, [1, 1, 1]),
        ([14, 14, 12], 0.25, [4, 3, 3]),  # 3.5, 3.5, 3: the half that is left over goes to the first
        ([12, 13, 15], 0.1, [1, 1, 2]),  # 1.2, 1.3, 1.5
        ([10, 9, 1], 0.3, [3, 3, 0]),  # the last example of a class stays
        ([100, 100], 0.29, [29, 29]),  # .29 · 100 is a little less than 29 in floating point
        ([3, 3], 0.9, [2, 2]),
    ],
)
def test_split_keeps_the_shares(counts, fraction, held):
    whole = data(counts)
    rest, out = whole.split(fraction, seed=4)
    assert out.counts.tolist() == held
    assert (rest.counts + out.counts).tolist() == counts
    rows = [row.tobytes() for row in whole.x]
    places = [[rows.index(row.tobytes()) for row in part.x] for part in (rest, out)]
    assert sorted(places[0] + places[1]) == list(range(len(whole)))  # each example in one part
    assert all(part == sorted(part) for part in places)
    assert (whole.y[places[1]] == out.y).all()


def test_split_depends_on_the_seed():
    whole = data([40, 40])
    parts = [whole.split(0.25, seed)[1].sha256 for seed in (1, 1, 2)]
    assert parts[0] == parts[1] != parts[2]
    unlabelled = Dataset.make(whole.x)
    assert [len(part) for part in unlabelled.split(0.25, 1)] == [60, 20]


def test_split_that_cannot_be():
    with pytest.raises(UsageError, match=r"share is 1\.0; give a number between 0 and 1"):
        data([3, 3]).split(1.0, 1)
    with pytest.raises(DataError, match=r"toy has 3 examples, too few to hold out 0\.5"):
        data([1, 1, 1]).split(0.5, 1)
    with pytest.raises(DataError, match="too few"):
        data([2, 2]).split(0.01, 1)


def test_the_hash_is_that_of_the_content():
    x, y = np.arange(6.0).reshape(3, 2), ["a", "b", "a"]
    one = Dataset.make(x, y, name="one")
    assert one.sha256 == Dataset.make(x.astype(np.float32), y, name="two", files=["1", "2", "3"]).sha256
    changed = x.copy()
    changed[2, 1] = 7
    others = [
        Dataset.make(changed, y),
        Dataset.make(x, ["a", "b", "b"]),
        Dataset.make(x, ["a", "c", "a"]),
        Dataset.make(x),
        Dataset.make(x.reshape(3, 2, 1), y),
        one.take([1, 0, 2]),
    ]
    assert len({other.sha256 for other in [one, *others]}) == 7
    assert len(one.sha256) == 64


def test_the_labels_of_a_model():
    made = Dataset.make(np.ones((3, 4)), ["dog", "cat", "dog"], name="pets.csv")
    like = made.require_like((4,), ["cow", "dog", "cat"])
    assert (like.y.tolist(), like.labels, like.counts.tolist()) == ([1, 2, 1], ("cow", "dog", "cat"), [0, 2, 1])
    assert Dataset.make(np.ones((3, 4)), ["dog", "cat", "dog"], labels=("cow", "dog", "cat")).sha256 == like.sha256
    with pytest.raises(
        DataError, match=r"pets\.csv: example 1 has the label 'dog', which is none of the classes cow, cat"
    ):
        made.require_like((4,), ["cow", "cat"])
    many = [str(i) for i in range(30)]
    with pytest.raises(DataError, match="18, 19 and 10 more"):
        made.with_labels(many)
    # a class without an example asks for nothing
    assert like.take([0, 2]).with_labels(["dog", "cat"]).y.tolist() == [0, 0]
    assert Dataset.make(np.ones((3, 4))).require_like((4,), ["a", "b"]).y is None


def test_the_shape_of_a_model():
    made = Dataset.make(np.arange(12).reshape(2, 6), ["a", "b"], name="rows")
    image = made.require_like((2, 3, 1), made.labels)
    assert image.x[1, :, :, 0].tolist() == [[6, 7, 8], [9, 10, 11]]
    assert image.require_like((6,), made.labels).x.tolist() == made.x.tolist()
    with pytest.raises(DataError, match=r"rows: an example has the shape 2×3×1, and the model takes 3×2×1.*`size`"):
        image.require_like((3, 2, 1), made.labels)
    with pytest.raises(DataError, match=r"shape 6, and the model takes 7.*`label_column`"):
        made.require_like((7,), made.labels)
    with pytest.raises(DataError, match=r"6 = 6 values, which cannot be 2×2 = 4\. Give a shape of 6 values"):
        made.reshape((2, 2))


def test_labels_that_are_needed():
    with pytest.raises(DataError, match="data has no labels"):
        _ = Dataset.make(np.ones((2, 2))).counts


def test_shapes_as_they_are_written():
    for written in ("28x28x1", "28X28×1", (28, 28, 1), [28, 28, 1]):
        assert parse_shape(written) == (28, 28, 1)
    assert parse_shape(784) == parse_shape("784") == (784,)
    for written in ("28x", "axb", "28x0", "", 0, [], "1.5x2"):
        with pytest.raises(UsageError, match=r"shape is .*; give whole numbers from 1 on, such as 28x28x1"):
            parse_shape(written)
    with pytest.raises(UsageError, match=r"size is '28'; give whole numbers from 1 on, such as 28x28\."):
        parse_shape("28", "size", 2)
