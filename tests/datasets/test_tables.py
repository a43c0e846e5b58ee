"""Tables: what is read, and the line and column of what cannot be."""

import gzip
import io
import sys

import numpy as np
import pytest

from rnnlm.datasets import read
from rnnlm.errors import DataError, UsageError

FLOWERS = "5.1,3.5,setosa\n7.0,3.2,versicolor\n4.9,3.0,setosa\n"


@pytest.fixture
def table(tmp_path):
    """Write a table and return its path."""

    def write(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def check_flowers(data):
    np.testing.assert_array_equal(data.x, np.float32([[5.1, 3.5], [7.0, 3.2], [4.9, 3.0]]))
    assert (data.y.tolist(), data.labels) == ([0, 1, 0], ("setosa", "versicolor"))


@pytest.mark.parametrize(
    "content",
    [
        FLOWERS,
        FLOWERS.rstrip("\n"),
        FLOWERS.replace("\n", "\r\n"),
        "\ufeff" + FLOWERS,
        "\n" + FLOWERS.replace("\n", "\n\n"),
        "length,width,species\n" + FLOWERS,
        FLOWERS.replace(",", " , "),
        FLOWERS.replace(",", "\t"),
        "length;width;species\n" + FLOWERS.replace(",", ";"),
        '"length","width","species"\n' + FLOWERS.replace("setosa", '"setosa"').replace("5.1", '"5.1"'),
        ",length,width,species\n1,5.1,3.5,setosa\n2,7.0,3.2,versicolor\n3,4.9,3.0,setosa\n",  # a column of line numbers
    ],
)
def test_a_table_however_written(table, content):
    path = table(content)
    data = read(path)
    check_flowers(data)
    assert (data.name, data.files) == (str(path), ())


def test_packed_tables_and_standard_input(table, monkeypatch):
    check_flowers(read(table(gzip.compress(FLOWERS.encode()), "t.csv.gz")))
    check_flowers(read(table(FLOWERS.replace(",", "\t"), "T.TSV")))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(FLOWERS.encode())))
    data = read("-")
    check_flowers(data)
    assert data.name == "standard input"


@pytest.mark.parametrize("column", [1, "1", "digit"])
def test_the_label_column(table, column):
    path = table("digit,a,b\n7,0.5,1\n3,2,2.5\n10,-1,1e3\n")
    data = read(path, label_column=column)
    assert data.x.tolist() == [[0.5, 1], [2, 2.5], [-1, 1000]]
    assert (data.labels, data.y.tolist()) == (("3", "7", "10"), [1, 0, 2])


def test_a_named_column_makes_the_first_line_a_header(table):
    data = read(table("2019,kind,2020\n5,a,6\n7,b,8\n"), label_column="kind")
    assert (data.x.tolist(), data.labels) == ([[5, 6], [7, 8]], ("a", "b"))


def test_a_table_without_labels(table):
    data = read(table("a,b\n1,2\n3,4\n"), label_column="none")
    assert (data.x.tolist(), data.y, data.labels) == ([[1, 2], [3, 4]], None, ())


def test_a_header_that_counts(table):
    rows = f"{'5,' * 10}1\n{'6,' * 10}0\n"
    for header in ("0,1,2,3,4,5,6,7,8,9,label\n", "0,1,2,3,4,5,6,7,8,9,10\n"):
        data = read(table(header + rows))
        assert data.x.tolist() == [[5] * 10, [6] * 10]
        assert data.labels == ("0", "1")
    assert len(read(table("0,1,1\n1,1,0\n"))) == 2  # too few to tell: an example


def test_what_numpy_writes(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(20, 5)), np.arange(20) % 3
    np.savetxt(tmp_path / "t.csv", np.column_stack([x, y]), delimiter=",")
    data = read(tmp_path / "t.csv")
    np.testing.assert_array_equal(data.x, x.astype(np.float32))
    assert (data.labels, data.y.tolist()) == (("0", "1", "2"), y.tolist())


def test_rows_become_images(table):
    path = table("0,1,2,3,4,5,cat\n6,7,8,9,10,11,dog\n")
    image = read(path, shape="2x3x1")
    assert image.shape == (2, 3, 1)
    assert image.x[1, :, :, 0].tolist() == [[6, 7, 8], [9, 10, 11]]
    assert read(path, shape=6).shape == (6,)
    with pytest.raises(DataError, match=r"6 = 6 values, which cannot be 2×2×1 = 4"):
        read(path, shape="2x2x1")


def test_the_labels_of_a_model(table):
    path = table("1,2,dog\n3,4,dog\n")
    data = read(path, labels=["cat", "dog"])  # one class is enough to be tested on
    assert (data.y.tolist(), data.labels) == ([1, 1], ("cat", "dog"))
    with pytest.raises(DataError, match="the label 'dog', which is none of the classes cat, bird"):
        read(path, labels=["cat", "bird"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty: it has no line with an example"),
        ("a,b,label\n", "is empty: it has no line with an example"),
        ("a\nb\n", "only one column"),
        ("1,2,a\n1,nan,b\n", r"line 2, column 2 is 'nan'; features are finite numbers"),
        ("1,2,a\n\n1,inf,b\n", "line 3, column 2 is 'inf'"),
        ("1,2,a\n1e39,2,b\n", r"line 2, column 1 is '1e39'"),
        ("1,2,a\n1,,b\n", "line 2, column 2 is empty, a missing value"),
        ("1,2,a\n1,x2,b\n", "line 2, column 2 is 'x2'"),
        ("id,2,a\n1,2,b\n", "line 1, column 1 is 'id'"),
        ("1,2,a\n1,b\n", "line 2 has 2 columns, and the first line has 3"),
        ("1,2,a\n1,2,3,b\n", "line 2 has 4 columns"),
        ("1,2,a\n1,2, \n", "line 2, column 3: the label is empty"),
        ("1,2,a\n1,2,0.5\n", "line 2, column 3: the label '0.5' is neither a name nor a whole number.*`label_column`"),
        (
            "1,2,a\n1,3,a\n",
            "all 2 examples of .* have the label 'a', so there is nothing to tell apart.*`label_column`",
        ),
        ('1,2,a\n1,"2,b\n', "line 2: .*quotation mark"),
        (b"1,2,a\n1,2,caf\xe9\n", "line 2: byte 0xe9 is not UTF-8"),
        ("1,5;2,5;a\n1,5;2,5;b\n", "line 2, column 1 is '1,5'"),
    ],
)
def test_bad_tables(table, content, message):
    path = table(content)
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_column_is_that_of_the_file(table):
    with pytest.raises(DataError, match="line 2, column 3 is 'x'"):
        read(table("a,1,2\nb,1,x\n"), label_column=1)
    with pytest.raises(DataError, match="line 3, column 3 is 'x'"):
        read(table(",p,q,l\nfirst,1,2,a\nsecond,1,x,b\n"))


@pytest.mark.parametrize(
    ("column", "error", "message"),
    [
        ("species", DataError, "has no column 'species'; its first line is length, width, kind"),
        ("0", UsageError, "label_column=0 is not a column of .*: they go from 1 to 3"),
        (4, UsageError, "they go from 1 to 3"),
    ],
)
def test_no_such_column(table, column, error, message):
    with pytest.raises(error, match=message):
        read(table("length,width,kind\n1,2,a\n"), label_column=column)


def test_damaged_and_missing_files(table, tmp_path):
    packed = gzip.compress(FLOWERS.encode() * 1000)
    for content, message in [(packed[:100], "cut short"), (packed[:30] + b"\0" * 9 + packed[40:], "cannot be read")]:
        with pytest.raises(DataError, match=message):
            read(table(content, "t.csv.gz"))
    with pytest.raises(DataError, match=r"is called \.gz but is not"):
        read(table(FLOWERS, "t.csv.gz"))
    with pytest.raises(DataError, match=r"nowhere\.csv does not exist.*rnnlm corpus list"):
        read(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match=r"t\.xls is none of the files that hold labelled data: \.csv"):
        read(table("", "t.xls"))


def test_options_that_do_not_go_with_a_table(table):
    with pytest.raises(UsageError, match="size=28×28 is for images, and"):
        read(table(FLOWERS), size="28x28")
    with pytest.raises(UsageError, match="shape is '28y28'"):
        read(table(FLOWERS), shape="28y28")


def test_names_that_python_takes_for_numbers(table):
    assert read(table("1,12_1\n2,1_21\n3,1e5\n4,2.00e+00\n")).labels == ("2", "12_1", "1_21", "1e5")
