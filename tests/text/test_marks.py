"""`<s>` and `</s>` in a text are refused in one message whose command works; other marks are words, with a hint."""

import gzip
import shutil
import subprocess
import warnings

import pytest

import rnnlm
from rnnlm.errors import DataError, TextWarning
from rnnlm.text import EOS, Corpus, tokenizer

CLEAN = "a b\nc d e\n\nf\n"
MARKED = [
    "<s> a b </s>\n<s> c d e </s>\n<s> </s>\n<s> f </s>\n",
    "a b </s>\nc </s> </s> <s> d e\n<s>\n</s> </s> f\n",
    "\t<s>  a b\t</s>\r\n<s> c d e </s>\r\n</s>\r\n<s> f",
    "<s> a b\r<s> c d e\r</s>\rf\r",
]


def command_of(message):
    return str(message).split("`")[1]


@pytest.mark.parametrize("marked", MARKED)
def test_the_command_gives_the_text_without_marks(tmp_path, monkeypatch, marked):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "it's.txt"
    path.write_bytes(marked.encode())
    with pytest.raises(DataError) as caught:
        Corpus.encode(path.name)
    for mark in ("<s>", "</s>"):
        if count := marked.split().count(mark):
            assert f"{mark} {'once' if count == 1 else f'{count} times'}" in str(caught.value)
    subprocess.run(command_of(caught.value), shell=True, check=True)
    clean, expected = Corpus.encode("it's.new.txt"), Corpus.from_text(CLEAN)
    assert clean.vocabulary.words == expected.vocabulary.words
    assert clean.ids.tolist() == expected.ids.tolist()


def test_a_packed_text_is_unpacked_by_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.txt.gz").write_bytes(gzip.compress(MARKED[0].encode()))
    with pytest.raises(DataError) as caught:
        Corpus.encode("t.txt.gz")
    if shutil.which("gzip"):
        subprocess.run(command_of(caught.value), shell=True, check=True)
        assert len(Corpus.encode("t.new.txt")) == len(Corpus.from_text(CLEAN))


def test_the_first_line_is_named_and_all_blocks_are_counted(tmp_path):
    path = tmp_path / "t"
    path.write_text("a b\n" * 1_500_000 + "<s>\n" + "a b\n" * 1_500_000 + "c <s>", encoding="utf-8")
    with pytest.raises(DataError, match=r"has <s> 2 times, first in line 1500001:"):
        Corpus.encode(path)


def test_marks_are_refused_wherever_a_text_is_read_into_words(tmp_path):
    corpus = Corpus.from_text(CLEAN)
    with pytest.raises(DataError, match="text has <s> once"):
        Corpus.from_text("<s> a")
    with pytest.raises(DataError, match="has <s> once"):
        corpus.encoding.encode("<s> a")
    with pytest.raises(DataError, match="the prompt has <s>"):
        tokenizer("words").prompt("<s> a")
    assert tokenizer("words").prompt("a </s> b") == ["a", EOS, "b"]
    for name in ("train.txt", "good.txt"):
        (tmp_path / name).write_text(CLEAN * 20, encoding="utf-8")
    (tmp_path / "bad.txt").write_text("a <s> b\n", encoding="utf-8")
    for held_out in ({"valid": "bad.txt", "test": "good.txt"}, {"valid": "good.txt", "test": "bad.txt"}):
        texts = {use: tmp_path / name for use, name in held_out.items()}
        with pytest.raises(DataError, match=r"bad.txt has <s> once"):
            rnnlm.train(tmp_path / "good.txt", hidden=2, epochs=1, **texts)


def test_a_tokenizer_of_the_users_own_makes_no_mark(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = "import rnnlm\n\n\nclass Own(rnnlm.Tokenizer):\n    def tokens(self, line):\n        return line.split()\n"
    (tmp_path / "own.py").write_text(source + "\n    def join(self, tokens):\n        return ' '.join(tokens)\n")
    with pytest.raises(DataError, match=r"made the token '<s>' of line 2"):
        Corpus.from_text("a\n<s> b\n", tokenizer="own.py:Own")


def test_inside_of_a_word_and_for_other_tokenizers_a_mark_is_characters():
    assert Corpus.from_text("<s>a</s> b\n").vocabulary.words == [EOS, "<s>a</s>", "b"]
    for name in ("chars", "bytes"):
        assert len(Corpus.from_text("<s> a </s>\n", tokenizer=name)) == 11
    assert Corpus.from_text("<s> a </s>\n", tokenizer="prose").sentences == 1


def said(text, name="words"):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Corpus.from_text(text, tokenizer=name)
    assert all(warning.category is TextWarning for warning in caught)
    return [str(warning.message) for warning in caught]


def test_other_marks_are_words_of_which_a_hint_says_so(tmp_path):
    assert said("a <unk> b\n") == []
    path = tmp_path / "t.txt"
    path.write_text("a <UNK> <UNK> b <unk> <UNK>x\n[UNK] a\n", encoding="utf-8")
    with pytest.warns(TextWarning, match=r"<UNK> 2 times and \[UNK\] once: words like any") as caught:
        corpus = Corpus.encode(path)
    assert "<UNK>" in corpus.vocabulary
    command = command_of(caught[0].message).replace(">t.new.txt", "")
    new = subprocess.run(command, shell=True, check=True, capture_output=True, text=True).stdout
    assert new == "a <unk> <unk> b <unk> <UNK>x\n<unk> a\n"
    (ends,) = said("a b <eos>\nc <eos>\n<|endoftext|>\n")
    assert "<eos> 2 times and <|endoftext|> once" in ends
    filtered = subprocess.run(
        command_of(ends), shell=True, input="a <eos>\n<|endoftext|> b", capture_output=True, text=True
    )
    assert filtered.stdout.split() == ["a", "b"]


def test_blank_lines_are_counted_and_the_command_leaves_them_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "t.txt"
    path.write_text("\na b\n\n \t\nc\n\n", encoding="utf-8")
    for _ in range(2):  # the second time from the cache of ids
        with pytest.warns(
            TextWarning, match=r"t.txt has 4 blank lines, each of which is a sentence of </s> alone"
        ) as caught:
            Corpus.encode(path)
    subprocess.run(command_of(caught[0].message).replace(str(path), path.name), shell=True, check=True)
    assert (tmp_path / "t.new.txt").read_text() == "a b\nc\n"
    assert said("a\n\nb\n") == [
        "text has a blank line, which is a sentence of </s> alone; without it: `sed '/^[[:space:]]*$/d'`."
    ]
    assert said("A.\n\nB.\n", "prose") == said("a\n\nb\n", "chars") == said("a\nb") == []


def test_blank_lines_of_a_long_text_are_counted_over_its_chunks(monkeypatch):
    monkeypatch.setattr("rnnlm.text.encode._CHUNK", 3)
    assert "has 5 blank lines" in said("\n\na b\nc\n\n\nd\n\n")[0]
