"""Reading archives that a user gives, or that were fetched: whatever is damaged in them is a DataError."""

from __future__ import annotations

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import DataError

# RuntimeError: encrypted members and unknown methods of compression; LookupError: members and columns that are missing.
_DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, LookupError, RuntimeError, ValueError),
)


@contextmanager
def unpacking(archive: Path, what: str) -> Iterator[None]:
    """Within this block `archive` is read, which should be `what`; raises DataError where it is something else.

    An OSError with a number is one of the system, such as a full disk, and stays.
    """
    try:
        yield
    except DataError:
        raise
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = " ".join(str(error).split())  # tarfile's has several lines
        raise DataError(f"{archive} is not {what}, or it is damaged: {reason}. Fetch it again.") from None
