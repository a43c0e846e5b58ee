"""Files are written whole or not at all, whatever happens meanwhile: full disks, signals, links, other processes."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rnnlm import output_files, storage
from rnnlm.errors import DataError

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3)}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("function", ["fsync", "replace", "chmod"])
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
