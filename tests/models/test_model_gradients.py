"""Whole models through the trainer's own truncated back-propagation, against the reference's definition of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import autograd.numpy as anp
import numpy as np
import pytest
from gradient_checks import PAIRS, agree, gradients, randomize, values

from rnnlm.checks.formulas import context
from rnnlm.checks.formulas import recurrent as ref
from rnnlm.models import ConvolutionLM, ElmanLM, FeedForwardLM, JordanLM, MikolovLM
from rnnlm.ops import ops_for
from rnnlm.outputs import Softmax
from rnnlm.text.corpus import Corpus
from rnnlm.text.vocabulary import Vocabulary
from rnnlm.text.windows import windows
from rnnlm.training import SGD, Optimizer, Trainer
from rnnlm.training.events import Update

# A window of nothing but padding has no gradient, and autograd remarks on it.
pytestmark = pytest.mark.filterwarnings("ignore:Output seems independent")

H, SEED, DROPOUT, INPUT_DROPOUT = 4, 5, 0.4, 0.3
VOCABULARY = Vocabulary(["</s>", "a", "b", "c", "d", "e"], [12, 30, 9, 5, 3, 2])


class Case(NamedTuple):
    kind: type
    options: dict[str, Any]
    step: Callable[[Any], Any]  # all parameters -> the reference's step


def elman_step(activation, layers):
    return lambda p: ref.stack(ref.part(p, "recurrent."), activation, layers)


def jordan_step(feedback, readout, layers):
    def step(p):
        own = ref.part(p, "recurrent.")
        return ref.jordan(
            {
                "U": p[feedback],
                "R": p[f"output.{readout}W"],
                "r": p[f"output.{readout}b"],
                **{name: own[name] for name in own if name != "U"},
            },
            "tanh",
            layers,
        )

    return step


def feedforward_step(layers, direct=False, activation="tanh"):
    return lambda p: context.feedforward(ref.part(p, "recurrent."), activation, layers, direct)


def convolution_step(layers, activation="gated", residual=True):
    return lambda p: context.convolution(ref.part(p, "recurrent."), activation, layers, residual)


DEEP = {"layers": 3, "dropout": DROPOUT, "input_dropout": INPUT_DROPOUT}
CASES = {
    "elman": Case(ElmanLM, {"classes": 0}, elman_step("tanh", 1)),
    "elman, classes": Case(ElmanLM, {"classes": 3, "class_by": "frequency"}, elman_step("tanh", 1)),
    "elman, 3 layers, dropout": Case(ElmanLM, {"classes": 0, **DEEP}, elman_step("tanh", 3)),
    "elman, sentences": Case(ElmanLM, {"classes": 3, "independent": True, **DEEP}, elman_step("tanh", 3)),
    "jordan": Case(JordanLM, {"classes": 0}, jordan_step("recurrent.U", "", 1)),
    "jordan, classes": Case(JordanLM, {"classes": 3}, jordan_step("recurrent.U", "class_", 1)),
    "jordan, embedding": Case(
        JordanLM, {"classes": 0, "feedback": "embedding", **DEEP}, jordan_step("embedding.W", "", 3)
    ),
    "jordan, sentences": Case(
        JordanLM, {"classes": 3, "independent": True, **DEEP}, jordan_step("recurrent.U", "class_", 3)
    ),
    "mikolov": Case(MikolovLM, {"classes": 0}, elman_step("logistic", 1)),
    "mikolov, classes": Case(MikolovLM, {"classes": 3}, elman_step("logistic", 1)),
    "mikolov, sentences": Case(MikolovLM, {"classes": 4, "independent": True}, elman_step("logistic", 1)),
    "bengio": Case(FeedForwardLM, {"classes": 0}, feedforward_step(1)),
    "bengio, bigrams": Case(FeedForwardLM, {"classes": 3, "order": 2, "direct": True}, feedforward_step(1, True)),
    "bengio, direct, 3 layers, dropout": Case(
        FeedForwardLM, {"classes": 3, "order": 4, "embedding": 3, "direct": True, **DEEP}, feedforward_step(3, True)
    ),
    "bengio, sentences": Case(
        FeedForwardLM, {"classes": 0, "order": 6, "embedding": 5, "independent": True, **DEEP}, feedforward_step(3)
    ),
    "convolution": Case(ConvolutionLM, {"classes": 0, "layers": 2}, convolution_step(2)),
    "convolution, tanh": Case(
        ConvolutionLM,
        {"classes": 3, "kernel": 5, "activation": "tanh", "residual": False, "layers": 1},
        convolution_step(1, "tanh", False),
    ),
    "convolution, dropout": Case(ConvolutionLM, {"classes": 3, "embedding": 3, **DEEP}, convolution_step(3)),
    "convolution, sentences": Case(
        ConvolutionLM,
        {"classes": 0, "kernel": 2, "activation": "elu", "independent": True, **DEEP},
        convolution_step(3, "elu"),
    ),
}


class Recorder(Optimizer):
    """Keeps the gradient of every update and changes nothing."""

    def __init__(self, params):
        super().__init__(params, 1.0)
        self.record = []

    def step(self):
        self.record.append(gradients(self.params))
        super().step()

    def update(self, param, rows, slots):
        pass


def make(case):
    model = case.kind(VOCABULARY, hidden=H, seed=1, dtype="float64", **case.options)
    randomize(model.params, 2)
    return model


def reference_output(model, p):
    own = ref.part(p, "output.")
    if isinstance(model.output, Softmax):
        return lambda h, target: ref.softmax_nll(h, target, own["W"], own["b"])
    start = model.output.classes.start.tolist()
    weights = [own[name] for name in ("class_W", "class_b", "W", "b")]
    return lambda h, target: ref.class_softmax_nll(h, target, *weights, start)


class Text:
    """A text of random words, sentence ends and unknown words in B streams, and the reference's losses on it."""

    def __init__(self, case, model, tokens, B, block):
        rng = np.random.default_rng(3)
        ids = rng.choice(np.arange(-1, 6), tokens, p=[0.1, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1]).astype(np.int32)
        ids[4:6] = 0  # two sentence ends in a row: an empty sentence
        self.corpus = Corpus(ids, VOCABULARY)
        self.case, self.model = case, model
        independent = model.config["independent"]
        cut = list(windows(ids, B, block, independent=independent))
        self.x, self.y = (np.concatenate([window[i] for window in cut]) for i in (0, 1))
        self.keep = np.concatenate([window[2] for window in cut]) if independent else None
        self.input_mask = self.mask(0, INPUT_DROPOUT, cut) if case.options.get("input_dropout") else None
        jordan = case.kind is JordanLM
        numbers = range(1, 2 if jordan else 1 + case.options["layers"]) if case.options.get("dropout") else ()
        self.masks = [self.mask(number, DROPOUT, cut, last=number == numbers[-1]) for number in numbers]

    def mask(self, number, rate, cut, last=False):
        size = self.model.output_size if last else H if number else self.model.embedding_size
        ops = ops_for(self.model.embedding.params["W"].value)
        return np.concatenate(
            [
                ops.dropout_mask((*x.shape, size), rate, (SEED * 64 + number, update), np.float64)
                for update, (x, _, _) in enumerate(cut)
            ]
        )

    def run(self, p, state, begin, end):
        """The reference's losses from step `begin` to step `end`."""
        here = slice(begin, end)
        return ref.language_model(
            self.case.step(p),
            reference_output(self.model, p),
            p["embedding.W"],
            self.x[here],
            self.y[here],
            state,
            None if self.keep is None else self.keep[here],
            None if self.input_mask is None else self.input_mask[here],
            [mask[here] for mask in self.masks],
        )


def check(case, block, horizon, tokens, B):
    """The gradients of all updates of one epoch; a horizon of None is to reach to the beginning of the text."""
    model = make(case)
    text = Text(case, model, tokens, B, block)
    recorder = Recorder(model.params)
    Trainer(model, recorder, block=block, horizon=horizon, streams=B, epochs=1, seed=SEED, clip=None).fit(text.corpus)
    # The mean of a full block: every token weighs the same in every update, padding or not.
    weight = 1 / (B * block)
    steps = len(text.x)
    expected = ref.truncated_bptt(
        text.run, values(model.params), model.start(B), steps, block, horizon or steps, weight
    )
    agree(recorder.record, expected, "update")


@pytest.mark.parametrize(("block", "horizon"), PAIRS)
@pytest.mark.parametrize("name", CASES)
def test_every_update_of_an_epoch(name, block, horizon):
    blocks = {1: 4, 4: 3, 3: 4, 2: 6, 10: 2}[block]
    check(CASES[name], block, horizon, tokens=2 * blocks * block - 1, B=2)  # - 1: the last target is padding


@pytest.mark.parametrize("B", [1, 3])
@pytest.mark.parametrize("name", CASES)
def test_one_stream_and_three_with_a_short_last_block(name, B):
    check(CASES[name], 3, 7, tokens=B * 10 - (B > 1), B=B)


@pytest.mark.parametrize("name", CASES)
def test_the_horizon_is_kept_in_a_short_last_block(name):
    check(CASES[name], 10, 13, tokens=22, B=1)


@pytest.mark.parametrize("block", [1, 3, 10])
@pytest.mark.parametrize("name", [name for name in CASES if name.startswith(("bengio", "convolution"))])
def test_no_gradient_of_a_finite_memory_is_cut(name, block):
    check(CASES[name], block, None, tokens=39, B=2)


@pytest.mark.parametrize("name", CASES)
def test_score_outside_training_is_the_reference_without_masks(name):
    case = CASES[name]
    model = make(case)
    text = Text(case, model, 16, 2, 8)
    text.input_mask, text.masks = None, []
    logp, state = model.score(text.x, text.y, model.start(2), text.keep)
    nll, expected = text.run(values(model.params), model.start(2), 0, 8)
    agree(-logp, nll)
    agree(state, expected)


@pytest.mark.parametrize("name", ["elman, sentences", "jordan, embedding", "mikolov, classes"])
def test_three_updates_in_a_row(name):
    """Forward, backward, clip, update: the state of a window comes from the weights before its update."""
    case, (block, B, rate, limit) = CASES[name], (4, 2, 0.5, 0.1)
    model = make(case)
    text = Text(case, model, 24, B, block)
    p, state, norms = values(model.params), model.start(B), []
    for begin in range(0, 12, block):

        def newest(p, state, first, last, begin=begin):
            return text.run(p, state, begin + first, begin + last)

        (g,) = ref.truncated_bptt(newest, p, state, block, block, block, 1 / (B * block))
        state = newest(p, state, 0, block)[1]
        norms.append(sum((array**2).sum() for array in g.values()) ** 0.5)
        p = {name: p[name] - rate * min(1, limit / norms[-1]) * g[name] for name in p}
    events = []
    optimizer = SGD(model.params, rate)
    settings = {"block": block, "streams": B, "epochs": 1, "seed": SEED, "clip": limit, "observers": [events.append]}
    Trainer(model, optimizer, **settings).fit(text.corpus)
    agree(values(model.params), p)
    np.testing.assert_allclose([event.norm for event in events if isinstance(event, Update)], norms, rtol=1e-7)
    assert min(norms) > limit


def test_only_the_rows_that_were_visited_are_touched():
    model = make(CASES["mikolov, classes"])
    x, y = np.array([[1], [3], [2], [3], [-1]]), np.array([[3], [2], [3], [-1], [4]])
    _, _, tape = model.forward(x, y, model.start(1))
    model.backward(tape, 1.0, stop=1)  # the 1 of step 0 lies before it
    table = model.params["embedding.W"]
    assert table.rows.tolist() == [2, 3] == np.flatnonzero(table.grad.any(1)).tolist()
    table.zero()
    assert table.rows.tolist() == []
    assert not table.grad.any()


def test_autograd_itself_against_finite_differences():
    """Central differences of the reference, one number at a time: the judge is judged."""
    case = CASES["jordan, embedding"]
    model = make(case)
    text = Text(case, model, 9, 2, 5)
    p, state = values(model.params), model.start(2)

    def loss(p):
        return float(anp.sum(text.run(p, state, 0, 5)[0])) / 10

    (expected,) = ref.truncated_bptt(text.run, p, state, 5, 5, 5, 1 / 10)
    step = 1e-5
    for name, array in p.items():
        for place in np.ndindex(array.shape):
            value = array[place]
            array[place] = value + step
            above = loss(p)
            array[place] = value - step
            slope = (above - loss(p)) / (2 * step)
            array[place] = value
            np.testing.assert_allclose(slope, expected[name][place], rtol=1e-5, atol=1e-9, err_msg=f"{name}{place}")
