"""Images: a folder a class, a flat folder, one file; what is refused. Skipped without Pillow."""

import sys

import numpy as np
import pytest

from rnnlm.datasets import read
from rnnlm.errors import DataError, UsageError


def picture(path, values, mode=None):
    """Write an array of uint8 as an image; returns its path."""
    image = pytest.importorskip("PIL.Image").fromarray(np.asarray(values, np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    (image if mode is None else image.convert(mode)).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """Two classes of grey images, 2×3; files of other kinds among them."""
    home = tmp_path / "animals"
    picture(home / "dog" / "b.png", [[0, 51, 102], [153, 204, 255]])
    picture(home / "dog" / "a.PNG", np.full((2, 3), 51))
    picture(home / "cat" / "c.png", np.full((2, 3), 255))
    for name in ("dog/notes.txt", "labels.csv", "dog/.hidden.png"):
        (home / name).write_text("no image")
    (home / ".git").mkdir()
    return home


def test_a_folder_a_class(folder):
    data = read(folder)
    assert (data.labels, data.y.tolist(), data.shape) == (("cat", "dog"), [0, 1, 1], (2, 3, 1))
    assert data.files == tuple(str(folder / name) for name in ("cat/c.png", "dog/a.PNG", "dog/b.png"))
    np.testing.assert_array_equal(data.x[2, :, :, 0], np.float32([[0, 0.2, 0.4], [0.6, 0.8, 1]]))
    assert data.x.dtype == np.float32
    again = read(str(folder), labels=["dog", "cat"])
    assert again.y.tolist() == [1, 0, 0]


def test_classes_named_by_numbers(tmp_path):
    for name in ("10", "9", "0"):
        picture(tmp_path / name / "1.png", [[0]])
    assert read(tmp_path).labels == ("0", "9", "10")


def test_images_without_classes(folder):
    data = read(folder / "dog")
    assert (len(data), data.y, data.labels) == (2, None, ())
    one = read(folder / "dog" / "b.png")
    np.testing.assert_array_equal(one.x, data.x[1:])
    assert one.files == (str(folder / "dog" / "b.png"),)


def test_colours(tmp_path):
    red = np.zeros((2, 2, 3), np.uint8)
    red[:, :, 0] = 255
    path = picture(tmp_path / "red.png", red)
    data = read(path)
    assert data.shape == (2, 2, 3)
    assert data.x[0, 0, 0].tolist() == [1, 0, 0]
    grey = read(path, shape="2x2x1")
    assert grey.x.ravel().tolist() == pytest.approx([76 / 255] * 4)  # .299 of 255, as Rec. 601 weighs red
    for mode, shape in [("P", (2, 2, 3)), ("RGBA", (2, 2, 3)), ("L", (2, 2, 1)), ("LA", (2, 2, 1)), ("1", (2, 2, 1))]:
        assert read(picture(tmp_path / f"{mode}.png", red, mode)).shape == shape
    picture(tmp_path / "l.png", np.full((2, 2), 7))
    assert read(tmp_path / "l.png", shape="2x2x3").x[0, 0, 0].tolist() == pytest.approx([7 / 255] * 3)


def test_sixteen_bits_of_grey(tmp_path):
    image = pytest.importorskip("PIL.Image").fromarray(np.array([[0, 65535], [257 * 51, 257 * 102]], np.uint16))
    image.save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read(tmp_path / "deep.png").x.ravel(), np.float32([0, 1, 0.2, 0.4]))


def test_a_photograph_stands_upright(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    image = Image.fromarray(np.array([[0, 255]], np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90° clockwise
    image.save(tmp_path / "photo.png", exif=exif)
    assert read(tmp_path / "photo.png").x[0, :, :, 0].tolist() == [[0], [1]]


def test_another_size(folder):
    picture(folder / "cat" / "large.png", np.full((40, 60), 102))
    data = read(folder, size="4x6")
    assert data.shape == (4, 6, 1)
    np.testing.assert_allclose(data.x[1], 0.4, rtol=1e-6)
    assert read(folder / "cat" / "large.png", size=(2, 3), shape="2x3x3").shape == (2, 3, 3)
    assert read(folder / "cat" / "large.png", size=(2, 3), shape=6).shape == (6,)


def test_images_of_unequal_shapes(folder):
    picture(folder / "dog" / "aa.png", np.zeros((3, 3)))
    with pytest.raises(
        DataError, match=r"aa\.png is 3×3×1 \(height, width, channels\), not 2×3×1 as .*c\.png is.*size=HEIGHTxWIDTH"
    ):
        read(folder)
    (folder / "dog" / "aa.png").unlink()
    picture(folder / "dog" / "z.png", np.zeros((2, 3, 3)))
    with pytest.raises(DataError, match=r"z\.png is 2×3×3.*shape=HEIGHTxWIDTHx1 makes them grey"):
        read(folder)
    assert read(folder, shape="2x3x1").shape == (2, 3, 1)
    with pytest.raises(DataError, match=r"c\.png is 2×3×1 .*, not 28×28×1 as asked for"):
        read(folder, shape="28x28x1")


def test_folders_that_cannot_be(folder, tmp_path):
    picture(folder / "stray.png", [[0]])
    with pytest.raises(DataError, match=r"holds images \(stray\.png\) and folders \(cat\)"):
        read(folder)
    (folder / "stray.png").unlink()
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty holds no images .*the folder of a class holds its images directly"):
        read(folder)
    with pytest.raises(DataError, match="holds no images and no folders of images"):
        read(folder / "empty")
    with pytest.raises(DataError, match=r"all 1 examples of .* have the label 'only'"):
        read(picture(tmp_path / "one" / "only" / "1.png", [[0]]).parents[1])
    with pytest.raises(UsageError, match="label_column=2 is for tables"):
        read(folder, label_column=2)


def test_a_damaged_image(folder):
    path = folder / "dog" / "b.png"
    whole = picture(path, np.random.default_rng(0).integers(0, 256, (30, 30))).read_bytes()
    for content in (b"", b"<html>", whole[:20], whole[:300]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"b\.png cannot be read as an image: .*damaged") as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_without_pillow(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(
        UsageError, match=r'images need Pillow, which is not installed: pip install "rnnlm-kit\[images\]"'
    ):
        read(folder)
