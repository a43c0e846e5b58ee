"""Sampling: no word of probability 0 is drawn, what is not read of a prompt is named, odd values are refused."""

from __future__ import annotations

import warnings
from itertools import product

import numpy as np
import pytest
from word_table import WordTable

from rnnlm.errors import DataError, UsageError
from rnnlm.evaluation import sample
from rnnlm.models import CacheLM, ElmanLM, MixtureLM
from rnnlm.ops import use
from rnnlm.ops.reference.softmax import draw
from rnnlm.text import Encoding, Vocabulary, tokenizer

WORDS = ["</s>", "a", "b", "c", "<unk>"]
NEAR_ONE = np.nextafter(1.0, 0.0)
HOW = {
    "plain": {},
    "coldest": {"temperature": 0},
    "cold": {"temperature": 1e-30},
    "hot": {"temperature": 1e30},
    "top_k": {"top_k": 5},
    "top_k of many": {"top_k": 10**9},
    "top_p": {"top_p": 1.0},
    "tiny top_p": {"top_p": 1e-300},
    "unknown": {"unknown": True},
    "all": {"temperature": 2.0, "top_k": 4, "top_p": 0.99},
}


class Table(WordTable):
    """A `WordTable` of the words of these tests, if no others are given."""

    def __init__(self, table, words=WORDS):
        super().__init__(table, words)


class OneSentence(Table):
    """As `Table`, but after the first sentence no word is possible. The state counts words."""

    def next(self, x, state):
        logp, _ = super().next(x, state)
        is_over = (state[0][:, 0] > 0) & (x == 0)
        return np.where(is_over[:, None], -np.inf, logp), (state[0] + 1,)


SPARSE = [[0, 0.5, 0.5, 0, 0], [0, 0, 1, 0, 0], [0.5, 0.5, 0, 0, 0], [1, 0, 0, 0, 0], [1, 0, 0, 0, 0]]
DEAD_END = [[0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [1, 0, 0, 0, 0]]  # nothing after b
ONLY_UNK = [[0, 1, 0, 0, 0], [0, 0, 0, 0, 1], [1, 0, 0, 0, 0], [1, 0, 0, 0, 0], [1, 0, 0, 0, 0]]  # <unk> after a


# Words of probability 0


@pytest.mark.parametrize("how", HOW.values(), ids=HOW)
def test_no_word_of_probability_zero_is_drawn(how):
    lm = Table(SPARSE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for drawn in sample(lm, "", 30, count=40, seed=1, burn_in=False, **how):
            ids = np.append(0, lm.vocabulary.encode(drawn.words))
            assert (lm.table[ids[:-1], ids[1:]] > 0).all()
            np.testing.assert_allclose(drawn.logprobs, np.log(lm.table[ids[:-1], ids[1:]]))


def variants(table):
    alone = Table(table)
    return {
        "table": alone,
        "linear": MixtureLM([alone, Table(table)], [0.5, 0.5]),
        "geometric": MixtureLM([alone, Table(SPARSE)], [0.5, 0.5], "geometric"),
    }


@pytest.mark.parametrize(("kind", "how"), [*product(("table", "linear", "geometric"), HOW)])
def test_a_history_without_a_possible_word_is_named(kind, how):
    lm = variants(DEAD_END)[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(
            DataError, match=r"^after the history '</s> a b' no word has a probability above 0, so none"
        ):
            sample(lm, "", 9, count=3, seed=1, burn_in=False, **HOW[how])
        with pytest.raises(DataError, match=r"^after the history '</s> b' no word"):
            sample(lm, "b", seed=1, **HOW[how])


def test_burn_in_and_a_long_history():
    with pytest.raises(DataError, match=r"after the history '</s> a b' no word"):
        sample(Table(DEAD_END), seed=1, burn_in=True)
    with pytest.raises(DataError, match=r"after the history '… c </s> a </s> c </s> a b' no word"):
        sample(Table(DEAD_END), "a\nc\nc\na\nc\na b", 3)


def test_a_text_that_has_ended_does_not_need_a_next_word():
    """Texts of different lengths are drawn side by side, and no word is possible in a second sentence."""
    drawn = sample(OneSentence(SPARSE), "", count=50, seed=3, burn_in=False)
    assert {s.words[-1] for s in drawn} == {"</s>"}
    assert len({len(s.words) for s in drawn}) > 3
    with pytest.raises(DataError, match=r"</s>' no word has"):
        sample(OneSentence(SPARSE), "", 100, count=50, seed=3, burn_in=False)


def test_only_unk_is_possible():
    for how in ({}, {"temperature": 0}, {"top_k": 2}):
        with pytest.raises(DataError, match=r"'</s> a' no word but <unk>, which is drawn only with unknown=True, has"):
            sample(Table(ONLY_UNK), "", 3, seed=1, burn_in=False, **how)
    assert sample(Table(ONLY_UNK), "a", 1, unknown=True).words == ("<unk>",)


@pytest.mark.parametrize("how", HOW.values(), ids=HOW)
def test_numbers_that_are_none_are_not_drawn_from(how):
    broken = Table(SPARSE)
    broken.table[1, 2] = np.nan
    with pytest.raises(DataError, match="after the history '</s> a' no word"):
        sample(broken, "a", 3, seed=1, **how)
    lm = ElmanLM(Vocabulary(WORDS, [1] * 5), hidden=4, classes=2)
    lm.params["output.W"].value[...] = np.nan
    with pytest.raises(DataError, match="after the history '</s>' no word"):
        sample(lm, "", 3, seed=1, burn_in=False, **how)


@pytest.mark.parametrize("u", [0.0, 0.5, NEAR_ONE])
def test_draws_at_the_ends_of_the_distribution(u):
    logp = np.log(np.array([[1e-300, 1, 3, 1e-300]])) + np.array([[-np.inf, 0, 0, -np.inf]])
    for total in (0.0, -700.0, 300.0):  # far from normalised, so that u · total is rounded
        ids, values = draw(logp + total, np.array([u]))
        assert ids.tolist() == [1 if u == 0 else 2]
        np.testing.assert_array_equal(values, logp[0, ids] + total)
    many = np.full((1, 100_001), np.log(1e-5))
    many[0, -1] = -np.inf
    assert draw(many, np.array([NEAR_ONE]))[0].tolist() == [99_999]


def test_draws_from_nothing_have_no_probability():
    rows = np.array([[-np.inf, -np.inf], [np.nan, 0.0], [-1.0, np.nan], [-1.0, -np.inf]])
    ids, logp = draw(rows, np.full(4, 0.5))
    np.testing.assert_array_equal(logp, [np.nan, np.nan, np.nan, -1.0])
    assert ids[3] == 0


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("u", [0.0, NEAR_ONE])
def test_backends_draw_no_word_without_probability(backend, u):
    """The biases of the outer words exclude them; the sum of many equal shares is where rounding shows."""
    V, before = 20_001, use()
    ops = use(backend)
    try:
        h, W, b = np.zeros((3, 2), np.float32), np.zeros((V, 2), np.float32), np.zeros(V, np.float32)
        b[[0, 1, -2, -1]] = -np.inf
        ids, logp = ops.softmax_draw(h, np.full(3, u), W, b)
        assert ids.tolist() == [2 if u == 0 else V - 3] * 3
        np.testing.assert_allclose(logp, -np.log(V - 4), rtol=1e-3)
    finally:
        use("numba" if type(before).__name__ == "NumbaBackend" else "numpy")


# Prompts


def network(name="words", words=WORDS):
    return ElmanLM(Encoding(name, Vocabulary(words, [1] * len(words))), hidden=3, classes=0, seed=2)


def warned(lm, prompt, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        drawn = sample(lm, prompt, 4, seed=1, **options)
    assert all(one.filename == __file__ for one in caught)  # the line that called
    return drawn, [str(one.message) for one in caught]


def test_words_that_are_read_as_unk():
    drawn, messages = warned(network(), "a zebra b yak zebra")
    assert messages == [
        "3 of the prompt's 5 words are not in the vocabulary: 'zebra', 'yak'. The model reads <unk> instead."
    ]
    assert drawn.prompt == ("a", "zebra", "b", "yak", "zebra")
    assert drawn.words == warned(network(), "a <unk> b <unk> <unk>")[0].words
    assert warned(network(), "a <unk> b </s>")[1] == []


@pytest.mark.parametrize("make", [network, lambda words: CacheLM(network(words=words))], ids=["network", "cache"])
def test_words_that_are_left_out(make):
    lm = make(words=WORDS[:-1])
    drawn, messages = warned(lm, "a zebra b")
    assert messages == [
        "1 of the prompt's 3 words is not in the vocabulary: 'zebra'. The model goes on as if they were not there, "
        "since the vocabulary has no <unk>."
    ]
    assert drawn.prompt == ("a", "zebra", "b")
    assert drawn.logprobs == warned(lm, "a b")[0].logprobs
    drawn, (message,) = warned(lm, "<unk> yak")
    assert message.startswith("2 of the prompt's 2 words are not in the vocabulary: '<unk>', 'yak'. Nothing is left: ")
    assert drawn.logprobs == warned(lm, "")[0].logprobs


@pytest.mark.parametrize(
    ("name", "words", "prompt", "expected"),
    [
        ("chars", ["</s>", "a", "b"], "azQ\n", "2 of the prompt's 4 characters are not in the vocabulary: 'z', 'Q'"),
        ("chars", ["</s>", "a", "b"], " ", "1 of the prompt's 1 characters is not in the vocabulary: ' '. Nothing is"),
        ("chars", ["</s>", "a", "<unk>"], "aé", "1 of the prompt's 2 characters is not in the vocabulary: 'é'. The"),
        ("bytes", ["</s>", "a", "b"], "aé", r"2 of the prompt's 3 bytes are not in the vocabulary: 'Ã', '©'"),
        ("prose", ["</s>", "a", "b"], "a, b", "1 of the prompt's 3 words is not in the vocabulary: ','"),
        ("words", WORDS, " \t ", "the prompt ' \\t ' holds no word, so nothing is read: the text begins"),
        ("prose", WORDS, "  ", "the prompt '  ' holds no word"),
        ("words", WORDS, " ".join(f"w{i}" for i in range(99)), "99 of the prompt's 99 words are .* 'w7' and 91 more"),
    ],
)
def test_every_tokenizer_names_what_is_unknown(name, words, prompt, expected):
    _, (message,) = warned(network(name, words), prompt)
    assert "\n" not in message
    if ".*" in expected:
        beginning, end = expected.split(".*")
        assert message.startswith(beginning)
        assert end in message
    else:
        assert expected in message


def test_an_own_tokenizer_has_tokens(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(
        "import rnnlm\n\n\nclass Pairs(rnnlm.Tokenizer):\n"
        "    def tokens(self, line):\n        return [line[i:i + 2] for i in range(0, len(line), 2)]\n\n"
        "    def join(self, tokens):\n        return ''.join(tokens)\n"
    )
    lm = ElmanLM(Encoding.of(tokenizer(f"{path}:Pairs"), Vocabulary(["</s>", "ab"], [1, 1])), hidden=3, classes=0)
    assert warned(lm, "abzz")[1][0].startswith("1 of the prompt's 2 tokens is not in the vocabulary: 'zz'. The model")


def test_no_prompt_has_nothing_to_warn_of():
    assert warned(network(), "")[1] == []


# Odd values


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"length": 0}, "length=0 is too small"),
        ({"length": -3}, "length=-3 is too small"),
        ({"length": 2.5}, "length=2.5 is not a whole number"),
        ({"length": True}, "length=True is not a whole number"),
        ({"length": 10**9}, "length=1000000000: up to 1,000,000,000 words would be drawn, and the most"),
        ({"count": 10**9}, "count=1000000000: up to 100,000,000,000 words"),
        ({"length": 10**5, "count": 10**4}, "length=100000, count=10000: up to 1,000,000,000 words"),
        ({"count": 0}, "count=0 is too small"),
        *(({"temperature": t}, f"temperature={t} is ") for t in (-1.0, float("nan"), float("inf"), float("-inf"))),
        *(({"top_k": k}, f"top_k={k} is too small") for k in (0, -1)),
        *(({"top_p": p}, f"top_p={p} is not possible") for p in (0.0, 1.1, -0.5, float("nan"))),
        ({"seed": -1}, "seed=-1 is too small"),
    ],
)
def test_odd_values_are_refused(options, reason):
    with pytest.raises(UsageError, match=reason):
        sample(network(), "a", **options)


def test_a_huge_seed_is_a_seed():
    assert sample(network(), "a", 9, seed=10**40) == sample(network(), "a", 9, seed=10**40)
