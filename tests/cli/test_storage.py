"""Files are written whole or not at all, and a damaged one is told from a good one, wherever the damage is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rnnlm
from rnnlm import checksums, storage
from rnnlm.errors import DataError, RnnlmError

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "empty": np.zeros((0, 4)), "n": np.array([-1, 2**40])}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_is_read(tmp_path):
    header = {"text": "naïve “quotes” \\ \n \u2028", "number": 0.1, "none": None, "list": [1, {"a": True}]}
    storage.write(tmp_path / "f", "model", header, ARRAYS)
    found, arrays = storage.read(tmp_path / "f", "model")
    assert found == header
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
    assert names(tmp_path) == ["f"]


def test_same_content_same_bytes(tmp_path):
    storage.write(tmp_path / "one", "model", {"a": 1, "b": 2}, ARRAYS)
    storage.write(tmp_path / "two", "model", {"b": 2, "a": 1}, dict(reversed(ARRAYS.items())))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_truncated_anywhere(shared, tmp_path):
    whole = (shared / "m.rnnlm").read_bytes()
    body = 8 + int.from_bytes(whole[:8], "little")
    assert 1000 < body < len(whole)
    lengths = {0, 1, 7, 8, 9, body - 1, body, body + 1, len(whole) - 1, *range(0, len(whole), 97)}
    for length in sorted(lengths):
        (tmp_path / "t.rnnlm").write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"t\.rnnlm .*(truncated|damaged)"):
            rnnlm.load(tmp_path / "t.rnnlm")


def test_flipped_anywhere(shared, tmp_path):
    """One bit of the length prefix, the JSON header with the checksum in it, or the arrays."""
    whole = (shared / "m.rnnlm").read_bytes()
    body = 8 + int.from_bytes(whole[:8], "little")
    places = {*range(8), *range(8, 200), *range(8, body, 23), *range(body, len(whole), 41), len(whole) - 1}
    for number, place in enumerate(sorted(places)):
        changed = bytearray(whole)
        changed[place] ^= 1 << number % 8
        (tmp_path / "f.rnnlm").write_bytes(changed)
        with pytest.raises(DataError, match=r"f\.rnnlm ") as caught:
            rnnlm.load(tmp_path / "f.rnnlm")
        assert "\n" not in str(caught.value), place


def test_flipped_format_number_is_damage(shared, tmp_path):
    whole = (shared / "m.rnnlm").read_bytes()
    assert whole.count(b'\\"format\\": 1,') == 1
    (tmp_path / "f.rnnlm").write_bytes(whole.replace(b'\\"format\\": 1,', b'\\"format\\": 0,'))
    with pytest.raises(DataError, match="damaged"):
        rnnlm.load(tmp_path / "f.rnnlm")


def test_a_later_version_still_reads_this_format(shared, monkeypatch):
    monkeypatch.setattr(storage, "FORMAT", storage.FORMAT + 1)
    assert rnnlm.load(shared / "m.rnnlm").sample("the", 3, seed=1).words


@pytest.mark.parametrize(
    "metadata", ["[]", "5", '"model"', "{", '{"kind": "model"}', '{"kind": "model", "format": "1"}']
)
def test_metadata_of_somebody_else(tmp_path, metadata):
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(2)}, tmp_path / "o.rnnlm", {"rnnlm": metadata})
    with pytest.raises(DataError, match=r"o\.rnnlm is "):
        rnnlm.load(tmp_path / "o.rnnlm")
    assert storage.kind(tmp_path / "o.rnnlm") in (None, "model")


def test_kind(shared, tmp_path):
    storage.write(tmp_path / "c", "checkpoint", {}, {})
    (tmp_path / "text").write_text("the cat\n")
    found = [storage.kind(path) for path in (shared / "m.rnnlm", tmp_path / "c", tmp_path / "text", tmp_path / "no")]
    assert found == ["model", "checkpoint", None, None]


def test_every_error_is_an_error_of_ours_and_of_python():
    assert issubclass(DataError, RnnlmError)
    assert issubclass(DataError, ValueError)
    assert DataError.exit_status == 1


def test_a_large_file_is_checked_by_pieces(tmp_path, monkeypatch):
    """Every bit of a file with a checksum of each piece; pieces of 40 bytes, so that arrays have several."""
    monkeypatch.setattr(storage, "LARGE", 100)
    monkeypatch.setattr(checksums, "PIECE", 40)
    arrays = {"a": np.arange(33, dtype=np.float32), "b": np.arange(21)}
    storage.write(tmp_path / "f", "model", {"name": "value"}, arrays)
    whole = (tmp_path / "f").read_bytes()
    assert b"crc32" in whole
    monkeypatch.setattr(checksums, "sha256", lambda *parts: pytest.fail("the slower checksum was computed"))
    assert storage.read(tmp_path / "f", "model")[0] == {"name": "value"}
    body = 8 + int.from_bytes(whole[:8], "little")
    for place in [*range(body, len(whole)), whole.index(b"value")]:
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        (tmp_path / "f").write_bytes(changed)
        with pytest.raises(DataError, match="damaged"):
            storage.read(tmp_path / "f", "model")
    (tmp_path / "f").write_bytes(whole[:-10])
    with pytest.raises(DataError, match="truncated or damaged"):
        storage.read(tmp_path / "f", "model")


def test_a_large_file_of_an_earlier_version_is_checked_too(tmp_path, monkeypatch):
    """It has the SHA-256 alone."""
    storage.write(tmp_path / "f", "model", {}, ARRAYS)
    whole = bytearray((tmp_path / "f").read_bytes())
    whole[-1] ^= 1
    (tmp_path / "f").write_bytes(whole)
    monkeypatch.setattr(storage, "LARGE", 1)
    with pytest.raises(DataError, match="damaged"):
        storage.read(tmp_path / "f", "model")


def test_what_is_written_into_a_loaded_model_stays_in_memory(shared, tmp_path):
    before = (shared / "m.rnnlm").read_bytes()
    (tmp_path / "m.rnnlm").write_bytes(before)
    model = rnnlm.load(tmp_path / "m.rnnlm")
    model.params["embedding.W"].value[...] = 7
    assert (tmp_path / "m.rnnlm").read_bytes() == before
    assert (model.params["embedding.W"].value == 7).all()
