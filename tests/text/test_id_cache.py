"""Ids that are kept by the content of a text: what leads to them, and what must not."""

import os
import shutil
import threading
import time

import pytest
from python_process import start_python

from rnnlm import cache_folder
from rnnlm.text import Corpus, Encoding, Vocabulary, checked_json, corpus, id_cache

OLD, NEW = "the cat runs\nthe dog sees\n", "old man cats\ncat man sees\n"  # of one size
THEN = (1_700_000_000, 1_700_000_000)


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text(OLD)
    os.utime(path, THEN)
    return path


@pytest.fixture
def aged(monkeypatch):
    """As if every file had been written long ago: the clock of this machine's files ticks every few milliseconds."""
    monkeypatch.setattr(id_cache, "YOUNG", 0)


@pytest.fixture
def reads(monkeypatch):
    """The sources that were read, in order."""
    found = []
    read_blocks = corpus.read_blocks

    def read(source):
        found.append(str(source))
        return read_blocks(source)

    monkeypatch.setattr(corpus, "read_blocks", read)
    return found


def encoded(path, **keywords):
    found = Corpus.encode(path, **keywords)
    return " ".join(found.encoding.decode(found.ids))


def folders(cache):
    return sorted(folder.name for folder in (cache / "encoded").iterdir())


def tick():
    time.sleep(0.05)  # more than one tick of the clock that stamps files


SAME = "the cat runs </s> the dog sees </s>"
OTHER = "old man cats </s> cat man sees </s>"


def test_a_text_is_not_read_again(text_file, aged, reads, own_cache):
    tick()
    assert encoded(text_file) == encoded(text_file) == encoded(str(text_file)) == SAME
    assert len(reads) == len(folders(own_cache)) == 1
    assert encoded(text_file, tokenizer="prose").startswith("the cat runs the dog")  # another folder of the same text
    assert len(reads) == len(folders(own_cache)) == 2
    encoded(text_file, tokenizer="prose")
    assert len(reads) == 2


def test_a_young_text_is_read_again(text_file, reads, own_cache):
    """It may be written twice within a tick of the clock, so its times say nothing yet."""
    assert encoded(text_file) == encoded(text_file) == SAME
    assert (len(reads), len(folders(own_cache))) == (2, 1)


def test_a_young_text_is_known_once_it_was_read_at_a_greater_age(text_file, reads, monkeypatch):
    encoded(text_file)
    now = time.time_ns()
    monkeypatch.setattr(id_cache.time, "time_ns", lambda: now + 2 * id_cache.YOUNG)
    encoded(text_file)
    encoded(text_file)
    assert len(reads) == 2


def test_another_content_of_the_same_path_size_and_time_of_writing(text_file, aged, own_cache):
    assert encoded(text_file) == SAME
    tick()
    before = text_file.stat()
    text_file.write_text(NEW)
    os.utime(text_file, THEN)
    after = text_file.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    assert encoded(text_file) == OTHER
    assert len(folders(own_cache)) == 2


def test_a_text_that_is_written_again_at_once(text_file):
    """Many times within a tick of the clock: never the ids of the text before."""
    for text, tokens in [(NEW, OTHER), (OLD, SAME)] * 20:
        text_file.write_text(text)
        os.utime(text_file, THEN)
        assert encoded(text_file) == tokens


def test_a_file_that_takes_the_place_of_another(text_file, aged, tmp_path):
    assert encoded(text_file) == SAME
    tick()
    other = tmp_path / "other.txt"
    other.write_text(NEW)
    os.utime(other, THEN)
    os.replace(other, text_file)  # another inode
    assert encoded(text_file) == OTHER


def test_a_touched_file_and_a_copy_use_the_same_folder(text_file, aged, reads, own_cache, tmp_path):
    tick()
    encoded(text_file)
    os.utime(text_file)
    tick()
    assert encoded(text_file) == encoded(text_file) == SAME
    assert len(reads) == 2
    copy = tmp_path / "copy.txt"
    shutil.copy2(text_file, copy)
    tick()
    assert encoded(copy) == SAME
    assert len(folders(own_cache)) == 1


def test_a_packed_text_is_the_text_in_it(text_file, aged, own_cache, tmp_path):
    import gzip

    packed = tmp_path / "t.gz"
    packed.write_bytes(gzip.compress(OLD.encode()))
    assert encoded(text_file) == encoded(packed) == SAME
    assert len(folders(own_cache)) == 1


def test_a_link_that_is_led_to_another_file(text_file, aged, reads, tmp_path):
    other, link = tmp_path / "other.txt", tmp_path / "link.txt"
    other.write_text(NEW)
    os.utime(other, THEN)
    link.symlink_to(text_file)
    tick()
    assert encoded(link) == encoded(text_file) == SAME
    assert len(reads) == 1  # the file that the link leads to
    link.unlink()
    link.symlink_to(other)
    assert encoded(link) == OTHER


def test_a_text_that_changes_while_it_is_read(text_file, aged, monkeypatch, reads, own_cache):
    tick()
    read_blocks = corpus.read_blocks

    def read(source):
        yield from read_blocks(source)
        tick()
        text_file.write_text(NEW)
        os.utime(text_file, THEN)

    with monkeypatch.context() as changing:
        changing.setattr(corpus, "read_blocks", read)
        assert encoded(text_file) == SAME  # as it was read
    assert not (own_cache / "texts").exists()
    assert encoded(text_file) == OTHER


@pytest.mark.parametrize(
    "change",
    [
        lambda about: "{",
        lambda about: checked_json.dumps([]),
        lambda about: checked_json.dumps(about).replace('"size": 2', '"size": 3'),
        lambda about: "[" * 100_000,
        lambda about: checked_json.dumps(about | {"sha256": "0" * 64}),
        lambda about: checked_json.dumps(about | {"path": "/elsewhere"}),
        lambda about: checked_json.dumps(about | {"state": about["state"] | {"inode": 1}}),
        lambda about: checked_json.dumps(about | {"state": about["state"] | {"device": 1}}),
        lambda about: checked_json.dumps(about | {"state": {}}),
        lambda about: checked_json.dumps({name: value for name, value in about.items() if name != "read_ns"}),
    ],
)
def test_an_entry_that_is_damaged_or_of_another_file(text_file, aged, reads, own_cache, change):
    tick()
    encoded(text_file)
    (entry,) = (own_cache / "texts").iterdir()
    entry.write_text(change(checked_json.loads(entry.read_text())))
    assert encoded(text_file) == SAME
    assert encoded(text_file) == SAME
    assert (len(reads), len(folders(own_cache))) == (2, 1)


@pytest.mark.parametrize("file", ["about.json", "ids.int32", "characters.int32"])
def test_a_damaged_folder_is_made_again(text_file, aged, reads, own_cache, file):
    tick()
    encoded(text_file)
    (folder,) = (own_cache / "encoded").iterdir()
    (folder / file).write_bytes(b"x")
    assert encoded(text_file) == encoded(text_file) == SAME
    assert len(reads) == 2


@pytest.mark.parametrize("file", ["about.json", "ids.int32", "characters.int32"])
def test_one_other_bit_anywhere_in_a_folder_is_noticed(text_file, aged, reads, own_cache, file):
    """An id that is still in the vocabulary, a count, a word: nothing about them looks wrong but the checksum."""
    tick()
    corpus = Corpus.encode(text_file)
    before = [corpus.ids.tolist(), corpus.characters, corpus.sentences, corpus.vocabulary.words]
    (folder,) = (own_cache / "encoded").iterdir()
    content = (folder / file).read_bytes()
    for place in range(0, len(content), max(1, len(content) // 40)):
        (folder / file).write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        read_before = len(reads)
        corpus = Corpus.encode(text_file)
        assert [corpus.ids.tolist(), corpus.characters, corpus.sentences, corpus.vocabulary.words] == before
        assert len(reads) == read_before + 1, f"the bit at byte {place} was not noticed"


def test_a_cache_that_can_only_be_read(text_file, aged, reads, own_cache, monkeypatch):
    tick()
    encoded(text_file)
    monkeypatch.setattr(cache_folder, "_problem", lambda folder: "Read-only file system")
    assert encoded(text_file) == SAME
    assert len(reads) == 1
    text_file.write_text(NEW)
    os.utime(text_file, THEN)
    assert encoded(text_file) == OTHER
    assert len(folders(own_cache)) == 1
    assert not list(own_cache.glob("**/.new-*"))


def test_the_cache_of_entries_alone_cannot_be_written(text_file, own_cache):
    own_cache.mkdir()
    (own_cache / "texts").write_text("a file, not a folder")
    assert encoded(text_file) == encoded(text_file) == SAME


def test_what_is_asked_is_part_of_the_key(text_file, aged, own_cache):
    """Each of these is another folder, whatever is there already."""
    requests = [
        {},
        {"max_vocab": 4},
        {"min_count": 2},
        {"tokenizer": "chars"},
        {"vocabulary": Vocabulary(["</s>", "the"], [1, 1])},
        {"vocabulary": Vocabulary(["</s>", "cat"], [1, 1])},
        {"encoding": Encoding("chars", Vocabulary(["</s>", "cat"], [1, 1]))},
    ]
    for _ in range(2):
        found = [Corpus.encode(text_file, **request) for request in requests]
        assert len(folders(own_cache)) == len(requests)
    assert found[4].ids.tolist() == [1, -1, -1, 0, 1, -1, -1, 0]
    assert found[5].ids.tolist() == [-1, 1, -1, 0, -1, -1, -1, 0]
    Corpus.encode_split(text_file, [0.5, 0.5])
    assert len(folders(own_cache)) == len(requests) + 1


PROGRAM = """
import sys
from rnnlm.text import Corpus
for _ in range(5):
    found = Corpus.encode(sys.argv[1])
    assert found.encoding.decode(found.ids[:4]) == ["the", "cat", "runs", "</s>"], found.ids
    assert len(found) == 80_000
"""


def test_two_processes_at_once(tmp_path, own_cache):
    path = tmp_path / "t.txt"
    path.write_text(OLD * 10_000)
    running = [start_python("-c", PROGRAM, path) for _ in range(3)]
    errors = [process.communicate()[1] for process in running]
    assert errors == [""] * 3
    assert len(folders(own_cache)) == 1  # and no draft is left


def test_two_that_put_the_same_text_there(text_file, own_cache, monkeypatch):
    """One is done while the other still reads: the first folder stays, the second draft goes."""
    read_blocks = corpus.read_blocks
    inside, done = threading.Event(), threading.Event()

    def slow(source):
        if threading.current_thread() is not threading.main_thread():
            inside.set()
            assert done.wait(20)
        return read_blocks(source)

    monkeypatch.setattr(corpus, "read_blocks", slow)
    found = []
    other = threading.Thread(target=lambda: found.append(encoded(text_file)))
    other.start()
    assert inside.wait(20)
    assert encoded(text_file) == SAME
    done.set()
    other.join()
    assert found == [SAME]
    assert len(folders(own_cache)) == 1
