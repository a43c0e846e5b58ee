"""`rnnlm ppl` and the perplexity behind it, against counts of the file and word-by-word arithmetic."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import rnnlm
from rnnlm.errors import DataError
from rnnlm.models import ElmanLM
from rnnlm.text import Corpus, Vocabulary


def word_by_word(model, text: str) -> list[tuple[str, float]]:
    """(word, log P) of each token of the text, by asking for the whole distribution at every step."""
    state, x = model.start(1), model.vocabulary.eos
    found = []
    for line in text.splitlines():
        for word in [*line.split(), "</s>"]:
            logp, state = model.next(np.array([x]), state)
            x = int(model.vocabulary.encode([word])[0])
            found.append((word, float(logp[0, x]) if x >= 0 else math.nan))
    return found


def test_figures_are_those_of_word_by_word_arithmetic(model, shared):
    text = (shared / "test.txt").read_text()
    logps = [logp for _, logp in word_by_word(model, text)]
    found = model.perplexity(shared / "test.txt")
    assert found.tokens == found.scored == len(logps)
    assert found.nll == pytest.approx(-sum(logps) / len(logps), rel=1e-5)
    assert found.ppl == pytest.approx(math.exp(-sum(logps) / len(logps)), rel=1e-5)
    assert found.bits_per_token == pytest.approx(-sum(logps) / len(logps) / math.log(2), rel=1e-5)
    assert found.bits_per_character == pytest.approx(-sum(logps) / math.log(2) / len(text), rel=1e-5)
    assert (found.sentences, found.characters, found.unknown) == (40, len(text), 0)
    assert found.ppl < 6  # of 12 words: it has learnt something


@pytest.mark.parametrize("streams", [1, 2, 7])
def test_every_token_of_the_file_counts(call, shared, streams):
    text = (shared / "test.txt").read_text()
    called = call("ppl", shared / "m.rnnlm", shared / "test.txt", "--streams", streams, "--json")
    found = json.loads(called.out)
    assert found["tokens"] == found["scored"] == len(text.split()) + text.count("\n")
    assert called.err == ""
    assert found["ppl"] == rnnlm.load(shared / "m.rnnlm").perplexity(shared / "test.txt", streams=streams).ppl


def test_more_streams_forget_only_at_their_beginnings(model, shared):
    one, two = (model.perplexity(shared / "test.txt", streams=n).nll for n in (1, 2))
    assert one != two
    assert one == pytest.approx(two, abs=0.02)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform_model_has_the_perplexity_of_its_vocabulary(call, tmp_path, dtype):
    words = ["</s>", *(f"w{i}" for i in range(36))]
    lm = ElmanLM(Vocabulary(words, [5] * 37), hidden=3, classes=0, dtype=dtype)
    for param in lm.params.values():
        param.value[...] = 0
    lm.save(tmp_path / "uniform.rnnlm")
    (tmp_path / "some.txt").write_text("w1 w2 w35\nw7\n")
    found = json.loads(call("ppl", "uniform.rnnlm", "some.txt", "--json").out)
    assert found["ppl"] == pytest.approx(37, rel=1e-6)
    assert found["bits_per_token"] == pytest.approx(math.log2(37), rel=1e-6)


def test_unknown_words_with_a_word_for_them(unk_model, shared, tmp_path):
    (tmp_path / "new.txt").write_text("the zebra sees a cat\nthe dog runs\n")
    found = unk_model.perplexity(tmp_path / "new.txt")
    pairs = word_by_word(unk_model, (tmp_path / "new.txt").read_text())
    known = [logp for word, logp in pairs if word in unk_model.vocabulary]
    assert 0 < len(known) < len(pairs)
    assert found.tokens == found.scored == len(pairs) == 10
    assert found.unknown == len(pairs) - len(known)
    assert found.nll == pytest.approx(-sum(logp for _, logp in pairs) / 10, rel=1e-5)
    assert found.nll_known == pytest.approx(-sum(known) / len(known), rel=1e-5)


def test_unknown_words_without_one_are_counted_and_not_scored(call, model, shared, tmp_path):
    (tmp_path / "new.txt").write_text("the zebra sees a quagga\n")
    called = call("ppl", shared / "m.rnnlm", "new.txt")
    head, line = (row.split() for row in called.out.splitlines())
    row = dict(zip(head, line, strict=True))
    assert (row["tokens"], row["unknown"], row["unscored"]) == ("6", "2", "2")
    scored = [logp for _, logp in word_by_word(model, "the zebra sees a quagga\n") if not math.isnan(logp)]
    assert float(row["PPL"]) == pytest.approx(math.exp(-sum(scored) / 4), abs=0.006)
    assert row["PPL"] == row["known"]


def test_a_text_of_unknown_tokens_only_is_refused(tmp_path):
    (tmp_path / "abc.txt").write_text("abcabcab" * 60)
    lm = rnnlm.train(tmp_path / "abc.txt", tokens="chars", hidden=3, streams=2, epochs=1)
    (tmp_path / "other.txt").write_text("xyz")
    with pytest.raises(DataError, match=r"other\.txt.*nothing to score"):
        lm.perplexity(tmp_path / "other.txt")


def test_bits_per_character_of_characters_are_bits_per_token(tmp_path):
    (tmp_path / "abc.txt").write_text("abcabcab\n" * 60)
    lm = rnnlm.train(tmp_path / "abc.txt", tokens="chars", hidden=3, streams=2, epochs=1)
    found = lm.perplexity(tmp_path / "abc.txt")
    assert found.tokens == found.characters == 540
    assert found.bits_per_character == pytest.approx(found.bits_per_token)


def test_corpus_of_another_vocabulary_is_refused(model):
    other = Corpus.from_text("the cat\n")
    with pytest.raises(DataError, match=r"word 2 of .* 'a' against 'cat'\. Encode the text with the model's own"):
        model.perplexity(other)


def test_json_holds_what_the_api_says(call, model, shared):
    found = json.loads(call("ppl", shared / "m.rnnlm", shared / "test.txt", "--json").out)
    assert found.pop("model") == str(shared / "m.rnnlm")
    assert found == model.perplexity(shared / "test.txt").as_dict()


def test_several_models_are_several_lines(call, shared):
    called = call("ppl", shared / "m.rnnlm", shared / "unk.rnnlm", shared / "test.txt")
    lines = called.out.splitlines()
    assert called.status == 0
    assert [line.split()[0] for line in lines] == ["model", str(shared / "m.rnnlm"), str(shared / "unk.rnnlm")]
    assert "no mixture: " in called.err
    assert "vocabularies" in called.err
    found = json.loads(call("ppl", shared / "m.rnnlm", shared / "unk.rnnlm", shared / "test.txt", "--json").out)
    listed = found["models"]
    assert found["mixture"] is None
    assert [f"{entry['ppl']:.4f}" for entry in listed] == [line.split()[1] for line in lines[1:]]
    assert listed[1]["unknown"] > 0


def test_standard_input_is_a_text(call, stdin, shared):
    from_file = json.loads(call("ppl", shared / "m.rnnlm", shared / "test.txt", "--json").out)
    stdin((shared / "test.txt").read_bytes())
    from_stdin = json.loads(call("ppl", shared / "m.rnnlm", "-", "--json").out)
    assert from_stdin.pop("name") == "standard input"
    assert from_stdin == {name: value for name, value in from_file.items() if name != "name"}


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (lambda text: text.rstrip("\n"), 40),
        (lambda text: text.replace("\n", "\r\n"), 40),
        (lambda text: "\ufeff" + text, 40),
        (lambda text: text + "\n", 41),
    ],
    ids=["no final newline", "CRLF", "byte-order mark", "an empty line"],
)
def test_harmless_differences_of_files(model, shared, tmp_path, change, lines):
    text = (shared / "test.txt").read_text()
    (tmp_path / "changed.txt").write_bytes(change(text).encode())
    found, plain = model.perplexity(tmp_path / "changed.txt"), model.perplexity(shared / "test.txt")
    assert found.sentences == lines
    assert found.tokens == plain.tokens + lines - 40
    if lines == 40:
        assert found.nll == plain.nll


def test_a_line_of_ten_megabytes(model, tmp_path):
    (tmp_path / "long.txt").write_text("the cat " * 1_250_000)
    corpus = Corpus.encode(tmp_path / "long.txt", vocabulary=model.vocabulary)
    assert (len(corpus), corpus.sentences, corpus.unknown) == (2_500_001, 1, 0)
    (tmp_path / "word.txt").write_text("the " + "x" * 10_000_000 + " runs\n")
    assert model.perplexity(tmp_path / "word.txt").tokens == 4


def test_why_there_is_no_mixture_is_said_in_options(call, shared, tmp_path):
    one, table, text = shared / "m.rnnlm", tmp_path / "i.tsv", shared / "test.txt"
    assert call("score", one, text, "--independent", "--quick", "-o", table).status == 0
    said = call("ppl", one, table, text).err
    assert "Score both with --independent, or both with --carry." in said
