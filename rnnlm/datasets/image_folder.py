"""Images as labelled data: a folder with a folder of images for each class; or images without classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, UsageError
from .dataset import Dataset
from .shapes import shape_text

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm", ".tif", ".tiff")


def read_images(
    source: Path, name: str, size: Sequence[int] | None = None, shape: Sequence[int] | None = None
) -> Dataset:
    """Images as examples (N, height, width, channels), between 0 and 1; their classes are the names of their folders.

    A folder that holds images itself, or one image, has no classes. Greyscale images have one channel, others three
    (red, green, blue; transparency is dropped); `shape` (height, width, 1 or 3) converts all of them to one of the two.
    `size` (height, width) resizes them. Other files, and names that begin with a point, are ignored. Raises DataError
    for images of unequal shapes, a damaged one, a folder without any; UsageError without Pillow.
    """
    files, classes = _files(source, name)
    channels = shape[2] if shape and len(shape) == 3 and shape[2] in (1, 3) else None
    expected, why = (tuple(shape), "as asked for") if channels and shape else (None, "")
    x = np.empty(0, np.float32)
    for i, file in enumerate(files):
        pixels = _pixels(file, size, channels)
        if expected is None:
            expected, why = pixels.shape, f"as {file} is"
        if pixels.shape != expected:
            raise DataError(
                f"{file} is {shape_text(pixels.shape)} (height, width, channels), not {shape_text(expected)} {why}. "
                "Resize all with size=HEIGHTxWIDTH; shape=HEIGHTxWIDTHx1 makes them grey, x3 coloured."
            )
        if not i:
            x = np.empty((len(files), *expected), np.float32)
        x[i] = pixels
    x /= 255
    return Dataset.make(x, classes, name=name, files=[str(file) for file in files])


def _files(source: Path, name: str) -> tuple[list[Path], list[str] | None]:
    """The image files in order, and the class of each where folders name them."""
    if not source.is_dir():
        return [source], None
    folders = [path for path in _visible(source) if path.is_dir()]
    images = _images(source)
    if images and folders:
        raise DataError(
            f"{name} holds images ({images[0].name}) and folders ({folders[0].name}). A folder of labelled images has "
            "a folder for each class and no images beside them; images without labels have no folders."
        )
    if images:
        return images, None
    files, classes = [], []
    for folder in folders:
        images = _images(folder)
        if not images:
            raise DataError(
                f"{folder} holds no images ({', '.join(SUFFIXES)}); the folder of a class holds its images directly. "
                "Remove it, or give the folder of the classes."
            )
        files += images
        classes += [folder.name] * len(images)
    if not files:
        raise DataError(f"{name} holds no images and no folders of images. Images are {', '.join(SUFFIXES)}.")
    return files, classes


def images_in(folder: Path) -> list[Path]:
    """Return the images in a folder, and in the folders that it holds."""
    folders = [folder, *(path for path in _visible(folder) if path.is_dir())]
    return [image for one in folders for image in _images(one)]


def _visible(folder: Path) -> list[Path]:
    """What a folder holds, in order of name, without hidden files; DataError where it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX")))
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be read: {error.strerror or error}.") from None


def _images(folder: Path) -> list[Path]:
    """The image files of a folder, in order of name."""
    return [path for path in _visible(folder) if path.is_file() and path.suffix.lower() in SUFFIXES]


def _pixels(file: Path, size: Sequence[int] | None, channels: int | None) -> np.ndarray:
    """One image (height, width, channels) of uint8, turned upright as its metadata say."""
    Image: Any
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise UsageError('images need Pillow, which is not installed: pip install "rnnlm-kit[images]".') from None
    try:
        with Image.open(file) as opened:
            image = ImageOps.exif_transpose(opened)
            if image.mode.startswith("I"):  # 16 bits of grey, of which a conversion would clip all but the darkest
                image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
            grey = channels == 1 if channels else image.mode in ("1", "L", "LA", "La", "F")
            image = image.convert("L" if grey else "RGB")
            if size is not None:
                image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
            pixels = np.asarray(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{file} cannot be read as an image: {error}. It is damaged, or not of the kind it is called."
        ) from None
    return pixels[:, :, None] if pixels.ndim == 2 else pixels
