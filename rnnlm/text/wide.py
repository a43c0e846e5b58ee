"""Recognising a text in UTF-16 or UTF-32 by its first bytes, with and without a byte-order mark."""

from __future__ import annotations

import codecs
import unicodedata

_MARKS = {  # the first bytes of a text; iconv reads the mark itself where the name has no LE or BE
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_UNMARKED = {"UTF-32LE": 4, "UTF-32BE": 4, "UTF-16LE": 2, "UTF-16BE": 2}  # and the bytes of a unit
_SAMPLE = 4096  # bytes looked at: a multiple of every unit
_ODD = 0.02  # the share of characters that no text has, above which it is no text in this encoding
_FEW_ZEROS = 0.2  # the share of zeros below which bytes that are UTF-8 are not UTF-16 of Latin letters
_FEW = 16  # characters below which only Latin ones, whose other bytes are all zero, say enough


def wide_encoding(head: bytes) -> str | None:
    """Return UTF-16, UTF-32, or with LE or BE where there is no byte-order mark; None for other bytes.

    Without a mark, the bytes are decoded on trial: they hold zeros, as every blank and line end of these encodings
    does, and nearly all characters are such as texts have.
    """
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name
    sample = head[:_SAMPLE]
    if b"\0" not in sample or (sample.count(0) < len(sample) * _FEW_ZEROS and _is_narrow(sample)):
        return None
    shares = {name: _odd_share(sample, name, unit) for name, unit in _UNMARKED.items()}
    best = min(shares, key=shares.__getitem__)
    return best if shares[best] <= _ODD else None


def _is_narrow(sample: bytes) -> bool:
    """Return whether the bytes without the zeros are a text in UTF-8, whose last character may be cut."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return not any(unicodedata.category(c) == "Cc" and c not in "\0\t\n\r\x0b\f" for c in text)


def _odd_share(sample: bytes, encoding: str, unit: int) -> float:
    """Return the share of characters that texts do not have; 1 where the bytes cannot be decoded."""
    if len(sample) < unit:
        return 1.0
    sample = sample[: len(sample) // unit * unit]
    if unit == 2 and 0xD8 <= sample[-1 if encoding.endswith("LE") else -2] <= 0xDB:
        sample = sample[:-unit]  # the first half of a pair
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return 1.0
    if len(text) < _FEW and not all(c < "\u0100" for c in text):
        return 1.0
    odd = sum(unicodedata.category(c) in ("Cc", "Cn", "Co", "Cs") and c not in "\t\n\r\f" for c in text)
    return odd / len(text) if text else 1.0
