"""NumPy archives: x, y and the names of the classes."""

import io
import zipfile

import numpy as np
import pytest

from rnnlm.datasets import read
from rnnlm.errors import DataError, UsageError

X = np.arange(12.0).reshape(3, 4)


@pytest.fixture
def archive(tmp_path):
    """Write arrays and return the path."""

    def write(**arrays):
        np.savez_compressed(tmp_path / "a.npz", **arrays)
        return tmp_path / "a.npz"

    return write


@pytest.mark.parametrize(
    "y", [np.array([2, 10, 2]), np.array(["2", "10", "2"]), np.array([2.0, 10, 2]), [b"2", b"10", b"2"]]
)
def test_y_names_the_classes(archive, y):
    data = read(archive(x=X, y=y, more=np.zeros(5)))
    assert (data.labels, data.y.tolist()) == (("2", "10"), [0, 1, 0])
    np.testing.assert_array_equal(data.x, X)
    assert (data.x.dtype, data.y.dtype) == (np.float32, np.int32)


def test_y_holds_ids_of_labels(archive):
    data = read(archive(x=X, y=np.array([2, 0, 2], np.uint8), labels=["red", "green", "blue"]))
    assert (data.labels, data.y.tolist(), data.counts.tolist()) == (("red", "green", "blue"), [2, 0, 2], [1, 0, 2])
    assert data.y.dtype == np.int32
    named = read(archive(x=X, y=["blue", "red", "blue"], labels=["red", "green", "blue"]))
    assert named.sha256 == data.sha256


def test_bytes_are_pixels(archive):
    data = read(archive(x=np.array([[0, 51], [255, 102]], np.uint8), y=[0, 1]))
    np.testing.assert_array_equal(data.x, np.float32([[0, 0.2], [1, 0.4]]))
    assert read(archive(x=X.astype(np.int64), y=[0, 1, 0])).x.max() == 11  # other numbers are not


def test_without_y_and_with_a_shape(archive):
    data = read(archive(x=X), shape="2x2x1")
    assert (data.shape, data.y, data.labels) == ((2, 2, 1), None, ())


def npy(array, claim=None):
    """The bytes of an .npy file; `claim` stands in the place of the shape in its header."""
    file = io.BytesIO()
    np.save(file, array)
    shape = str(array.shape).encode()
    return file.getvalue().replace(shape, claim.encode().ljust(len(shape)), 1) if claim else file.getvalue()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"x.npy": npy(X, "(10000000000, 4)"), "y.npy": npy(np.arange(3))}, r"claims the shape \(10000000000, 4\)"),
        ({"x.npy": npy(X), "y.npy": npy(np.arange(3), "(99999999999,)")}, r"y\.npy claims the shape \(99999999999,\)"),
        ({"x.npy": npy(X, "(-3, -4)"), "y.npy": npy(np.arange(3))}, r"claims the shape \(-3, -4\)"),
        ({"x.npy": npy(X, "(3, 4" + "(" * 60)}, "cannot be read as an .npz archive"),
        ({"x.npy": npy(X, "(" * 2000)}, "cannot be read as an .npz archive"),
        ({"x.npy": npy(X)[:-8], "y.npy": npy(np.arange(3))}, "claims the shape"),
        ({"x.npy": npy(X), "y": b"no array"}, "cannot be read as an .npz archive"),
        ({"x.npy": b"", "y.npy": npy(np.arange(3))}, "cannot be read as an .npz archive"),
    ],
)
def test_members_that_are_no_arrays_or_claim_another_size(tmp_path, members, message):
    """At once, and without the memory that the claim would need."""
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_train": X, "y_train": [0, 1, 0]}, 'has no array "x"; it holds x_train, y_train'),
        ({"x": X, "y": [0, 1]}, r"3 examples, so y must have the shape \(3,\)"),
        ({"x": X, "y": np.eye(3)}, r"not \(3, 3\)"),
        (
            {"x": X, "y": [0, 3, 0], "labels": ["a", "b", "c"]},
            r"y\[1\] is 3, and there are 3 labels, so ids go from 0 to 2",
        ),
        ({"x": X, "y": [0, -1, 0], "labels": ["a", "b", "c"]}, r"y\[1\] is -1"),
        ({"x": X, "y": ["a", "d", "a"], "labels": ["a", "b"]}, "label 'd', which is none of the classes a, b"),
        ({"x": X, "y": [1, 1, 1]}, r"all 3 examples of .* have the label '1'.*too\.$"),
        ({"x": np.where(X == 6, np.nan, X), "y": [0, 1, 0]}, r"x\[1, 2\] is nan"),
        ({"x": X, "y": [0, np.nan, 1]}, r"y\[1\]: the label 'nan'"),
        ({"x": np.array(["a", "b"]), "y": [0, 1]}, "must be an array of real numbers"),
        ({"x": np.zeros((0, 4)), "y": []}, "at least one example"),
        ({"x": np.array([{}, {}]), "y": [0, 1]}, r"cannot be read as an \.npz archive.*Object arrays"),
    ],
)
def test_bad_archives(archive, arrays, message):
    path = archive(**arrays)
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_archives(archive, tmp_path):
    path = archive(x=np.random.default_rng(0).normal(size=(50, 9)), y=np.arange(50) % 2)
    good = path.read_bytes()
    flipped = bytearray(good)
    flipped[500] ^= 255
    for content in (good[:-30], good[:100], bytes(flipped), b"", b"x,y\n1,2\n"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.npz cannot be read as an \.npz archive"):
            read(path)
    with path.open("wb") as file:
        np.save(file, X)
    with pytest.raises(DataError, match="a single array"):
        read(path)


def test_options_that_do_not_go_with_an_archive(archive):
    with pytest.raises(UsageError, match="label_column=1 is for tables"):
        read(archive(x=X, y=[0, 1, 0]), label_column=1)


def test_names_of_classes_are_in_one_line_with_single_blanks(archive):
    """So that what is printed about them stays a line, and a table's labels are found again among them."""
    for y in ([1, 0, 1], ["b  c", " a\t", "b\nc"]):
        data = read(archive(x=X, y=np.array(y), labels=np.array([" a", "b\t c"])))
        assert (data.labels, data.y.tolist()) == (("a", "b c"), [1, 0, 1])
    with pytest.raises(DataError, match=r"a\.npz: labels has the shape \(1, 2\); it must be \(classes,\)"):
        read(archive(x=X, y=[0, 1, 0], labels=[["a", "b"]]))
