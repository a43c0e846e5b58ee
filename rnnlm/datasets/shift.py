"""Images moved by a few pixels, so that a small training set holds more to learn from."""

from __future__ import annotations

import numpy as np

from ..errors import UsageError
from .shapes import shape_text


def shifted(x: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Each image (N, h, w, C) moved by up to `most` pixels down or up and right or left, its edge repeated behind it.

    An image of a thing a little to the left is an image of the same thing (LeCun et al. 1998 trained on distorted
    digits). Raises UsageError for arrays that are no images, and for `most` < 0 or beyond the image.
    """
    if x.ndim != 4 or not 0 <= most < min(x.shape[1:3]):
        raise UsageError(
            f"shift={most} is not possible for inputs of {shape_text(x.shape[1:])}. Give images of height × width × "
            "channels, and a number of pixels from 0 to less than their size."
        )
    _, height, width, _ = x.shape
    down, right = rng.integers(-most, most + 1, (2, len(x), 1))  # (N, 1) each
    rows = np.clip(np.arange(height) - down, 0, height - 1)  # (N, h)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return x[np.arange(len(x))[:, None, None], rows[:, :, None], columns[:, None, :]]
