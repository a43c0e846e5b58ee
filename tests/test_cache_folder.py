"""Which folder is the cache, and what takes its place where nothing can be written into it."""

import os
import tempfile
import warnings
from pathlib import Path

import pytest

from rnnlm import cache_folder
from rnnlm.cache_folder import CacheError, scratch_folder, temporary_cache, usable_cache
from rnnlm.text import Corpus

posix = pytest.mark.skipif(os.name != "posix", reason="about owners of files")


@pytest.fixture(autouse=True)
def temporary_files(tmp_path, monkeypatch):
    """The folder for temporary files; `_parents` has no other one."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(cache_folder, "_parents", lambda: [folder])
    return folder


@pytest.fixture
def blocked(tmp_path, monkeypatch):
    """A cache folder that cannot be made; also the root user cannot."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "file" / "cache"))
    return tmp_path / "file" / "cache"


def nobody(monkeypatch):
    """A user without HOME, whom the system does not know either, as in a container that runs under any number."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"RNNLM_CACHE": "/a/b"}, "/a/b"),
        ({"RNNLM_CACHE": "~/c", "HOME": "/h"}, "/h/c"),
        ({"RNNLM_CACHE": "", "XDG_CACHE_HOME": "/x"}, "/x/rnnlm"),
        ({"XDG_CACHE_HOME": "x/y", "HOME": "/h"}, "/h/.cache/rnnlm"),
        ({"XDG_CACHE_HOME": "~/y", "HOME": "/h"}, "/h/.cache/rnnlm"),
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/rnnlm"),
    ],
)
@posix
def test_the_folder_that_is_wanted(variables, expected, monkeypatch):
    for name in ("RNNLM_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder.cache_folder() == Path(expected)


@posix
def test_a_user_without_a_home(monkeypatch, temporary_files):
    monkeypatch.delenv("RNNLM_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    nobody(monkeypatch)
    assert cache_folder.cache_folder() is None
    cache_folder.warn_once.cache_clear()
    with pytest.warns(RuntimeWarning, match=r"no home folder is known for this user.*is used instead"):
        assert usable_cache().parent == temporary_files
    monkeypatch.setenv("RNNLM_CACHE", "~/c")
    assert cache_folder.cache_folder() is None


def test_a_cache_that_cannot_be_written_is_replaced_and_said_once(blocked, temporary_files):
    with pytest.warns(RuntimeWarning) as said:
        found = {usable_cache() for _ in range(3)}
    (instead,) = found
    assert instead.parent == temporary_files
    assert len(said) == 1
    assert f"{blocked} cannot be written" in str(said[0].message)
    assert f"{instead} is used instead" in str(said[0].message)
    assert "\n" not in str(said[0].message)
    (instead / "kept").write_text("")
    assert temporary_cache() == instead  # later processes find it
    assert os.name != "posix" or instead.stat().st_mode & 0o777 == 0o700


@posix
@pytest.mark.parametrize("trap", ["link", "shared", "file"])
def test_a_folder_that_somebody_else_could_have_made_is_not_used(trap, blocked, temporary_files, tmp_path):
    place = temporary_files / f"rnnlm-{os.getuid()}"
    if trap == "link":
        (tmp_path / "theirs").mkdir()
        place.symlink_to(tmp_path / "theirs")
    elif trap == "file":
        place.write_text("")
    else:
        place.mkdir()
        place.chmod(0o777)
    assert temporary_cache() is None
    with pytest.raises(CacheError, match=r"file/cache cannot be written.*nor can.*Set RNNLM_CACHE"):
        usable_cache()


def test_a_text_is_read_where_nothing_can_be_written(blocked, monkeypatch, tmp_path):
    monkeypatch.setattr(cache_folder, "_parents", lambda: [])
    (tmp_path / "t.txt").write_text("a b\nb\n")
    with pytest.warns(RuntimeWarning, match="Texts are kept in memory"):
        found = Corpus.encode_split(tmp_path / "t.txt", [0.5, 0.5])
    assert [part.ids.tolist() for part in found] == [[1, 2, 0], [2, 0]]
    assert [part.characters for part in found] == [4, 2]
    with pytest.raises(CacheError):
        scratch_folder()


def test_a_disk_with_no_room_counts_as_one_that_cannot_be_written(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    assert cache_folder._problem(tmp_path) == "the disk is full"


def test_nothing_is_said_where_all_is_well(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert usable_cache(tmp_path / "new") == tmp_path / "new"
