"""A text that is probably not what it is taken for gets one hint; an ordinary text gets none."""

import json
import random
import subprocess
import warnings
from pathlib import Path

import pytest

import rnnlm.cli
from rnnlm import catalogue
from rnnlm.errors import TextWarning
from rnnlm.text import Corpus
from rnnlm.text.hints import HEAD, of_beginning

ROOT = Path(__file__).parents[2]
PLAIN = "the old man and a dog go home by sea in rain or snow with no fear of what may come"
WORDS = sorted(set(PLAIN.split()))
JAPANESE = "吾輩は猫である。名前はまだ無い。\nどこで生れたかとんと見当がつかぬ。\n"
CHINESE = "今天天气很好，我们去公园。\n他说他不想去。\n"
THAI = "วันนี้อากาศดีมาก เราไปเดินเล่นในสวนกันเถอะ\nเขาบอกว่าเขาไม่อยากไป\n"
LAO = "ມື້ນີ້ອາກາດດີຫຼາຍພວກເຮົາໄປຍ່າງຫຼິ້ນໃນສວນ\n"
KHMER = "ថ្ងៃនេះអាកាសធាតុល្អណាស់យើងទៅដើរលេងនៅសួន\n"
BURMESE = "ဒီနေ့ရာသီဥတုကောင်းတယ်ကျွန်တော်တို့ပန်းခြံသွားမယ်\n"


def sentences(count, seed=1):
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randrange(3, 12))) for _ in range(count)]


def rows(mark, cells=3, count=30):
    return "".join(mark.join([str(i), *sentences(cells - 1, i)]) + "\n" for i in range(count))


SRT = "".join(f"{i}\n00:00:{i:02},000 --> 00:00:{i + 1:02},500\n{line}\n\n" for i, line in enumerate(sentences(9), 1))
NBEST = "".join(f"{i} ||| {line} ||| lm= -3.2 ||| -4.1\n" for i, line in enumerate(sentences(9)))
JSON_LINES = "".join(json.dumps({"id": i, "text": line}) + "\n" for i, line in enumerate(sentences(9)))
SGML = (
    '<refset srclang="en">\n'
    + "".join(f'<seg id="{i}"> {x} </seg>\n' for i, x in enumerate(sentences(9)))
    + "</refset>"
)
HTML = "<!DOCTYPE html>\n<html><body>\n" + "".join(f"<p>{x}</p>\n" for x in sentences(9)) + "</body></html>\n"
CONLL = "".join("".join(f"{i}\t{w}\tN\n" for i, w in enumerate(x.split())) + "\n" for x in sentences(9))
ODD = {
    "japanese": (JAPANESE, "is Japanese without blanks.*tokens=chars.*fugashi, SudachiPy or Janome"),
    "chinese": (CHINESE * 3, "is Chinese without blanks.*tokens=chars.*jieba"),
    "thai": (THAI, "is Thai without blanks.*tokens=chars.*pythainlp"),
    "lao": (LAO, "is Lao without blanks"),
    "khmer": (KHMER, "is Khmer without blanks"),
    "burmese": (BURMESE, "is Burmese without blanks"),
    "dna": (("ACGTTGCA" * 9 + "\n") * 20, "words of 72 letters in the mean.*tokens=chars"),
    "csv": ("id,text,by\n" + rows(","), "CSV table with commas"),
    "csv of two columns": (rows(",", 2), "CSV table with commas"),
    "csv quoted": (rows('","').replace("\n", '"\n').replace('","', ',"', 1), "CSV table with commas"),
    "semicolons": (rows(";"), "CSV table with semicolons"),
    "tsv": (rows("\t"), "table with tabs"),
    "conll": (CONLL, "table with tabs"),
    "json lines": (JSON_LINES, "looks like JSON"),
    "json": (json.dumps({"a": 1, "b": "x"}, indent=1), "looks like JSON"),
    "one json": (json.dumps([{"text": x} for x in sentences(9)]), "looks like JSON"),
    "n-best": (NBEST, r"n-best list or a table with \|\|\|"),
    "sgml": (SGML, "XML, HTML or SGML"),
    "html": (HTML, "XML, HTML or SGML"),
    "xml": ('<?xml version="1.0"?>\n<a>\nb\n</a>\n', "XML, HTML or SGML"),
    "srt": (SRT, "looks like subtitles"),
}
ONE_LINE = " ".join(f"{word}{i % 13}" for i, word in enumerate(WORDS * 100))
ORDINARY = {
    "sentences": "\n".join(sentences(50)),
    "treebank": "mr. <unk> , N years old , said $ N million ; the board 's <unk> .\n" * 9,
    "punctuation": "One, two, three.\nFour; five, six.\nYes, no, maybe.\nSo, then, go.\n",
    "a poem": "".join(f"{x},\n" for x in sentences(30)),
    "segmented japanese": "吾輩 は 猫 で ある 。\n名前 は まだ 無い 。\n" * 5,
    "segmented chinese": "今天 天气 很 好 ， 我们 去 公园 。\n" * 5,
    "segmented thai": "วันนี้ อากาศ ดี มาก เรา ไป เดิน เล่น ใน สวน\n" * 5,
    "korean": "오늘은 날씨가 아주 좋아서 우리는 공원에 갑니다.\n" * 5,
    "russian": "Сегодня хорошая погода, и мы идём в парк.\n" * 5,
    "numbers": "1,000 men and 2,000 dogs\n3 dogs\n10,000 men\nno dog\n",
    "indented": "".join(f"\t{x}\n" for x in sentences(20)),
    "marks": "<num> men saw <unk> in <url>\n" * 9,
    "one word": "word",
    "few": "a b\n",
    "letters": " ".join("dibagu" * 3000),
    "arrows": "a --> b\nc ||| d\n{ e }\n[ f ] g\n" + "\n".join(sentences(20)),
}


@pytest.mark.parametrize("name", list(ODD))
def test_a_text_that_is_no_running_text_gets_a_hint(name):
    text, said = ODD[name]
    for tokenizer in ("words", "prose"):
        with pytest.warns(TextWarning, match=f"^text .*{said}") as caught:
            Corpus.from_text(text, tokenizer=tokenizer)
        assert len(caught) == 1
    bytes_with_mark = ("\ufeff" + text.replace("\n", "\r\n")).encode()
    assert of_beginning(bytes_with_mark, "words") == of_beginning(text.encode(), "words")


def test_a_line_without_end_gets_a_hint_of_words_only():
    with pytest.warns(TextWarning, match=r"begins with a line of 2,100 words or more.*tokens=prose"):
        Corpus.from_text(ONE_LINE)
    assert of_beginning(ONE_LINE.encode(), "prose") is None
    assert of_beginning((ONE_LINE * 50).encode(), "words") is not None
    assert of_beginning((ONE_LINE + "\nand more\n").encode(), "words") is None


@pytest.mark.parametrize("name", list(ORDINARY))
def test_an_ordinary_text_gets_none(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error", TextWarning)
        for tokenizer in ("words", "prose", "chars", "bytes"):
            Corpus.from_text(ORDINARY[name], tokenizer=tokenizer)


@pytest.mark.parametrize("name", list(ODD))
def test_characters_and_bytes_suit_every_text(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error", TextWarning)
        for tokenizer in ("chars", "bytes"):
            Corpus.from_text(ODD[name][0], tokenizer=tokenizer)


def test_named_corpora_the_documents_and_source_code_get_none(own_cache):
    with warnings.catch_warnings():
        warnings.simplefilter("error", TextWarning)
        for name in ("elman-letters", "elman-1990", "elman-1991", "reber"):
            Corpus.encode(f"{name}:train")
    files = [*(ROOT / "docs").glob("*.md"), *(ROOT / "rnnlm" / "text").glob("*.py")]
    assert len(files) > 20
    for file in [*files, catalogue.get("reber").train, catalogue.get("elman-letters").train]:
        assert [of_beginning(file.read_bytes()[:HEAD], rule) for rule in ("words", "prose")] == [None, None], file


def test_the_command_of_subtitles_and_of_tags_leaves_the_text():
    for text in (SRT, SGML):
        command = of_beginning(text.encode(), "words").command
        left = subprocess.run(command, shell=True, input=text, capture_output=True, text=True).stdout
        assert left.split() == " ".join(sentences(9)).split()


def test_the_command_line_says_it_once_in_its_own_words(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("t.txt").write_text(JAPANESE * 20, encoding="utf-8")
    for name, extra in (("ngram", ["-o", "n.rnnlm"]), ("train", ["--hidden", "2", "--epochs", "1", "--streams", "2"])):
        assert rnnlm.cli.run([name, "t.txt", *extra]) == 0
        said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: t.txt is Japanese")]
        assert len(said) == 1
        assert "--tokens chars" in said[0]
