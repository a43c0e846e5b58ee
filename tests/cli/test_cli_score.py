"""`rnnlm score`, in process, against the Python functions behind it."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path

import numpy as np
import pytest
from python_process import start_python

import rnnlm
from rnnlm.cli import run
from rnnlm.evaluation import external, read_stream, score
from rnnlm.text import Corpus


def table(text: str) -> list[dict[str, str]]:
    head, *lines = (line.split("\t") for line in text.splitlines() if not line.startswith("# "))
    return [dict(zip(head, line, strict=True)) for line in lines]


def test_a_line_a_word_on_standard_output(call, shared, unk_model):
    called = call("score", shared / "unk.rnnlm", shared / "test.txt", "--top", 2)
    assert (called.status, called.err) == (0, "")
    found = table(called.out)
    text = (shared / "test.txt").read_text()
    assert [row["word"] for row in found] == text.replace("\n", " </s> ").split()
    assert {row["word"] for row in found if row["unknown"] == "1"} == {
        word for word in text.split() if word not in unk_model.vocabulary
    }
    expected = score(unk_model, shared / "test.txt", distribution=True, top=2)
    for name, values in (("logprob", expected.logp), ("entropy", expected.entropy)):
        np.testing.assert_allclose([float(row[name]) for row in found], values / math.log(2), rtol=1e-9)
    assert [int(row["rank"]) for row in found] == expected.rank.tolist()
    assert [row["top1"] for row in found] == unk_model.vocabulary.decode(expected.top_ids[:, 0])
    bits = sum(float(row["surprisal"]) for row in found)
    assert 2 ** (bits / len(found)) == pytest.approx(unk_model.perplexity(shared / "test.txt").ppl, rel=1e-6)


def test_quick_has_the_same_log_probabilities_and_no_distributions(call, shared):
    quick, full = (call("score", shared / "m.rnnlm", shared / "test.txt", *more).out for more in (["--quick"], []))
    assert list(table(quick)[0]) == ["sentence", "position", "word", "unknown", "logprob", "surprisal"]
    a, b = ([float(row["logprob"]) for row in table(out)] for out in (quick, full))
    np.testing.assert_allclose(a, b, rtol=1e-4)


def test_standard_input_is_read_once(call, stdin, shared):
    stdin((shared / "test.txt").read_bytes())
    piped, read = call("score", shared / "unk.rnnlm", "-"), call("score", shared / "unk.rnnlm", shared / "test.txt")
    assert piped.status == 0
    assert "# text: standard input\n" in piped.out
    assert table(piped.out) == table(read.out)


def test_files_are_written_and_read_back(call, shared, tmp_path):
    common = ("score", shared / "m.rnnlm", shared / "test.txt", "--streams", 3)
    called = call(*common, "--unit", "nats", "-o", "s.tsv")
    assert (called.status, called.out) == (0, "")
    assert called.err == f"scores written to s.tsv: {len(table((tmp_path / 's.tsv').read_text()))} tokens\n"
    assert call(*common, "--binary", "-o", "s.stream").status == 0
    binary, model = read_stream(tmp_path / "s.stream"), rnnlm.load(shared / "m.rnnlm")
    np.testing.assert_array_equal(binary.logp, score(model, shared / "test.txt", streams=3, distribution=True).logp)
    corpus = Corpus.encode(shared / "test.txt", vocabulary=model.vocabulary)
    for name in ("s.tsv", "s.stream"):
        np.testing.assert_allclose(external(tmp_path / name, corpus).logp, binary.logp, rtol=1e-9)


@pytest.mark.parametrize("rule", ["<unk>", "skip", "7"])
def test_per_text_and_per_sentence_by_each_rule(call, shared, unk_model, rule):
    common = ("score", shared / "unk.rnnlm", shared / "test.txt", "--unknown", rule, "--unit", "nats")
    (text,), sentences = (table(call(*common, "--per", per).out) for per in ("text", "sentence"))
    p = unk_model.perplexity(shared / "test.txt")
    scored = p.tokens - (p.unknown if rule == "skip" else 0)
    logp = -p.nll_known * (p.tokens - p.unknown) if rule == "skip" else -p.nll * p.tokens
    logp -= p.unknown * math.log(7) if rule == "7" else 0
    assert (int(text["tokens"]), int(text["scored"]), int(text["unknown"])) == (p.tokens, scored, p.unknown)
    assert float(text["logprob"]) == pytest.approx(logp, rel=1e-6)
    assert float(text["perplexity"]) == pytest.approx(math.exp(-logp / scored), rel=1e-6)
    assert float(text["perplexity_known"]) == pytest.approx(p.ppl_known, rel=1e-6)
    assert len(sentences) == int(text["sentences"]) == 40
    assert sum(float(row["logprob"]) for row in sentences) == pytest.approx(logp, rel=1e-6)
    assert sum(int(row["scored"]) for row in sentences) == scored


@pytest.mark.parametrize(
    ("options", "status", "reason"),
    [
        ("--binary", 2, "--binary writes nats per word to a file"),
        ("--binary -o s --unit bits", 2, "--binary writes nats per word"),
        ("--binary -o s --per text", 2, "--binary writes nats per word"),
        ("--top 3 --quick", 2, "--top 3 needs P of every word"),
        ("--top 3 --per text", 2, "--top 3 needs P of every word"),
        ("--top -1", 2, "--top -1 is too small. Give --top >= 0"),
        ("--per line", 2, "--per 'line' is not possible. Give one of word, sentence, text"),
        ("--unit dB", 2, "--unit 'dB' is not possible. Give one of nats, bits, log10"),
        ("--unknown half", 2, "--unknown 'half' is not a rule. Give <unk>, skip, or a number"),
        ("--unknown 5", 2, "m.rnnlm unknown words are left out"),
        ("--streams 0", 2, "--streams 0 is too small. Give --streams >= 1"),
        ("-o nowhere/s.tsv", 1, "the folder nowhere does not exist"),
    ],
)
def test_bad_options_are_refused(call, shared, tmp_path, options, status, reason):
    called = call("score", shared / "m.rnnlm", shared / "test.txt", *options.split())
    assert (called.status, called.out) == (status, "")
    assert called.err.startswith("rnnlm: error: ")
    assert reason in called.err
    assert called.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_scores_never_replace_what_was_read(call, shared, tmp_path):
    for name in ("m.rnnlm", "test.txt"):
        (tmp_path / name).write_bytes((shared / name).read_bytes())
    for name, use in (("m.rnnlm", "model"), ("test.txt", "text")):
        for binary in ([], ["--binary"]):
            called = call("score", "m.rnnlm", "test.txt", "-o", f"./{name}", *binary)
            assert (called.status, called.out) == (2, "")
            assert (
                f"the output ./{name} is the {use} {name} itself, which it would replace. Give another -o."
                in called.err
            )
        assert (tmp_path / name).read_bytes() == (shared / name).read_bytes()


def test_bad_files_are_refused(call, shared, tmp_path):
    (tmp_path / "empty.txt").write_text("")
    for arguments, reason in [
        ((shared / "m.rnnlm", "empty.txt"), "empty.txt is empty"),
        ((shared / "m.rnnlm", "missing.txt"), "missing.txt does not exist"),
        ((shared / "test.txt", shared / "test.txt"), "is not a model"),
    ]:
        called = call("score", *arguments, "-o", "s.tsv")
        assert (called.status, called.out) == (1, "")
        assert reason in called.err
    assert [path.name for path in tmp_path.iterdir()] == ["empty.txt"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--top -1", "--top -1"),
        ("--top 2 --quick", "--top 2 needs P of every word"),
        ("--unknown 0", "unknown '0' is not a rule"),
        ("--unknown -3", "is not a rule"),
        ("--unknown 1_0", "is not a rule"),
        ("--unknown \uff13", "is not a rule"),
        (f"--unknown {'9' * 5000}", "is not a rule"),
        ("--streams 0", "--streams 0"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(call, shared, options, reason):
    called = call("score", shared / "m.rnnlm", shared / "test.txt", *options.split())
    assert (called.status, called.out) == (2, "")
    assert reason in called.err


def test_none_and_more_than_all_likeliest_words(call, shared, model):
    common = ("score", shared / "m.rnnlm", shared / "test.txt")
    assert call(*common, "--top", 0).out == call(*common).out
    V = len(model.vocabulary)
    assert call(*common, "--top", 10**9).out == call(*common, "--top", V).out
    (row, *_) = table(call(*common, "--top", V).out)
    assert sorted(row[f"top{k}"] for k in range(1, V + 1)) == sorted(model.vocabulary.words)


def test_independent_and_carried_sentences(call, shared, model):
    """A table says which, each is what the option says, and the two are not compared."""
    text, path = shared / "test.txt", shared / "m.rnnlm"
    lines = text.read_text().splitlines(keepends=True)[:5]
    alone = [score(model, Corpus.from_text(line, encoding=model.encoding)).logp for line in lines]
    for option, name, word in (("--independent", "alone.tsv", "independent"), ("--carry", "carried.tsv", "carried")):
        assert call("score", path, text, "--quick", "--unit", "nats", option, "-o", name).status == 0
        assert f"# sentence ends: scored; {word}: " in Path(name).read_text()
    found = [float(row["logprob"]) for row in table(Path("alone.tsv").read_text())]
    np.testing.assert_allclose(found[: len(np.concatenate(alone))], np.concatenate(alone), rtol=1e-9)
    assert Path("carried.tsv").read_text() == call("score", path, text, "--quick", "--unit", "nats").out
    for per in ("sentence", "text"):
        assert "; independent: every sentence" in call("score", path, text, "--independent", "--per", per).out

    refused = call("compare", path, "alone.tsv", text)
    assert refused.status == 1
    assert "cannot be compared: in" in refused.err
    assert refused.err.endswith("Score both with --independent, or both with --carry.\n")
    assert call("compare", path, "alone.tsv", text, "--independent").status == 0
    found = json.loads(call("compare", path, "carried.tsv", text, "--json").out)
    assert found["ratio"]["value"] == pytest.approx(1, abs=1e-6)
    assert found["context"] == "carried"


def test_independent_sentences_of_ppl_and_ensemble(call, shared, model):
    text, path, valid = shared / "test.txt", shared / "m.rnnlm", shared / "text.txt"
    for option, independent, context in (("--independent", True, "independent"), ("--carry", False, "carried")):
        for more in ([], ["--interval"], ["--streams", 3]):
            found = json.loads(call("ppl", path, text, option, "--json", *more).out)
            found = found.get("models", [found])[0]
            expected = model.perplexity(text, independent=independent)
            assert found["nll"] == pytest.approx(expected.nll, rel=0.02 if more[1:] and not independent else 1e-6)
            assert found["context"] == context
    for mix in ("linear", "geometric"):
        common = (path, path, "--fit", valid, "--mix", mix, "--independent")
        assert call("ensemble", *common, "-o", f"{mix}.rnnlm").status == 0
        mixed = rnnlm.load(f"{mix}.rnnlm").perplexity(valid, independent=True)
        found = json.loads(call("ensemble", *common, "-o", f"{mix}.rnnlm", "--json").out)["fit"]
        assert found["nll"] == pytest.approx(mixed.nll, rel=1e-6)
        assert found["context"] == "independent"


def test_a_minus_is_standard_output(call, shared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ("score", shared / "m.rnnlm", shared / "test.txt", "--quick")
    plain, minus = call(*command), call(*command, "-o", "-")
    assert (minus.status, minus.out, minus.err) == (0, plain.out, plain.err)
    assert not list(tmp_path.iterdir())
    assert call(*command, "--binary", "-o", "-").status == 2


def test_standard_output_that_is_closed_is_no_error(call, shared, monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    assert run(["score", str(shared / "m.rnnlm"), str(shared / "test.txt"), "--quick"]) == 0


def test_scores_do_not_replace_what_another_process_writes(shared, tmp_path):
    holder = start_python(
        "-c",
        "import sys, rnnlm.output_lock as o; lock = o.OutputLock(sys.argv[1]); print(flush=True); input()",
        tmp_path / "out.tsv",
        stdin=subprocess.PIPE,
    )
    assert holder.stdout.readline()
    command = ["score", str(shared / "m.rnnlm"), str(shared / "test.txt"), "--quick", "-o", str(tmp_path / "out.tsv")]
    status = run(command)
    holder.communicate("\n")
    assert status == 1
    assert not (tmp_path / "out.tsv").exists()
    assert run(command) == 0
