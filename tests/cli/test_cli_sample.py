"""`rnnlm sample` and the sampling behind it: the words come with the model's own probabilities."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from rnnlm.models import ElmanLM
from rnnlm.text import Vocabulary

DRAWS = 20_000


def distribution(model, words=(), temperature=1.0, ban=()):
    """P(next word) after the words, tempered, without the banned words; (V,) in float64."""
    state = model.start(1)
    x = np.zeros(1, dtype=np.int32)
    for word in model.vocabulary.encode(words):
        _, state = model.next(x, state)
        x = np.array([word])
    logp = np.asarray(model.next(x, state)[0][0], dtype=np.float64) / temperature
    logp[[model.vocabulary.index[word] for word in ban]] = -np.inf
    p = np.exp(logp)
    return p / p.sum()


def frequencies(model, samples, place=0):
    ids = model.vocabulary.encode([sample.words[place] for sample in samples])
    return np.bincount(ids, minlength=len(model.vocabulary)) / len(samples)


def assert_drawn_from(found, p):
    """Chi-square: with 11 degrees of freedom a fair sample stays under 31.3 in 999 of 1,000 cases; seeds are fixed."""
    assert found[p == 0].sum() == 0
    likely = p > 0
    assert DRAWS * ((found[likely] - p[likely]) ** 2 / p[likely]).sum() < 31.3
    assert np.abs(found - p).sum() / 2 < 0.012  # total variation


def test_plain_draws_have_the_models_probabilities(model):
    drawn = model.sample("the", 2, count=DRAWS, seed=1)
    assert_drawn_from(frequencies(model, drawn), distribution(model, ["the"]))
    after = [sample for sample in drawn if sample.words[0] == "man"]
    assert len(after) > 2000
    found, p = frequencies(model, after, place=1), distribution(model, ["the", "man"])
    assert np.abs(found - p).sum() / 2 < 0.03


def test_shaped_draws_at_temperature_one_agree_with_plain_ones(model):
    drawn = model.sample("the", 1, count=DRAWS, seed=2, top_p=1.0)
    assert_drawn_from(frequencies(model, drawn), distribution(model, ["the"]))


@pytest.mark.parametrize("temperature", [0.6, 1.7])
def test_temperature(model, temperature):
    drawn = model.sample("the", 1, count=DRAWS, seed=3, temperature=temperature)
    assert_drawn_from(frequencies(model, drawn), distribution(model, ["the"], temperature))


def test_top_k(model):
    p = distribution(model, ["the"])
    p[np.argsort(-p)[3:]] = 0
    drawn = model.sample("the", 1, count=DRAWS, seed=4, top_k=3)
    assert_drawn_from(frequencies(model, drawn), p / p.sum())


def test_top_p(model):
    p = distribution(model, ["the"])
    order = np.argsort(-p)
    kept = 1 + int(np.searchsorted(np.cumsum(p[order]), 0.5))
    assert 1 < kept < 6
    p[order[kept:]] = 0
    drawn = model.sample("the", 1, count=DRAWS, seed=5, top_p=0.5)
    assert_drawn_from(frequencies(model, drawn), p / p.sum())


@pytest.mark.parametrize("options", [{}, {"top_p": 1.0}, {"temperature": 0.9}], ids=["plain", "shaped", "tempered"])
def test_unk_is_drawn_only_when_asked_for(unk_model, options):
    temperature = options.get("temperature", 1.0)
    assert distribution(unk_model, ["the"])[unk_model.vocabulary.unk] > 0.3
    drawn = unk_model.sample("the", 1, count=DRAWS, seed=6, **options)
    assert_drawn_from(frequencies(unk_model, drawn), distribution(unk_model, ["the"], temperature, ban=["<unk>"]))
    drawn = unk_model.sample("the", 1, count=DRAWS, seed=6, unknown=True, **options)
    assert_drawn_from(frequencies(unk_model, drawn), distribution(unk_model, ["the"], temperature))


def test_temperature_zero_is_the_likeliest_word(model):
    cold = model.sample("the", 12, temperature=0)
    assert cold == model.sample("the", 12, top_k=1, seed=9)
    words = ["the"]
    for word in cold.words:
        assert word == model.vocabulary.words[int(distribution(model, words).argmax())]
        words.append(word)


def test_a_tiny_temperature_is_nearly_zero_and_not_nan(model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.sample("the", 12, temperature=1e-320, seed=1).words == model.sample("the", 12, top_k=1).words


def test_same_seed_same_texts(model):
    first, second, other = (model.sample(count=5, seed=seed) for seed in (1, 1, 2))
    assert first == second
    assert first != other
    assert model.sample(length=40) != model.sample(length=40)  # without a seed every call is new


@pytest.mark.parametrize("options", [{}, {"temperature": 0.7}, {"top_k": 4}], ids=["plain", "tempered", "top-k"])
def test_logprobs_are_those_of_score(model, options):
    """Whatever the draw was shaped by, what is reported is the model's own log P."""
    for drawn in model.sample("the cat", 9, count=3, seed=7, **options):
        ids = model.vocabulary.encode(["</s>", "the", "cat", *drawn.words])[:, None]
        scored, _ = model.score(ids[:-1], ids[1:], model.start(1))
        np.testing.assert_allclose(np.asarray(scored)[2:, 0], drawn.logprobs, rtol=2e-5)


def test_a_sentence_ends_at_its_end(model):
    for drawn in model.sample(count=30, seed=8):
        assert drawn.words.index("</s>") == len(drawn.words) - 1 == len(drawn.logprobs) - 1
        assert drawn.text == " ".join(drawn.words[:-1])
    assert {len(drawn.words) for drawn in model.sample("the", 7, count=30, seed=8)} == {7}


def test_a_prompt_is_read_and_stands_before_the_text(model):
    with pytest.warns(UserWarning, match="'zebra'"):
        drawn = model.sample("the zebra", 3, seed=1)
    assert drawn.prompt == ("the", "zebra")
    assert str(drawn).replace("\n", " </s> ").split()[:2] == ["the", "zebra"]


def test_command_prints_what_the_api_draws(call, model, shared):
    called = call("sample", shared / "m.rnnlm", "the", "-c", 3, "-t", 0.8, "--seed", 5)
    drawn = model.sample("the", count=3, temperature=0.8, seed=5)
    assert called == (0, "".join(f"{sample.text}\n" for sample in drawn), "")


def test_json_and_logprobs(call, model, shared):
    drawn = model.sample("the", 4, count=2, seed=3)
    listed = json.loads(call("sample", shared / "m.rnnlm", "the", "-n", 4, "-c", 2, "--seed", 3, "--json").out)
    assert [tuple(entry["words"]) for entry in listed] == [sample.words for sample in drawn]
    assert [entry["logprobs"] for entry in listed] == [list(sample.logprobs) for sample in drawn]
    assert listed[0]["prompt"] == ["the"]
    printed = call("sample", shared / "m.rnnlm", "the", "-n", 4, "--seed", 3, "--logprobs").out
    one = model.sample("the", 4, count=1, seed=3)[0]
    assert printed == "".join(f"{w}\t{logp:.6f}\n" for w, logp in zip(one.words, one.logprobs, strict=True))


def test_unknown_on_the_command_line(call, shared):
    plain = call("sample", shared / "unk.rnnlm", "-n", 300, "--seed", 1).out
    asked = call("sample", shared / "unk.rnnlm", "-n", 300, "--seed", 1, "--unknown").out
    assert "<unk>" not in plain
    assert "<unk>" in asked


def test_unknown_words_of_a_prompt_are_named_in_one_line(call, shared):
    called = call("sample", shared / "unk.rnnlm", "the zebra", "-n", 3, "--seed", 1)
    assert called.err == (
        "warning: 1 of the prompt's 2 words is not in the vocabulary: 'zebra'. The model reads <unk> instead.\n"
    )
    called = call("sample", shared / "m.rnnlm", "  ", "-n", 3, "--seed", 1)
    assert called.err.startswith("warning: the prompt '  ' holds no word, so nothing is read")
    assert called.out == call("sample", shared / "m.rnnlm", "-n", 3, "--seed", 1).out


@pytest.fixture
def untrained(tmp_path):
    """A model to which all words are equally likely, `</s>` first."""
    lm = ElmanLM(Vocabulary(["</s>", "a", "b"], [3, 2, 1]), hidden=2, classes=0)
    for param in lm.params.values():
        param.value[...] = 0
    lm.save(tmp_path / "untrained.rnnlm")
    return tmp_path / "untrained.rnnlm"


def test_an_empty_text_says_why(call, untrained):
    called = call("sample", untrained, "-t", 0)
    assert called.out == "\n"
    assert called.err == (
        "the text is empty: the likeliest word there is the sentence end, </s>, with P = 0.3333. Draw with a "
        "temperature above 0 (-t 1), or train the model longer.\n"
    )
    assert call("sample", untrained, "a b", "-t", 0).err.startswith(
        "the text adds nothing to the prompt: the likeliest"
    )
    assert call("sample", untrained, "-t", 0, "-n", 4).err.startswith("the text is empty: ")
    texts = call("sample", untrained, "-c", 30, "--seed", 1)
    assert texts.err == ""
    assert "" not in texts.out.split("\n")[:-1]  # sentences without words are thrown away
    texts = call("sample", untrained, "a b", "-c", 30, "--seed", 1)
    bare = texts.out.split("\n").count("a b")
    assert 3 < bare < 20
    why = "the sentence end, </s>, was drawn first. Another --seed draws others."
    assert texts.err == f"{bare} of the 30 texts add nothing to the prompt: {why}\n"
    assert json.loads(call("sample", untrained, "-t", 0, "--json").out)[0]["words"] == ["</s>"]


def test_no_possible_word_is_an_error_of_one_line(call, tmp_path):
    (tmp_path / "zero.arpa").write_text(
        "\\data\\\nngram 1=4\n\n\\1-grams:\n-99\t<s>\n-99\t</s>\n-99\tcat\n-99\tdog\n\n\\end\\\n"
    )
    for more in ([], ["-t", 0], ["--top-k", 2], ["-t", 0.5], ["--logprobs"]):
        called = call("sample", "zero.arpa", "-n", 4, "--seed", 1, *more)
        assert (called.status, called.out) == (1, "")
        assert called.err.startswith("rnnlm: error: after the history '</s>' no word has a probability above 0")
        assert called.err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-n", 0], "--length 0 is too small"),
        (["-n", 10**9], "--length 1000000000, --count 1: up to 1,000,000,000 words"),
        (["-t", "nan"], "--temperature nan is not possible"),
        (["-t", "inf"], "--temperature inf is not possible"),
        (["--top-p", 0], "--top-p 0.0 is not possible"),
        (["--seed", -1], "--seed -1 is too small"),
    ],
)
def test_odd_values(call, shared, options, message):
    called = call("sample", shared / "m.rnnlm", *options)
    assert (called.status, called.out) == (2, "")
    assert message in called.err


def test_the_help_states_how_long_a_text_becomes(call):
    assert "at most 100 words" in " ".join(call("sample", "--help").out.split())
