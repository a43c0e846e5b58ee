"""Files are written whole or not at all, whatever happens meanwhile: full disks, signals, links, other processes."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from python_process import python

import rnnlm
from rnnlm import output_files, storage
from rnnlm.errors import DataError

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3)}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "advice"), [(errno.ENOSPC, "Free some space, or give another"), (errno.EIO, "Give another")]
)
def test_a_failing_disk_leaves_the_old_file_whole(model, tmp_path, monkeypatch, function, number, advice):
    path = tmp_path / "m.rnnlm"
    path.write_bytes(b"the old file")

    def fail(*arguments, **options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(output_files.os, function, fail)
    with pytest.raises(DataError) as caught:
        model.save(path)
    assert os.strerror(number) in str(caught.value)
    assert "A file that was there before is untouched" in str(caught.value)
    assert advice in str(caught.value)
    assert path.read_bytes() == b"the old file"
    assert names(tmp_path) == ["m.rnnlm"]


@pytest.mark.parametrize("method", ["writelines", "flush", "close"])
def test_a_disk_that_fails_at_any_step(model, tmp_path, monkeypatch, method):
    """A quota may be noticed by a network disk only when the file is closed."""
    path = tmp_path / "m.rnnlm"
    path.write_bytes(b"the old file")

    class Failing(io.BufferedWriter):
        name = ""

    def fail(self, *arguments):
        self.raw.close()
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    def opened(name, mode):
        file = Failing(io.FileIO(name, mode))
        file.name = name
        return file

    setattr(Failing, method, fail)
    monkeypatch.setattr(output_files, "open", opened, raising=False)
    with pytest.raises(DataError, match=r"could not be written to .*quota.* is untouched\. Free some space"):
        model.save(path)
    assert path.read_bytes() == b"the old file"
    assert names(tmp_path) == ["m.rnnlm"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
def test_a_limit_of_the_size_of_files(tmp_path):
    script = (
        "import resource, sys, numpy as np\n"
        "from rnnlm import storage\n"
        "from rnnlm.errors import DataError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "try: storage.write('m', 'model', {}, {'a': np.zeros(100_000)})\n"
        "except DataError as error: print(error)\n"
    )
    (tmp_path / "m").write_bytes(b"the old file")
    ended = python("-c", script, cwd=tmp_path)
    assert ended.stdout.startswith("the model could not be written to m: File too large. A file"), ended
    assert "(ulimit -f)" in ended.stdout
    assert (tmp_path / "m").read_bytes() == b"the old file"
    assert names(tmp_path) == ["m"]


def test_our_files_are_those_of_the_library(tmp_path):
    """Byte for byte, for every type that we write, in whatever order the arrays come."""
    from safetensors.numpy import save

    numbers = np.arange(6).reshape(2, 3)
    arrays = {f"{name}.{kind}": numbers.astype(kind) for kind in ("?", "u1", "<i2", "<i4", "<f4") for name in "ba"}
    arrays |= {f"{name}/é\n": numbers.astype(kind) for kind in ("<f8", "<i8", "<u8") for name in kind}
    arrays |= {"none": np.zeros((0, 4)), "one": np.ones(1, np.uint8), "view": numbers.T[::2]}
    for order in (list(arrays), list(reversed(arrays))):
        storage.write(tmp_path / "f", "model", {"a": "é\u2028"}, {name: arrays[name] for name in order})
        written = (tmp_path / "f").read_bytes()
        metadata = json.loads(written[8 : 8 + int.from_bytes(written[:8], "little")])["__metadata__"]
        assert written == save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, metadata)


KILLED = """
import os, signal, sys
from pathlib import Path
from rnnlm import output_files

def blocks():
    yield b"half of it"
    os.kill(os.getpid(), signal.SIGKILL)

output_files.write_blocks(os.fsdecode(sys.argv[1].encode()), blocks(), "the model")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("name", ["m", ".m", "*[a-z]?", "m n", "語" * 85, "x" * 255, "link"])
def test_what_a_killed_process_left_is_removed(tmp_path, name):
    """By the next one that writes to exactly this file, through a link too; nothing else is."""
    (tmp_path / "link").symlink_to("there")
    others = [".m.notes.tmp", ".m.rnnlm.abcdefgh.tmp", ".m.tmp", f".m.{'0' * 12}-abcdef-1-12345678.tmp"]
    for other in others:
        (tmp_path / other).write_text("a user's file")
    before = names(tmp_path)
    assert python("-c", KILLED, tmp_path / name).returncode == -signal.SIGKILL
    (left_over,) = set(names(tmp_path)) - set(before)
    assert left_over.endswith(".tmp")
    assert len(os.fsencode(left_over)) < 144
    output_files.require_writable(tmp_path / "another", "the model")
    assert left_over in names(tmp_path)
    output_files.require_writable(tmp_path / name, "the model")
    assert names(tmp_path) == before
    python("-c", KILLED, tmp_path / name)
    output_files.write_bytes(tmp_path / name, b"whole", "the model")
    assert set(names(tmp_path)) == {*before, "there" if name == "link" else name}


def test_what_a_living_process_writes_stays(tmp_path, monkeypatch):
    """Also where its number is not seen here, as that of a process in another container, and long ago."""
    monkeypatch.setattr(output_files, "is_alive", lambda pid: False)
    monkeypatch.setattr(output_files, "_YOUNG", -1.0)

    def blocks():
        yield b"one"
        assert len(names(tmp_path)) == 1
        output_files.write_bytes(tmp_path / "m", b"quick", "the model")
        output_files.require_writable(tmp_path / "m", "the model")
        assert len(names(tmp_path)) == 2
        yield b"two"

    output_files.write_blocks(tmp_path / "m", blocks(), "the model")
    assert (tmp_path / "m").read_bytes() == b"onetwo"
    assert names(tmp_path) == ["m"]


def test_files_of_another_computer_are_removed_when_they_are_old(tmp_path, monkeypatch):
    """On a disk that has locks: without them nobody here knows whether that process lives."""
    monkeypatch.setattr(output_files, "this_host", lambda: "another")
    left_over = Path(output_files._create(tmp_path / "m").name)
    monkeypatch.undo()
    output_files.require_writable(tmp_path / "m", "the model")
    assert left_over.exists()
    os.utime(left_over, (0, 0))
    with monkeypatch.context() as patch:
        patch.setattr(output_files, "try_lock", lambda descriptor: None)
        output_files.require_writable(tmp_path / "m", "the model")
        assert left_over.exists()
    output_files.require_writable(tmp_path / "m", "the model")
    assert names(tmp_path) == []


def test_ctrl_c_during_a_save_leaves_the_old_file_whole(model, tmp_path, monkeypatch):
    (tmp_path / "m.rnnlm").write_bytes(b"the old file")

    def interrupt(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(output_files.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.save(tmp_path / "m.rnnlm")
    assert (tmp_path / "m.rnnlm").read_bytes() == b"the old file"
    assert names(tmp_path) == ["m.rnnlm"]


def test_full_disk_during_training(call, shared, monkeypatch, tmp_path):
    (tmp_path / "m.rnnlm").write_bytes(b"the old file")

    def fail(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(output_files.os, "fsync", fail)
    called = call("train", shared / "text.txt", "--hidden", 4, "--streams", 4, "-o", "m.rnnlm")
    last = called.err.splitlines()[-1]
    assert called.status == 1
    assert last.startswith("rnnlm: error: the checkpoint could not be written to m.rnnlm.checkpoint: No space left")
    assert (tmp_path / "m.rnnlm").read_bytes() == b"the old file"
    assert names(tmp_path) == ["m.rnnlm"]


@pytest.mark.parametrize("writes", [1, 2, 3, 4])
def test_a_disk_that_fills_later_keeps_the_last_checkpoint(call, shared, monkeypatch, tmp_path, writes):
    """Of three epochs, the fourth write is the model's; what is resumed ends as if nothing had happened."""
    typed = [
        "train",
        shared / "text.txt",
        *["--hidden", "4", "--streams", "4", "--epochs", "3", "--backend", "numpy", "-o", "m.rnnlm"],
    ]
    assert call(*typed).status == 0
    undisturbed = weights(tmp_path / "m.rnnlm")
    for path in list(tmp_path.iterdir()):
        path.unlink()
    fsync, left = os.fsync, [writes]

    def fail(descriptor):
        left[0] -= 1
        if left[0] < 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(output_files.os, "fsync", fail)
        called = call(*typed)
    what = "the checkpoint" if writes < 4 else "the model"
    assert called.status == 1
    assert called.err.splitlines()[-1].startswith(f"rnnlm: error: {what} could not be written to m.rnnlm")
    assert names(tmp_path) == ["m.rnnlm.checkpoint"] * (writes > 1)
    assert call(*typed, "--resume").status == 0
    assert weights(tmp_path / "m.rnnlm") == undisturbed


def weights(path: Path) -> dict[str, bytes]:
    return {name: param.value.tobytes() for name, param in rnnlm.load(path).params.items()}


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 64 KiB, where that may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no tmpfs may be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(tiny_disk):
    path = tiny_disk / "m.rnnlm"
    storage.write(path, "model", {"old": True}, {})
    with pytest.raises(DataError, match=r"m\.rnnlm: No space left on device.*Free some space"):
        storage.write(path, "model", {}, {"a": np.zeros(100_000)})
    assert storage.read(path, "model")[0] == {"old": True}
    assert names(tiny_disk) == ["m.rnnlm"]


def test_require_writable(tmp_path):
    output_files.require_writable(tmp_path / "new", "the model")
    assert names(tmp_path) == []
    (tmp_path / "old").write_bytes(b"old")
    output_files.require_writable(tmp_path / "old", "the model")
    assert (tmp_path / "old").read_bytes() == b"old"
    for path, fragment in [
        (tmp_path, "it is a folder"),
        (tmp_path / "no/f", "the folder .*no does not exist"),
        (tmp_path / "old/f", "the folder .*old does not exist"),
        (tmp_path / ("x" * 300), "File name too long"),
    ]:
        with pytest.raises(DataError, match=fragment):
            output_files.require_writable(path, "the model")
    assert names(tmp_path) == ["old"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX links and modes")
def test_links_stay_and_modes_follow_the_umask(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/f")
    before = os.umask(0o027)
    try:
        storage.write(tmp_path / "link", "model", {}, ARRAYS)
    finally:
        os.umask(before)
    assert (tmp_path / "link").is_symlink()
    assert stat.S_IMODE((tmp_path / "there/f").stat().st_mode) == 0o640
    assert names(tmp_path) == ["link", "there"]
    assert storage.read(tmp_path / "link", "model")[0] == {}
