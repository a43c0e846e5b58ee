"""Mixtures, their weights and averages, against grids, enumeration and arithmetic by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from rnnlm import load, storage
from rnnlm.errors import DataError, UsageError
from rnnlm.evaluation import Stream, fit_geometric, fit_linear, greedy_path, mixture, score, stream_perplexity
from rnnlm.evaluation.mixing import nonnegative
from rnnlm.models import ElmanLM, LanguageModel, MikolovLM, MixtureLM, average
from rnnlm.text import Corpus, Encoding, Vocabulary, as_encoding

FIVE = Vocabulary(["</s>", "a", "b", "c", "d"], [9, 5, 4, 3, 2])


def stream(p, name="some", **changes) -> Stream:
    """A stream that gives the words of a text of one word after the other these probabilities."""
    with np.errstate(divide="ignore"):
        logp = np.log(np.asarray(p, dtype=np.float64))
    one = Stream(np.ones(len(logp), np.int32), logp, name, "t.txt", "", FIVE, "left out", len(logp))
    return replace(one, **changes)


def streams(n, members, seed=0):
    rng = np.random.default_rng(seed)
    return [stream(rng.beta(0.5, 2, n), f"m{i}") for i in range(members)]


def mean_log(some, weights):
    with np.errstate(divide="ignore"):
        return np.log(sum(w * np.exp(s.logp) for s, w in zip(some, weights, strict=True))).mean()


class Table(LanguageModel):
    """P of the next word depends on the last one alone: a row of a table."""

    kind = "table"

    def __init__(self, table, vocabulary=FIVE):
        with np.errstate(divide="ignore"):
            self.logp = np.log(np.asarray(table, dtype=np.float64))
        self.encoding, self.config, self.log = as_encoding(vocabulary), {}, []

    def start(self, batch=1):
        return ()

    def score(self, x, y, state, keep=None):
        return np.where(y < 0, 0.0, self.logp[x, np.maximum(y, 0)]), ()

    def next(self, x, state):
        return self.logp[x], ()


def tables(count, seed=1):
    return [Table(t) for t in np.random.default_rng(seed).dirichlet(np.full(5, 0.7), (count, 5))]


def elman(vocabulary=FIVE, kind=ElmanLM, **config):
    lm = kind(vocabulary, **{"hidden": 4, "classes": 0, **config})
    rng = np.random.default_rng(config.get("seed", 1))
    for param in lm.params.values():
        param.value += rng.normal(0, 0.5, param.value.shape).astype(param.value.dtype)
    return lm


def text(n=300, seed=5):
    ids = np.random.default_rng(seed).integers(0, 5, n).astype(np.int32)
    ids[-1] = 0
    return Corpus(ids, FIVE)


def test_weights_against_a_grid_and_the_root_of_the_derivative():
    a, b = streams(400, 2)
    w = fit_linear([a, b])
    grid = np.linspace(0, 1, 2001)
    best = grid[np.argmax([mean_log([a, b], (g, 1 - g)) for g in grid])]
    assert 0.1 < w[0] < 0.9
    assert w[0] == pytest.approx(best, abs=1 / 2000)
    low, high = 0.0, 1.0
    p, q = np.exp(a.logp), np.exp(b.logp)
    for _ in range(60):
        middle = (low + high) / 2
        if ((p - q) / (middle * p + (1 - middle) * q)).mean() > 0:
            low = middle
        else:
            high = middle
    assert w[0] == pytest.approx(low, abs=1e-9)
    assert w.sum() == pytest.approx(1, abs=1e-12)


def test_the_start_makes_no_difference():
    some = streams(500, 4)
    starts = [[0.97, 0.01, 0.01, 0.01], [0, 0, 0, 1], [0, 0.5, 0, 0.5], None]
    fitted = [fit_linear(some, start) for start in starts]
    for w in fitted[:-1]:
        np.testing.assert_allclose(w, fitted[-1], atol=1e-7)
    p = np.exp([s.logp for s in some])
    gain = (p / (fitted[0] @ p)).mean(1)
    assert gain.max() <= 1 + 1e-11
    np.testing.assert_allclose(gain[fitted[0] > 0], 1, atol=1e-9)


def test_a_useless_member_gets_exactly_nothing():
    a, b = streams(300, 2)
    worse = stream(np.exp(a.logp) * 0.9)
    w = fit_linear([worse, a, b])
    assert w[0] == 0
    np.testing.assert_allclose(w[1:], fit_linear([a, b]), atol=1e-8)
    np.testing.assert_array_equal(fit_linear([a, stream(np.exp(a.logp) / 2)]), [1, 0])


def test_twins_share_and_a_single_member_has_all():
    a, b = streams(300, 2)
    np.testing.assert_allclose(fit_linear([a, a]), [0.5, 0.5])
    w = fit_linear([a, b, a])
    assert w[0] + w[2] == pytest.approx(fit_linear([a, b])[0], abs=1e-8)
    np.testing.assert_array_equal(fit_linear([a]), [1])


def test_probabilities_of_zero_and_of_nearly_zero():
    a, b = stream([0.5, 0, 0.5, 0, 0.5]), stream([0, 0.25, 0, 0, 0.1])
    w = fit_linear([a, b])  # the fourth token is impossible whatever the weights are
    grid = np.linspace(0.001, 0.999, 999)
    value = [3 * math.log(g) - math.log(g) + math.log(1 - g) + math.log(0.5 * g + 0.1 * (1 - g)) for g in grid]
    assert w[0] == pytest.approx(grid[np.argmax(value)], abs=1e-3)
    mixed = mixture([a, b], w)
    assert mixed.logp[3] == -np.inf
    assert np.isfinite(np.delete(mixed.logp, 3)).all()
    tiny = [
        stream([0.1, 0.1], logp=np.array([-2000.0, -1000.0])),
        stream([0.1, 0.1], logp=np.array([-1000.0, -2000.0])),
    ]
    np.testing.assert_allclose(fit_linear(tiny), 0.5)
    np.testing.assert_allclose(mixture(tiny, [0.5, 0.5]).logp, -1000 - math.log(2))


def test_what_one_model_excludes_another_may_know():
    a, b = stream([0.5, 0.2, 0.0]), stream([0.1, 0.4, 0.3])
    grid = np.linspace(0.001, 0.999, 999)
    best = grid[np.argmax([mean_log([a, b], [w, 1 - w]) for w in grid])]
    for start in (None, [1, 0], [0, 1]):
        assert fit_linear([a, b], start)[0] == pytest.approx(best, abs=1e-3)
    path = greedy_path([a, b])
    assert [step.added for step in path] == [1, 0]
    assert path[1].weights[0] == pytest.approx(best, abs=1e-3)
    never = stream([0.0, 0.0, 0.0])
    steps = greedy_path([never, a, never])
    assert steps[-1].weights.tolist() == [0, 1, 0]
    assert steps[0].added == 1


def test_nothing_to_fit_to():
    for p in ([0, 0], [np.nan, np.nan]):
        with pytest.raises(DataError, match=r"no model gives any token of t\.txt a probability"):
            fit_linear([stream(p), stream(p)])


def test_mixture_of_streams():
    a, b = streams(50, 2)
    a = replace(a, logp=np.where(np.arange(50) == 7, np.nan, a.logp))
    b = replace(b, logp=np.where(np.arange(50) == 7, np.nan, b.logp), rank=np.ones(50))
    mixed = mixture([a, b], [0.3, 0.7])
    np.testing.assert_allclose(np.exp(mixed.logp), 0.3 * np.exp(a.logp) + 0.7 * np.exp(b.logp), rtol=1e-12)
    assert np.isnan(mixed.logp[7])
    assert (mixed.rank, mixed.model) == (None, "mixture")
    np.testing.assert_array_equal(mixture([a, b], [0, 1]).logp, b.logp)
    with pytest.raises(DataError, match="token 3 differs"):
        mixture([a, replace(b, ids=np.where(np.arange(50) == 2, 2, b.ids))], [0.5, 0.5])


def test_quadratic_maximum_under_signs():
    rng = np.random.default_rng(2)
    for _ in range(50):
        half = rng.normal(size=(6, 4))
        A, b = half.T @ half, rng.normal(size=4)
        v = nonnegative(A, b)
        slope = b - A @ v
        assert v.min() >= 0
        assert slope.max() < 1e-9
        np.testing.assert_allclose(slope[v > 0], 0, atol=1e-9)


def test_greedy_path_by_hand():
    """x is best alone; y is second, but says what x says; z is worst, but knows what x does not."""
    x, y, z = ([0.9, 0.9, 0.1, 0.1], [0.85, 0.85, 0.1, 0.1], [0.01, 0.01, 0.6, 0.6])
    path = greedy_path([stream(p) for p in (z, y, x)])
    assert [step.added for step in path] == [2, 0, 1]
    np.testing.assert_array_equal(path[0].weights, [0, 0, 1])
    assert path[0].nll == pytest.approx(-np.log(x).mean(), rel=1e-12)
    grid = np.linspace(0, 1, 10_001)
    value = [np.log(g * np.array(x) + (1 - g) * np.array(z)).mean() for g in grid]
    assert path[1].nll == pytest.approx(-max(value), abs=1e-7)
    assert path[1].weights[2] == pytest.approx(grid[np.argmax(value)], abs=1e-4)
    assert path[2].weights[1] == 0
    assert path[2].nll == pytest.approx(path[1].nll, abs=1e-11)


@pytest.mark.parametrize("weights", [(0.5, 0.5, 0.5), (1.7, 0.0, 0.4), (0.2, 3.0, 0.0)])
def test_geometric_mixture_by_enumeration(weights):
    some = tables(3)
    lm = MixtureLM(some, weights, "geometric")
    for x in range(5):
        product = np.prod([np.exp(m.logp[x]) ** w for m, w in zip(some, weights, strict=True)], 0)
        logp, _ = lm.next(np.array([x]), lm.start(1))
        np.testing.assert_allclose(np.exp(logp[0]), product / product.sum(), rtol=1e-12)
        y = np.arange(5)[None]
        scored, _ = lm.score(np.full((1, 5), x), y, lm.start(5))
        np.testing.assert_allclose(scored[0], logp[0], rtol=1e-12)


def test_geometric_mixture_excludes_what_a_member_excludes():
    tight, wide = Table([[0.5, 0.5, 0, 0, 0]] * 5), Table([[0.1, 0.2, 0.3, 0.2, 0.2]] * 5)
    logp = MixtureLM([tight, wide], [1.0, 1.0], "geometric").next(np.array([1]), ())[0][0]
    np.testing.assert_allclose(np.exp(logp), [1 / 3, 2 / 3, 0, 0, 0], rtol=1e-12)
    logp = MixtureLM([tight, wide], [0.0, 2.0], "geometric").next(np.array([1]), ())[0][0]
    np.testing.assert_allclose(np.exp(logp), np.array([1, 4, 9, 4, 4]) / 22, rtol=1e-12)
    none = MixtureLM([tight, Table([[0, 0, 0.2, 0.3, 0.5]] * 5)], [1.0, 1.0], "geometric").next(np.array([1]), ())[0]
    assert np.isneginf(none).all()


def test_geometric_fit_against_a_grid():
    some, corpus = tables(2, seed=3), text()
    # a text drawn from P_1^0.6 P_2^0.8 / Z, so that neither exponent is 0 nor the sum 1
    true = MixtureLM(some, [0.6, 0.8], "geometric")
    rng, x, ids = np.random.default_rng(1), np.zeros(1, int), []
    for _ in range(1500):
        x = true.draw(x, (), rng)[0]
        ids.append(x[0])
    corpus = Corpus(np.array(ids, np.int32), FIVE)
    heard = []
    found = fit_geometric(some, corpus, tell=heard.append)
    x, y = np.array([0, *ids[:-1]]), np.array(ids)

    def value(a, b):
        total = a * some[0].logp + b * some[1].logp
        return (total - np.log(np.exp(total).sum(1, keepdims=True)))[x, y].mean()

    axis = np.linspace(-0.01, 0.01, 21)
    around = [(value(found[0] + i, found[1] + j), i, j) for i in axis for j in axis]
    best = max(around)
    assert abs(best[1]) < 1e-3
    assert abs(best[2]) < 1e-3
    assert value(*found) > max(value(a, b) for a in np.arange(0, 2, 0.1) for b in np.arange(0, 2, 0.1))
    np.testing.assert_allclose(found, [0.6, 0.8], atol=0.15)
    assert heard[-1] == pytest.approx(-value(*found), abs=1e-6)
    assert heard == sorted(heard, reverse=True)
    scored = score(MixtureLM(some, found, "geometric"), corpus)
    assert stream_perplexity(scored).nll == pytest.approx(-value(*found), rel=1e-10)


def test_geometric_fit_at_the_border():
    """The opposite of the truth gets 0; so does a model that excludes a word of the text; all such, and none fits."""
    p = np.array([[0.4, 0.3, 0.15, 0.1, 0.05]] * 5)
    ids = np.random.default_rng(1).choice(5, 500, p=p[0]).astype(np.int32)
    corpus, some = Corpus(ids, FIVE), Table([[0.5, 0.5, 0, 0, 0]] * 5)
    found = fit_geometric([Table(p), Table(p[:, ::-1]), some], corpus)
    assert found[0] > 0.5
    np.testing.assert_array_equal(found[1:], 0)
    with pytest.raises(DataError, match="every model gives some word of text the probability 0"):
        fit_geometric([some], corpus)


def test_geometric_fit_keeps_the_last_bit_of_weight_of_a_model_that_excludes_words():
    first = np.full((5, 5), 0.2)
    second = np.array([0.3, 0.1, 0.3, 0.3, 0.0])  # never d, and otherwise worse than even odds
    ids = np.array([1, 1, 1, 2, 3, 0] * 20, dtype=np.int32)
    corpus = Corpus(ids, FIVE)
    models = [Table(first), Table(np.tile(second, (5, 1)))]
    weights = fit_geometric(models, corpus)
    nll = -score(MixtureLM(models, weights, "geometric"), corpus).logp.mean()
    assert weights[1] > 0
    assert nll == pytest.approx(math.log(4), abs=1e-6)  # even odds over the four words that are left


def test_geometric_fit_without_unknown_words():
    vocabulary = Vocabulary(["</s>", "a", "b", "c", "<unk>"], [9, 5, 4, 3, 2])
    some = [Table(np.exp(m.logp), vocabulary) for m in tables(2)]
    ids = text().ids
    wise = fit_geometric(some, Corpus(ids, vocabulary), skip_unknown=True)
    x, y = np.array([0, *ids[:-1]]), ids

    def value(at):
        total = sum(w * m.logp for w, m in zip(at, some, strict=True))
        return (total - np.log(np.exp(total).sum(1, keepdims=True)))[x, y][y != 4].mean()

    for i in range(2):
        for change in (-0.01, 0.01):
            assert value(wise + change * np.eye(2)[i]) < value(wise) or wise[i] == 0
    with pytest.raises(DataError, match="no token of text has a probability"):
        fit_geometric(some, Corpus(np.full(3, 4, np.int32), vocabulary), skip_unknown=True)


@pytest.mark.parametrize("mix", ["linear", "geometric"])
@pytest.mark.parametrize("independent", [False, True])
def test_a_weight_of_one_is_that_model_bit_for_bit(mix, independent):
    lm, corpus = elman(independent=independent, classes=2), text()
    mixed = MixtureLM([elman(seed=3), lm], [0.0, 1.0], mix)
    np.testing.assert_array_equal(score(mixed, corpus, streams=3).logp, score(lm, corpus, streams=3).logp)
    x, y = corpus.ids[:40].reshape(20, 2), corpus.ids[1:41].reshape(20, 2)
    keep = (x != 0) | (not independent)
    for one, two in (
        (mixed.score(x, y, mixed.start(2)), lm.score(x, y, lm.start(2), keep)),
        (mixed.distributions(x, mixed.start(2)), lm.distributions(x, lm.start(2), keep)),
        (mixed.next(x[0], mixed.start(2)), lm.next(x[0], lm.start(2))),
    ):
        assert one[0].dtype == two[0].dtype
        np.testing.assert_array_equal(one[0], two[0])
        np.testing.assert_array_equal(one[1][0], two[1][0])
    assert mixed.units_per_token == lm.units_per_token


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_mixture_is_the_mixture_of_the_streams(dtype):
    some, corpus = [elman(seed=s, dtype=dtype, layers=s) for s in (1, 2)], text()
    nested = MixtureLM([MixtureLM(some, [0.25, 0.75]), elman(seed=3, dtype=dtype)], [0.4, 0.6])
    flat = MixtureLM([*some, elman(seed=3, dtype=dtype)], [0.1, 0.3, 0.6])
    parts = mixture([score(m, corpus) for m in flat.members], [0.1, 0.3, 0.6])
    for lm in (nested, flat):
        np.testing.assert_allclose(score(lm, corpus).logp, parts.logp, rtol=1e-6 if dtype == "float32" else 1e-12)
        assert (len(lm.start(2)), lm.start(2)[0].shape) == (4, (2, 4))
    assert flat.perplexity(corpus).nll == pytest.approx(stream_perplexity(parts).nll, rel=1e-6)


@pytest.mark.parametrize("mix", ["linear", "geometric"])
def test_only_independent_members_start_anew_at_sentence_ends(mix):
    some = [elman(seed=1, independent=True, dtype="float64"), elman(seed=2, dtype="float64")]
    lm, corpus = MixtureLM(some, [0.5, 0.5], mix), text()
    found = score(lm, corpus, streams=2)
    if mix == "linear":
        expected = mixture([score(m, corpus, streams=2) for m in some], [0.5, 0.5])
        np.testing.assert_allclose(found.logp, expected.logp, rtol=1e-12)
    state, x, one_by_one = lm.start(1), 0, []
    for y in corpus.ids[:50]:
        logp, state = lm.next(np.array([x]), state)
        one_by_one.append(logp[0, y])
        x = y
    np.testing.assert_allclose(one_by_one, found.logp[:50], rtol=1e-10)
    np.testing.assert_allclose(score(lm, corpus, distribution=True).logp[:50], one_by_one, rtol=1e-10)
    np.testing.assert_allclose(score(lm, corpus, independent=True).logp, score_alone(lm, corpus), rtol=1e-12)


def score_alone(lm, corpus):
    """All members start anew: every sentence scored by itself."""
    ends = np.flatnonzero(corpus.ids == 0) + 1
    return np.concatenate([score(lm, Corpus(part, FIVE)).logp for part in np.split(corpus.ids, ends)[:-1]])


@pytest.mark.parametrize("mix", ["linear", "geometric"])
def test_embedded_members_come_back(tmp_path, mix):
    inner = MixtureLM([elman(seed=1), elman(seed=2, kind=MikolovLM, classes=2)], [0.25, 0.75])
    lm = MixtureLM([inner, elman(seed=3)], [0.5, 0.5], mix)
    lm.members[1].log.append({"kind": "epoch", "epoch": 1})
    lm.save(tmp_path / "mix.rnnlm")
    again = load(tmp_path / "mix.rnnlm")
    assert isinstance(again, MixtureLM)
    assert again.config == {"mix": mix, "weights": [0.5, 0.5]}
    assert again.members[1].log == lm.members[1].log
    np.testing.assert_array_equal(score(again, text()).logp, score(lm, text()).logp)
    assert again.facts()["members"][0]["members"][1]["weight"] == 0.75


def test_members_by_reference_move_with_the_folder_and_must_not_change(tmp_path):
    (tmp_path / "here" / "parts").mkdir(parents=True)
    paths = [tmp_path / "here" / "parts" / f"{i}.rnnlm" for i in (1, 2)]
    for seed, path in enumerate(paths, 1):
        elman(seed=seed).save(path)
    lm = MixtureLM([load(path) for path in paths], [0.5, 0.5], files=paths)
    lm.save(tmp_path / "here" / "mix.rnnlm")
    (tmp_path / "here").rename(tmp_path / "there")
    there = tmp_path / "there" / "mix.rnnlm"
    again = load(there)
    np.testing.assert_array_equal(score(again, text()).logp, score(lm, text()).logp)
    again.save(tmp_path / "up.rnnlm")  # another folder, another relative path
    np.testing.assert_array_equal(score(load(tmp_path / "up.rnnlm"), text()).logp, score(lm, text()).logp)
    second = tmp_path / "there" / "parts" / "2.rnnlm"
    elman(seed=9).save(second)
    with pytest.raises(
        DataError,
        match=r"mix\.rnnlm cannot be used as a model: its member .*2\.rnnlm has changed.*Build the mixture again",
    ):
        load(there)
    second.unlink()
    with pytest.raises(
        DataError, match=r"mix\.rnnlm cannot be used as a model: its member .*2\.rnnlm does not exist\. Put it back"
    ):
        load(there)


def test_inside_of_another_model_no_member_is_a_reference(tmp_path):
    (tmp_path / "here").mkdir()
    paths = [tmp_path / "here" / f"{i}.rnnlm" for i in (1, 2)]
    for seed, path in enumerate(paths, 1):
        elman(seed=seed).save(path)
    MixtureLM([load(path) for path in paths], [0.5, 0.5], files=paths).save(tmp_path / "here" / "mix.rnnlm")
    inner = load(tmp_path / "here" / "mix.rnnlm")
    expected = score(inner, text()).logp
    MixtureLM([inner], [1.0]).save(tmp_path / "outer.rnnlm")
    storage.write(tmp_path / "copy.rnnlm", "model", *inner.to_arrays())
    (tmp_path / "here").rename(tmp_path / "there")
    for name in ("outer.rnnlm", "copy.rnnlm"):
        np.testing.assert_array_equal(score(load(tmp_path / name), text()).logp, expected)


@pytest.mark.parametrize(
    ("weights", "mix", "message"),
    [
        ([0.5, 0.6], "linear", r"sum to 1\.1\. Give weights with the sum 1"),
        ([1.5, -0.5], "linear", r"weight -0\.5 is not possible.*>= 0"),
        ([np.nan, 1], "geometric", "weight nan is not possible"),
        ([0, 0], "geometric", "all weights are 0"),
        ([1.0], "linear", "there are 2 models and 1 weights"),
        ([0.5, 0.5], "cubic", "mix='cubic' is not known. Give one of linear, geometric"),
    ],
)
def test_weights_that_are_refused(weights, mix, message):
    with pytest.raises(UsageError, match=message):
        MixtureLM(tables(2), weights, mix)


def test_members_that_are_refused():
    with pytest.raises(UsageError, match="at least one model"):
        MixtureLM([], [])
    other = Vocabulary(["</s>", "a", "c", "b", "d"], [9, 5, 4, 3, 2])
    with pytest.raises(DataError, match=r"member 1 \(elman\) and member 2 \(elman\).*word 2 .* 'b' against 'c'"):
        MixtureLM([elman(), elman(other)], [0.5, 0.5])
    with pytest.raises(DataError, match="cut by different rules, words against chars"):
        MixtureLM([elman(), elman(Encoding("chars", FIVE))], [0.5, 0.5])


def test_a_sum_within_rounding_becomes_one():
    lm = MixtureLM(tables(2), [0.5, 0.5 + 5e-7])
    assert np.exp(lm.next(np.array([0]), ())[0]).sum() == pytest.approx(1, abs=1e-14)
    assert lm.config["weights"] == [0.5, 0.5 + 5e-7]


def test_average_is_the_mean_of_every_weight():
    some = [elman(seed=s, kind=MikolovLM, classes=2) for s in (1, 2, 3)]
    some[-1].log.append({"kind": "epoch", "epoch": 3})
    mean = average(some)
    for name, param in mean.params.items():
        values = [lm.params[name].value.astype(np.float64) for lm in some]
        np.testing.assert_allclose(param.value, sum(values) / 3, rtol=1e-6, atol=1e-8)
        assert param.value.dtype == np.float32
        assert not np.array_equal(values[0], values[1])
    assert mean.log == some[-1].log
    same = average([some[0], some[0]])
    np.testing.assert_array_equal(score(same, text()).logp, score(some[0], text()).logp)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: elman(kind=MikolovLM), "kind is 'elman' in one and 'rnnlm' in the other"),
        (lambda: elman(hidden=5), "hidden is 4 in one and 5 in the other"),
        (
            lambda: elman(Vocabulary(["</s>", "a", "c", "b", "d"], [9, 5, 4, 3, 2])),
            "word 2 of their vocabularies differs, 'b' against 'c'",
        ),
        (lambda: elman(Encoding("chars", FIVE)), "their texts were cut by different rules, words against chars"),
    ],
)
def test_models_that_cannot_be_averaged(other, message):
    with pytest.raises(DataError, match=f"models 1 and 2 cannot be averaged: {message}"):
        average([elman(), other()])


def test_average_of_other_classes_or_no_weights():
    one = elman(classes=2)
    with pytest.raises(DataError, match=r"built in other ways \(2 classes, 2 classes\), which class_start tells"):
        average([one, elman(Vocabulary(FIVE.words, [900, 5, 4, 3, 2]), classes=2)])
    with pytest.raises(UsageError, match="no model to average"):
        average([])
    with pytest.raises(UsageError, match="model 2 is of the kind table"):
        average([one, tables(1)[0]])
