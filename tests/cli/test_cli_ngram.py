"""`rnnlm ngram`: models from texts, ARPA files and other n-gram models, and what the other commands make of them."""

from __future__ import annotations

import gzip
import json
import math
import re
import warnings

import pytest

import rnnlm
from rnnlm.models import NgramLM
from rnnlm.models.ngram import SMOOTHINGS
from rnnlm.training import data
from rnnlm.training.settings import Settings

USAGE, DATA = 2, 1


@pytest.fixture(scope="module")
def parts(shared):
    """The training, validation and test part that `rnnlm train` makes of the text."""
    return data.load(Settings(text=shared / "text.txt"))


def figures(out: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^(\w+) perplexity (\S+)$", out, re.MULTILINE)}


def quietly(text, **options) -> NgramLM:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return NgramLM.train(text, **options)


@pytest.fixture
def made(call, shared):
    """Make a model of the text with these options: what was called and the model."""

    def made(*options, name="m.rnnlm"):
        called = call("ngram", shared / "text.txt", "-o", name, *options)
        assert called.status == 0, called.err
        return called, rnnlm.load(name)

    return made


def test_a_text_becomes_a_model_beside_that_of_train(call, shared, parts, tmp_path):
    (tmp_path / "text.rnnlm").write_bytes(b"what rnnlm train wrote")
    called = call("ngram", shared / "text.txt")
    lm = rnnlm.load("text.ngram.rnnlm")
    expected = quietly(parts.train)
    assert (tmp_path / "text.rnnlm").read_bytes() == b"what rnnlm train wrote"
    assert lm.config == {"order": 5, "smoothing": "kneser-ney", "prune": [], "dtype": "float32"}
    assert lm.table.levels == expected.table.levels
    found = figures(called.out)
    assert found["validation"] == pytest.approx(expected.perplexity(parts.valid).ppl, abs=1e-4)
    assert found["test"] == pytest.approx(expected.perplexity(parts.test).ppl, abs=1e-4)
    head, warning, sizes, where = called.err.splitlines()
    assert head.startswith(f"held out the last {len(parts.valid)} and {len(parts.test)} tokens of ")
    assert warning.startswith("warning: ")
    assert "one discount n1 / (n1 + 2 n2)" in warning
    assert sizes.startswith(f"{lm.table.levels[-1]:,} n-grams of 1 to 5 words: 12, ")
    assert where == "model: text.ngram.rnnlm"


def test_its_vocabulary_and_parts_are_those_of_train(call, shared):
    for command, options in (("train", "--hidden 4 --streams 4 --epochs 1 -o a.rnnlm"), ("ngram", "-o b.rnnlm")):
        assert call(command, shared / "text.txt", "--max-vocab", 7, *options.split()).status == 0
    a, b = (rnnlm.load(path) for path in ("a.rnnlm", "b.rnnlm"))
    runs = [next(entry for entry in lm.log if entry["kind"] == "run") for lm in (a, b)]
    assert a.vocabulary.hash == b.vocabulary.hash
    assert "<unk>" in b.vocabulary
    assert [runs[0][key] == runs[1][key] for key in ("data.train", "data.train_tokens")] == [True, True]
    called = call("ppl", "a.rnnlm", "b.rnnlm", shared / "test.txt", "--fit", shared / "test.txt")
    assert called.status == 0
    assert "mixture" in called.out


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_each_smoothing(made, call, shared, parts, smoothing):
    more = {"lidstone": {"gamma": 0.2}, "stupid": {"alpha": 0.3}}.get(smoothing, {})
    options = [word for name, value in more.items() for word in (f"--{name}", value)]
    called, lm = made("--smoothing", smoothing, "--order", 3, *options)
    expected = quietly(parts.train, smoothing=smoothing, order=3, **more)
    assert lm.config == {"order": 3, "smoothing": smoothing, "prune": [], "dtype": "float32", **more}
    nll = expected.perplexity(parts.test).nll
    assert called.out.splitlines()[1] == f"test perplexity {'inf' if math.isinf(nll) else f'{math.exp(nll):.4f}'}"
    for command in (["ppl", "m.rnnlm", shared / "test.txt"], ["sample", "m.rnnlm", "the", "--seed", 1], ["info"]):
        found = call(*command, *(["m.rnnlm"] if command == ["info"] else []))
        assert (found.status, found.err) == (0, "")


@pytest.mark.parametrize("written", [["0", "0", "1"], ["0,0,1"], ["0 0 1"]], ids="|".join)
@pytest.mark.parametrize("first", [True, False])
def test_numbers_of_prune_stand_side_by_side(call, shared, parts, written, first):
    text = [shared / "text.txt"]
    arguments = [*text, "--prune", *written] if first else ["--prune", *written, *text]
    called = call("ngram", *arguments, "-o", "m.rnnlm", "--order", 4)
    assert called.status == 0
    lm = rnnlm.load("m.rnnlm")
    assert lm.config["prune"] == [0, 0, 1]
    assert lm.table.levels == quietly(parts.train, order=4, prune=(0, 0, 1)).table.levels
    assert lm.table.levels < quietly(parts.train, order=4).table.levels


def test_entropy(made, parts):
    called, lm = made("--entropy", 1e-3, "--smoothing", "witten-bell", "--dtype", "float64")
    whole = quietly(parts.train, smoothing="witten-bell", dtype="float64")
    assert lm.table.levels == whole.pruned(1e-3).table.levels
    assert 12 < lm.table.levels[-1] < whole.table.levels[-1]
    assert lm.config["entropy"] == 1e-3
    assert figures(called.out)["test"] == pytest.approx(whole.pruned(1e-3).perplexity(parts.test).ppl, abs=1e-4)
    assert "warning" not in called.err  # witten-bell has no discounts


def test_min_count_tokens_valid_and_test(made, shared, tmp_path):
    (tmp_path / "valid.txt").write_text("the cat runs\n")
    called, lm = made("--min-count", 70, "--valid", "valid.txt", "--test", shared / "test.txt")
    assert {"<unk>", "the"} < set(lm.vocabulary.words)
    assert "bird" not in lm.vocabulary
    assert "held out" not in called.err
    assert lm.log[0]["data.train_tokens"] == (shared / "text.txt").read_text().count("\n") + len(
        (shared / "text.txt").read_text().split()
    )
    assert figures(called.out)["validation"] == pytest.approx(lm.perplexity("valid.txt").ppl, abs=1e-4)
    assert figures(called.out)["test"] == pytest.approx(lm.perplexity(shared / "test.txt").ppl, abs=1e-4)
    _, lm = made("--tokens", "chars", "--order", 3)
    assert (lm.tokenizer, set(lm.vocabulary.words) >= {"t", "h", "e", " "}) == ("chars", True)


def test_little_memory_gives_the_same_table(made):
    _, lm = made()
    _, other = made("--memory", 1e-6, name="other.rnnlm")
    assert (other.table.logp == lm.table.logp).all()


def test_standard_input_and_named_corpora(call, stdin, shared):
    stdin((shared / "text.txt").read_bytes())
    called = call("ngram", "-", "--order", 2)
    assert called.status == 0
    assert called.err.splitlines()[-1] == "model: model.ngram.rnnlm"
    called = call("ngram", "reber", "--order", 3)
    assert called.status == 0
    assert len(rnnlm.load("reber.ngram.rnnlm").vocabulary) == 8  # B T S X P V E and the end
    assert 1.5 < figures(called.out)["test"] < 2  # of the letters of a Reber grammar most are one of two


def test_info_tells_orders_notes_and_text(made, call):
    _, lm = made()
    out = call("info", "m.rnnlm").out
    facts = dict(line.split("  ", 1) for line in out.splitlines() if not line.startswith("note"))
    sizes = ", ".join(f"{b - a}" for a, b in zip(lm.table.levels, lm.table.levels[1:], strict=False))
    assert facts["n-grams"].strip() == f"{lm.table.levels[-1]} of 1 to 5 words: {sizes}"
    assert facts["settings"].strip() == "dtype float32, order 5, prune [], smoothing kneser-ney"
    assert "text.txt, 982 tokens, sha256 " in facts["trained on"]
    assert "rnnlm ngram " in facts["command"]
    notes = [line for line in out.splitlines() if line.startswith("note")]
    assert [re.sub(r":.*", "", line).split()[-1] for line in notes] == ["2", "3", "4"]
    found = json.loads(call("info", "m.rnnlm", "--json").out)
    assert (found["model"], sum(found["ngrams"]), len(found["ngrams"])) == ("ngram", lm.table.levels[-1], 5)
    assert len(found["training"]["notes"]) == 3


@pytest.mark.parametrize("name", ["m.arpa", "m.arpa.gz"])
def test_an_arpa_file_gives_the_same_numbers(call, shared, made, name):
    _, lm = made()
    called = call("ngram", shared / "text.txt", "-o", name)
    assert called.status == 0
    read = gzip.open if name.endswith(".gz") else open
    with read(name, "rb") as file:
        assert file.readline() == b"\\data\\\n"
    one, two = (json.loads(call("ppl", path, shared / "test.txt", "--json").out) for path in ("m.rnnlm", name))
    assert one["nll"] == two["nll"] == pytest.approx(lm.perplexity(shared / "test.txt").nll)
    assert "n-grams" in call("info", name).out


def test_conversion_both_ways_changes_nothing(call, made, tmp_path):
    made()
    for source, target in (
        ("m.rnnlm", "a.arpa"),
        ("a.arpa", "b.rnnlm"),
        ("b.rnnlm", "c.arpa.gz"),
        ("c.arpa.gz", "d.arpa"),
    ):
        called = call("ngram", source, "--from", "-o", target)
        assert (called.status, called.out) == (0, "")
    assert (tmp_path / "a.arpa").read_bytes() == (tmp_path / "d.arpa").read_bytes()
    out = call("info", "b.rnnlm").out
    assert "smoothing arpa" in out
    assert "rnnlm ngram a.arpa --from -o b.rnnlm" in out
    assert call("ngram", "a.arpa", "--from").err.splitlines()[-1] == "model: a.ngram.rnnlm"
    called = call("ngram", "a.arpa", "--from", "--entropy", "1e-2", "-o", "small.rnnlm")
    assert rnnlm.load("small.rnnlm").table.levels == rnnlm.load("m.rnnlm").pruned(1e-2).table.levels


def test_other_commands_take_it(call, made, shared):
    made()
    test = shared / "test.txt"
    out = call("score", "m.rnnlm", test, "--unit", "nats").out
    rows = [line.split("\t") for line in out.splitlines() if not line.startswith("# ")]
    total = sum(float(row[rows[0].index("logprob")]) for row in rows[1:])
    lm = rnnlm.load("m.rnnlm")
    assert -total / (len(rows) - 1) == pytest.approx(lm.perplexity(test).nll, rel=1e-4)
    assert call("sample", "m.rnnlm", "the", "-n", 3, "--seed", 2).out == str(lm.sample("the", 3, seed=2)) + "\n"
    made("--smoothing", "witten-bell", name="wb.rnnlm")
    assert call("ensemble", "m.rnnlm", "wb.rnnlm", "--fit", test, "-o", "mix.rnnlm").status == 0
    assert "member 2" in call("info", "mix.rnnlm").out
    compared = call("compare", "m.rnnlm", "wb.rnnlm", test, "--samples", 200)
    assert compared.status == 0
    assert f"{lm.perplexity(test).ppl:.4f}" in compared.out


def bad(what, *says, status=USAGE):
    return pytest.param(what.split(), says, status, id=what)


@pytest.mark.parametrize(
    ("arguments", "says", "status"),
    [
        bad("TEXT --order 0", "--order 0 is not possible", "1 or more"),
        bad("TEXT --order two", "'two' is not a valid integer", "rnnlm ngram --help"),
        bad("TEXT --smoothing katz", "--smoothing 'katz' is not known", "kneser-ney, absolute, witten-bell"),
        bad("TEXT --smoothing lidstone --gamma 0", "--gamma 0.0 is not possible", "Laplace"),
        bad("TEXT --smoothing stupid --alpha -1", "--alpha -1.0 is not possible"),
        bad("TEXT --gamma 1", "--gamma 1.0 is for the smoothing lidstone, and this is kneser-ney"),
        bad("TEXT --smoothing lidstone --alpha 1", "--alpha 1.0 is for the smoothing stupid, and this is lidstone"),
        bad("TEXT --prune 1 0", "--prune 1 0 is not possible for order 5", "the first 0"),
        bad("TEXT --prune 0 0 0 0 0 1", "--prune 0 0 0 0 0 1 is not possible for order 5"),
        bad("TEXT --prune 0,half", "--prune '0,half' is not a list of whole numbers"),
        bad("TEXT --prune 0.5", "--prune '0.5' is not a list of whole numbers"),
        bad("TEXT --prune", "'--prune' requires an argument"),
        bad("TEXT --entropy -1", "--entropy -1.0 is not possible", "Give --entropy >= 0"),
        bad("TEXT --entropy nan", "--entropy nan is not possible"),
        bad("TEXT --memory 0", "--memory 0.0 is not possible", "GB"),
        bad("TEXT --dtype half", "--dtype 'half' is not known", "float32, float64"),
        bad("TEXT --tokens letters", "tokenizer 'letters'", "words, prose, chars, bytes"),
        bad("TEXT --max-vocab 1", "--max-vocab 1", "Give --max-vocab >= 2"),
        bad("TEXT --min-count 0", "--min-count 0", "Give --min-count >= 1"),
        bad("TEXT --threads 0", "threads"),
        bad("TEXT --backend abacus", "abacus"),
        bad("TEXT -o TEXT", "the output ", "which it would replace. Give another -o"),
        bad("TEXT --valid TEST -o TEST", "which it would replace. Give another -o"),
        bad("TEXT -o m.arpa.bz2", "m.arpa.bz2 would be compressed as .bz2", "plain or as .gz"),
        bad("TEXT -o no/m.rnnlm", "the folder no does not exist", status=DATA),
        bad("TEXT --valid nix.txt", "nix.txt does not exist", status=DATA),
        bad("TEXT --test nix.txt", "nix.txt does not exist", status=DATA),
        bad("nix.txt", "nix.txt does not exist", status=DATA),
        bad("", "Missing argument 'TEXT'"),
        bad("TEXT TEST", "unexpected extra argument"),
        bad("TEXT --from", "is not a model of rnnlm", status=DATA),
        bad("NET --from", "is a model of the kind 'rnnlm', not an n-gram model", status=DATA),
        bad("nix.arpa --from", "nix.arpa cannot be read as a model", status=DATA),
        *(
            bad(f"NET --from --{option}", f"--{option.split()[0]} is for training on a text, and --from takes a model")
            for option in (
                *("order 3", "smoothing ml", "gamma 2", "alpha 1", "prune 0 0 1", "memory 1", "valid TEXT"),
                *("test TEXT", "tokens chars", "max-vocab 5", "min-count 2", "dtype float64"),
            )
        ),
    ],
)
def test_bad_input(call, shared, tmp_path, arguments, says, status):
    known = {"TEXT": shared / "text.txt", "TEST": shared / "test.txt", "NET": shared / "m.rnnlm"}
    before = {path: path.read_bytes() for path in shared.iterdir()}
    called = call("ngram", *(known.get(argument, argument) for argument in arguments))
    *talk, error = called.err.splitlines()
    assert called.status == status, called.err
    assert called.out == ""
    assert error.startswith("rnnlm: error: ")
    assert all(line.startswith("held out the last ") for line in talk)
    for part in says:
        assert part in error
    assert list(tmp_path.iterdir()) == []
    assert {path: path.read_bytes() for path in shared.iterdir()} == before


def test_an_arpa_file_cannot_hold_a_blank(call, shared, tmp_path):
    called = call("ngram", shared / "text.txt", "--tokens", "chars", "-o", "m.arpa", "--order", 2)
    assert called.status == DATA
    assert "the word ' ' cannot be in an ARPA file" in called.err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
