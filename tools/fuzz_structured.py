"""Alterations of tools/fuzz.py that keep the structure of a file: of the header and arrays of our own files, with a
checksum that is right again, and of archives."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import math
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
from fuzz_json import alter_json, dumps
from fuzz_mutations import LARGEST, Mutation, Random, lines, pick

# -------------------------------------------------------------------------------------- our files: safetensors + JSON

_DTYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "I16": "<i2", "U8": "u1", "BOOL": "?", "U64": "<u8"}
_NAMES = {np.dtype(code).str: name for name, code in _DTYPES.items()} | {"<f2": "F16", "|i1": "I8", "<u4": "U32"}


def parse(content: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What the file says about itself (kind, format, header as text …), and its arrays."""
    length = int.from_bytes(content[:8], "little")
    entries = json.loads(content[8 : 8 + length])
    about = json.loads(entries.pop("__metadata__")["rnnlm"])
    arrays = {}
    for name, entry in entries.items():
        begin, end = entry["data_offsets"]
        part = content[8 + length + begin : 8 + length + end]
        arrays[name] = np.frombuffer(part, _DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return about, arrays


def signed(what: str, header: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """What a file of format 1 says about itself, with the checksum of all that is given."""
    digest = hashlib.sha256(f"{what}\n1\n{header}\n".encode("utf-8", "surrogatepass"))
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {arrays[name].shape}\n".encode("utf-8", "surrogatepass"))
        digest.update(array.reshape(-1).view(np.uint8).data)
    return {"kind": what, "format": 1, "sha256": digest.hexdigest(), "header": header}


def assemble(
    about: Any, arrays: dict[str, np.ndarray], entries: Callable[[dict[str, Any]], Any] = lambda all: all
) -> bytes:
    """A safetensors file with this description of itself; `entries` may alter the file's table of arrays."""
    table: dict[str, Any] = {"__metadata__": {"rnnlm": about if isinstance(about, str) else dumps(about)}}
    blocks, place = [], 0
    for name, array in arrays.items():
        block = np.ascontiguousarray(array).tobytes()
        table[name] = {
            "dtype": _NAMES[array.dtype.str],
            "shape": list(array.shape),
            "data_offsets": [place, place + len(block)],
        }
        blocks.append(block)
        place += len(block)
    text = dumps(entries(table)).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(blocks)


def our_file(content: bytes, rng: Random) -> bytes:
    """Header entries or arrays altered, and the file written again with the right checksum."""
    about, arrays = parse(content)
    what, header = about["kind"], about["header"]
    action = int(rng.integers(10))
    times = int(rng.choice([1, 1, 1, 2, 3]))
    if action < 4:
        header = dumps(alter_json(json.loads(header), rng, times))
    elif action < 8:
        for _ in range(times):
            alter_arrays(arrays, rng)
    elif action == 8:  # what the file says about itself, header and checksum included
        return assemble(alter_json(signed(what, header, arrays), rng, times), arrays)
    else:  # the table of arrays: claimed sizes, types, places
        return assemble(signed(what, header, arrays), arrays, lambda table: alter_json(table, rng, times))
    return assemble(signed(what, header, arrays), arrays)


def alter_arrays(arrays: dict[str, np.ndarray], rng: Random) -> None:
    """Alter, remove, rename, exchange or add one array."""
    if not arrays:
        arrays["unknown"] = np.zeros(3, np.float32)
        return
    name = pick(rng, arrays)
    array = arrays[name]
    action = int(rng.integers(14))
    if action == 0:
        del arrays[name]
    elif action == 1:
        arrays[pick(rng, ["unknown", "members.7.E", "model.", name + "x", "best/" + name, "0"])] = array
    elif action == 2:
        other = pick(rng, arrays)
        arrays[name], arrays[other] = arrays[other], array
    elif action == 3 and array.dtype.kind in "fiub":
        with np.errstate(all="ignore"):
            arrays[name] = array.astype(pick(rng, [*_NAMES]))
    elif action <= 5:
        arrays[name] = _reshaped(array, rng)
    elif _is_json(array):
        text = dumps(alter_json(json.loads(array.tobytes()), rng, int(rng.choice([1, 1, 3]))))
        arrays[name] = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    else:
        arrays[name] = _other_values(array, rng)


def _is_json(array: np.ndarray) -> bool:
    if array.dtype != np.uint8 or array.ndim != 1:
        return False
    try:
        json.loads(array.tobytes())
        return True
    except (ValueError, RecursionError):  # an alteration before this one may have nested it
        return False


def _reshaped(array: np.ndarray, rng: Random) -> np.ndarray:
    """The array with another shape or length."""
    action = int(rng.integers(7))
    if action == 0:
        return array.reshape(-1)
    if action == 1:
        return array[None]
    if action == 2:
        return array.T.copy() if array.ndim > 1 else array.reshape(-1, 1)
    if action == 3:
        return array.reshape(-1)[:0]
    if action == 4 and array.ndim:
        return array[: int(rng.integers(len(array) + 1))]
    if action == 5 and array.ndim:
        return np.concatenate([array, array[: int(rng.integers(1, 4))]])
    return np.zeros((), array.dtype)


def _other_values(array: np.ndarray, rng: Random) -> np.ndarray:
    """The array with some or all of its values replaced, or in another order."""
    array = array.copy()
    flat = array.reshape(-1)
    if not flat.size:
        return array
    action = int(rng.integers(8)) if array.dtype.kind in "fiub" else int(rng.integers(3))
    if action == 0:
        rng.shuffle(flat)
        return array
    if action == 1:
        flat[...] = flat[::-1].copy()
        return array
    if action == 2:
        flat[...] = flat[int(rng.integers(flat.size))]
        return array
    if array.dtype.kind == "f":
        value = pick(rng, [math.nan, math.inf, -math.inf, 1e30, -1e30, 0.0, -0.0, 1.0, -1.0, 1e-40])
    elif array.dtype.kind == "b":
        value = not flat[0]
    else:
        info = np.iinfo(array.dtype)
        near = int(flat[int(rng.integers(flat.size))]) + pick(rng, [-1, 1, 2])
        value = pick(rng, [info.min, info.max, min(max(near, info.min), info.max), 0, 1, max(-1, info.min)])
    places = slice(None) if action == 3 else rng.integers(flat.size, size=int(rng.choice([1, 1, 2, 10])))
    with np.errstate(all="ignore"):
        flat[places] = value
    return array


# ----------------------------------------------------------------------------------------------- other containers


def int32s(content: bytes, rng: Random) -> bytes:
    """A file of int32 whose numbers are altered; their count may stay."""
    array = np.frombuffer(content[: len(content) // 4 * 4], np.int32)
    return (_other_values(array, rng) if rng.random() < 0.8 else _reshaped(array, rng)).tobytes()


def compressed(inner: Mutation) -> Mutation:
    """Alter what a .gz, .bz2 or .xz file holds, and pack it again; the container is known by its first bytes."""

    def alter(content: bytes, rng: Random) -> bytes:
        if content.startswith(b"\x1f\x8b"):
            packed = gzip.compress(inner(gzip.decompress(content), rng)[:LARGEST], mtime=0)
            return packed + (packed if rng.random() < 0.1 else b"")  # two members in one file are allowed
        if content.startswith(b"BZh"):
            return bz2.compress(inner(bz2.decompress(content), rng)[:LARGEST])
        return lzma.compress(inner(lzma.decompress(content), rng)[:LARGEST])

    return alter


def npz(content: bytes, rng: Random) -> bytes:
    """An archive of arrays with one or several of them altered, or their claimed shapes and types."""
    with np.load(io.BytesIO(content)) as archive:
        arrays = dict(archive)
    if rng.random() < 0.3:
        return _claimed_npz(arrays, rng)
    for _ in range(int(rng.choice([1, 1, 2]))):
        name = pick(rng, arrays)
        if rng.random() < 0.3 or arrays[name].dtype.kind not in "fiub":
            kinds = ["object", "U3", "S3", "complex64", "float16", "bool", "datetime64[s]", "int8", "float128"]
            with np.errstate(all="ignore"):
                array = np.arange(arrays[name].size).reshape(arrays[name].shape)
                arrays[name] = array.astype(pick(rng, kinds)) if rng.random() < 0.8 else _reshaped(array, rng)
        else:
            alter_arrays(arrays, rng)
        if not arrays:
            break
    target = io.BytesIO()
    np.savez(target, **arrays)
    return target.getvalue()


def _claimed_npz(arrays: dict[str, np.ndarray], rng: Random) -> bytes:
    """An archive whose arrays' own headers claim something else than what follows."""
    target, chosen = io.BytesIO(), pick(rng, arrays)
    with zipfile.ZipFile(target, "w") as packed:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.save(member, array)
            content = member.getvalue()
            if name == chosen:
                shape = str(array.shape).encode()
                claim = pick(rng, [b"(10000000000,)", b"(-1,)", b"(1, 2, 3)", b"()", b"(3.5,)", b"None", b"(" * 60])
                content = (
                    content.replace(shape, claim.ljust(len(shape)), 1) if rng.random() < 0.7 else lines(content, rng)
                )
            packed.writestr(f"{name}.npy", content)
    return target.getvalue()


def zip_members(content: bytes, rng: Random) -> bytes:
    """A zip archive with a member removed, renamed, doubled, altered, or compressed otherwise."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        members = [(name, packed.read(name)) for name in packed.namelist()]
    place = int(rng.integers(len(members)))
    name, inner = members[place]
    action = int(rng.integers(5))
    if action == 0:
        del members[place]
    elif action == 1:
        members[place] = (pick(rng, ["../" + name, "/" + name, name + "/", "", name.upper(), "a\\" + name]), inner)
    elif action == 2:
        members.append((name, inner[::-1]))
    else:
        members[place] = (name, pick(rng, [lines(inner, rng), inner[: len(inner) // 2], b"", inner * 20]))
    target = io.BytesIO()
    method = pick(rng, [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    with zipfile.ZipFile(target, "w", method) as packed:
        for name, inner in members:
            packed.writestr(name or "x", inner)
    return target.getvalue()
