"""Labelled data for classifiers: feature vectors and images with the class of each.

    train, valid = read("digits:train").split(0.1, seed=1)
    order = epoch_order(train.y, seed=1, epoch=1)
    for start in range(0, len(train), 32):
        batch = train.take(order[start : start + 32])

| file                         | what                                                           |
|------------------------------|----------------------------------------------------------------|
| dataset                      | the examples, their classes and the names of the classes       |
| labels, shapes               | class names → ids · "28x28x1" → (28, 28, 1)                    |
| read                         | a path or a name of the catalogue → a dataset, by kind:        |
| csv_files, npz, image_folder | tables · NumPy archives · images, one folder a class           |
| order                        | the order of examples in an epoch, classes spread evenly       |
| shift                        | images moved by a few pixels                                   |
"""

from .dataset import Dataset
from .order import epoch_order
from .read import files_of, is_images, read
from .shapes import parse_shape, shape_text

__all__ = ["Dataset", "epoch_order", "files_of", "is_images", "parse_shape", "read", "shape_text"]
