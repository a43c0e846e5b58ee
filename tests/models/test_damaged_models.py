"""Model files with a correct checksum and a content that no writer of ours writes: one line, whatever reads them."""

from __future__ import annotations

import json
import os
import tracemalloc
from functools import partial

import numpy as np
import pytest
from altered import altered, array, config, element, entry, packed, text, without
from safetensors.numpy import save_file
from test_contract import cached, mixed, ngrams, recurrent

from rnnlm import checksums, storage, stored
from rnnlm.cli import run
from rnnlm.errors import DataError
from rnnlm.models import ContinuousCacheLM, ConvNet, FeedForward, MixtureLM, load
from rnnlm.models.files import load_any

BIG = 10**9
MAKE = {
    "elman": partial(recurrent, "elman", classes=4),
    "jordan": partial(recurrent, "jordan", classes=0, layers=2),
    "bengio": partial(recurrent, "bengio", classes=0, order=3),
    "convolution": partial(recurrent, "convolution", classes=0, kernel=2),
    "ngram": ngrams,
    "cache": lambda: cached(recurrent("elman")),
    "continuous-cache": lambda: ContinuousCacheLM(recurrent("elman"), size=7),
    "mixture": lambda: mixed("linear", 0.3, 0.7),
    "feedforward": lambda: FeedForward((4,), ["a", "b"], layers=(3,), standardize="each"),
    "convnet": lambda: ConvNet((6, 6, 1), ["a", "b"], blocks=["conv 3 3", "batch", "layer", "affine 5"]),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for kind, make in MAKE.items():
        make().save(folder / f"{kind}.rnnlm")
    return folder


LOG = [{"kind": "epoch", "epoch": 1, "updates": 3, "train_nll": 2.0, "valid_nll": None, "learning_rate": 0.1}]
LOG[0] |= {"best": True, "restored": False, "stop": ""}
NAN, INF = float("nan"), float("inf")
OF_EVERY_KIND = [  # what can be wrong in any file, and what is said
    (entry("kind", "transformer"), "'transformer'"),
    (entry("kind", ["elman"]), "the entry kind is .* It must be a text"),
    (without("kind"), "the entry kind is missing"),
    (without("config"), "the entry config is missing"),
    (entry("config", [1]), "the entry config is"),
    (config(nonsense=1), "the entry config.nonsense is not known"),
    (entry("more", 1), "the entry more is not known"),
    (array("more", np.zeros(2)), "the array more is not known"),
    (without("log"), "the array log is missing"),
    (packed("log", {}), "the array log is"),
    (packed("log", [1]), "entry 0 of the training log is 1"),
    (packed("log", [{"kind": 1}]), "entry 0 of the training log"),
    (packed("log", [LOG[0] | {"best": 1}]), "best in entry 0 of the training log is 1"),
    (packed("log", [LOG[0] | {"epoch": True}]), "epoch in entry 0 of the training log is true"),
    (packed("log", [LOG[0] | {"train_nll": NAN}]), "train_nll in entry 0 of the training log is NaN"),
    (
        packed("log", [LOG[0] | {"learning_rate": 10**400}]),
        "learning_rate in entry 0 of the training log is a whole number of",
    ),
    (packed("log", [LOG[0] | {"epoch": 1 << 63}]), "epoch in entry 0 of the training log is a whole number of 64 bits"),
    (packed("log", [{"kind": "run", "optimizer": ["sgd"]}]), "optimizer in entry 0"),
    (packed("log", [{"kind": "run", "data.train": "0", "text": "t"}]), "has data.train and no data.train_tokens"),
    (packed("log", [{"kind": "run", "notes": "n"}]), "notes in entry 0"),
    (text("log", b"["), "the array log is not JSON"),
    (text("log", b"[" * 100_000 + b"]" * 100_000), "the array log is nested too deeply"),
    (text("log", b'[{"kind": "run", "kind": "run"}]'), "comes twice"),
    (text("log", b"\xff"), "the array log is not JSON"),
]
OF_WORDS = [  # of every model of words
    (entry("tokenizer", 3), "the entry tokenizer is 3"),
    (entry("tokenizer", "nonsense"), "tokenizer 'nonsense' is not known"),
    (packed("vocabulary.words", [1] * 30), "vocabulary.words must be a list of words"),
    (packed("vocabulary.words", ["</s>", "a", "a", *map(str, range(27))]), "'a' comes twice"),
    (packed("vocabulary.words", [*map(str, range(30))]), "the first word of a vocabulary must be </s>"),
    (packed("vocabulary.words", ["</s>"]), "vocabulary.counts has the shape"),
    (packed("vocabulary.words", "text"), "vocabulary.words must be a list of words"),
    (array("vocabulary.words", np.zeros(3)), "vocabulary.words holds float64"),
    (element("vocabulary.counts", 3, -1), "vocabulary.counts holds -1"),
    (array("vocabulary.counts", lambda a: a.astype(np.float64)), "vocabulary.counts holds float64"),
    (packed("tokenizer.learned", {"a": 1}), "learns nothing|how to take its state back"),
]
OF_A_KIND = {
    "elman": [
        (config(hidden=BIG), "weights of the shape"),
        (config(hidden=9), r"weights of the shape \(30, 9\)"),
        (config(hidden=8.0), "the entry config.hidden is 8.0. It must be a whole number"),
        (config(hidden=True), "the entry config.hidden is true"),
        (config(hidden=[8]), "the entry config.hidden is"),
        (config(hidden=0), "config.hidden: hidden=0 is too small"),
        (config(hidden=10**400), "weights of the shape"),
        (config(layers=1_000_000), "weights of the shape"),
        (config(layers=10**40), "weights of the shape"),
        (config(dropout=1.5), "config.dropout: dropout=1.5"),
        (config(dropout=NAN), "NaN is no finite number"),
        (config(activation="nonsense"), "config.activation: activation='nonsense'"),
        (config(dtype="float32"), "weights of the shape .* in float32"),
        (config(dtype="float16"), "config.dtype"),
        (config(independent=0), "the entry config.independent is 0"),
        (element("output.W", (2, 3), NAN), "the array output.W holds a number that is not finite"),
        (element("recurrent.0.b", 1, INF), "the array recurrent.0.b holds a number that is not finite"),
        (element("embedding.W", (0, 0), -INF), "the array embedding.W holds a number that is not finite"),
        *(
            (array("output.W", lambda a, dtype=dtype: a.astype(dtype)), "weights of the shape")
            for dtype in (bool, np.int64, np.float32)
        ),
        (array("output.W", lambda a: a[:-1]), "weights of the shape"),
        (array("output.b", lambda a: a[:, None]), "weights of the shape"),
        (without("recurrent.0.W"), "weights of the shape"),
        (array("class_start", [0, 5, 10, 20, 29]), "class_start must rise from 0 to 30"),
        (array("class_start", [0, 5, 10, 20, 31]), "class_start must rise from 0 to 30"),
        (array("class_start", [0, 5, 5, 20, 30]), "class_start must rise"),
        (array("class_start", [1, 5, 10, 20, 30]), "class_start must rise"),
        (array("class_start", [0, 5, -10, 20, 30]), "class_start must rise"),
        (array("class_start", np.zeros(0, np.int64)), "class_start must rise"),
        (array("class_start", [0.0, 5, 10, 20, 30]), "class_start holds float64"),
        (array("class_start", [[0, 30]]), "class_start has the shape"),
        (array("class_start", [0, 30, 10**15, 30]), "class_start must rise"),
    ],
    "jordan": [
        (config(layers=BIG), "weights of the shape"),
        (config(feedback="embedding"), "the array recurrent.U is not known"),
    ],
    "bengio": [
        (config(order=BIG), "weights of the shape"),
        (config(layers=BIG), "weights of the shape"),
        (config(embedding=BIG), "weights of the shape"),
    ],
    "convolution": [(config(kernel=10**8), "weights of the shape"), (config(layers=BIG), "weights of the shape")],
    "ngram": [
        (config(order=BIG), "config.order is 1000000000, but the table has 3"),
        (config(dtype="float32"), "config.dtype is float32"),
        (config(smoothing="nonsense"), "config.smoothing"),
        (config(prune=["a"]), "the entry config.prune"),
        (array("ngram.levels", lambda a: a[:-1]), "ngram.words has the shape"),
        (element("ngram.levels", 1, 29), "ngram.levels is .* 30"),
        (element("ngram.levels", 2, BIG), "ngram.levels is"),
        (element("ngram.levels", -1, 2**60), "ngram.words has the shape"),
        (array("ngram.levels", np.zeros(0, np.int64)), "ngram.levels is"),
        (array("ngram.levels", [0, 30]), "ngram.words has the shape"),
        (element("ngram.first", 0, -1), "ngram.first does not lead"),
        (element("ngram.first", 5, -7), "ngram.first falls"),
        (element("ngram.first", 5, 10**8), "ngram.first falls"),
        (element("ngram.first", -1, 10**8), "ngram.first does not lead"),
        (array("ngram.first", lambda a: a.astype(np.int64)), "ngram.first holds int64"),
        (array("ngram.first", lambda a: a[:-1]), "ngram.first has the shape"),
        (element("ngram.words", 3, 4), "ngram.words must begin with the numbers 0 to 29"),
        (element("ngram.words", 40, 30), "which is no word"),
        (element("ngram.words", -1, -1), "which is no word"),
        (array("ngram.words", lambda a: np.concatenate([a[:30], a[30:][::-1]])), "ngram.words is not sorted"),
        (element("ngram.logp", 100, 0.1), "ngram.logp holds a number above 0 or NaN"),
        (element("ngram.logp", 100, NAN), "ngram.logp holds a number above 0 or NaN"),
        (element("ngram.backoff", 10, INF), "ngram.backoff holds infinity or NaN"),
        (element("ngram.backoff", 10, NAN), "ngram.backoff holds infinity or NaN"),
        (array("ngram.logp", lambda a: a.astype(np.int64)), "ngram.logp holds int64"),
        (without("ngram.backoff"), "ngram.backoff is missing"),
    ],
    "cache": [
        (config(window=10**8), "window=100000000 is not possible"),
        (config(strengths=[]), "strengths="),
        (config(strengths=[1.0, True]), "the entry config.strengths"),
        (config(strengths="1"), "the entry config.strengths"),
        (config(decay=INF), "no finite number"),
        (entry("model", 3), "the entry model is 3"),
        (without("model"), "the entry model is missing"),
        (entry("model.config.hidden", BIG), "weights of the shape"),
        (entry("model.nonsense", 1), "the entry model.nonsense is not known"),
        (packed("vocabulary.words", ["</s>", *(f"v{i}" for i in range(29))]), "does not fit the model that it is on"),
        (element("model.recurrent.0.b", 1, NAN), "the array model.recurrent.0.b holds"),
    ],
    "continuous-cache": [
        (config(size=10**8), "size=100000000 is not possible"),
        (config(share=1.0), "share=1.0"),
    ],
    "mixture": [
        (config(weights=[0.3, 0.8]), "weights of a linear mixture sum to 1.1"),
        (config(weights=[1.0]), "2 models and 1 weights"),
        (config(weights=["a", "b"]), "config.weights"),
        (config(weights=5), "config.weights"),
        (config(mix="nonsense"), "config.mix"),
        (entry("members", []), "at least one model"),
        (entry("members", [1]), "the entry members is"),
        (entry("members", {}), "the entry members is"),
        (entry("members", [{"path": "/dev/zero", "sha256": "", "vocabulary": ""}]), "not an ordinary file"),
        (entry("members", [{"path": "nothing", "sha256": "", "vocabulary": ""}]), "does not exist"),
        (entry("members", [{"path": "\0", "sha256": "", "vocabulary": ""}]), "does not exist"),
        (entry("members", [{"path": 1}]), "members.0.path is 1"),
    ],
    "feedforward": [
        (config(layers=[BIG]), "weights of the shape"),
        (config(layers=[1] * 100_000), "weights of the shape"),
        (config(layers=[0]), "a layer of 0 units"),
        (config(layers=["3"]), "the entry config.layers"),
        (config(layers=3), "the entry config.layers"),
        (entry("shape", [10**6] * 3), "weights of the shape"),
        (entry("shape", []), "shape="),
        (entry("shape", [-4]), "the entry shape"),
        (entry("labels", ["a", "a"]), "the label 'a' stands for two classes"),
        (entry("labels", ["a", 1]), "the entry labels"),
        (entry("labels", [str(i) for i in range(200_000)]), "weights of the shape"),
        (element("standardize.scale", 0, 0), "standardize.scale holds 0.0"),
        (array("network.2.W", lambda a: a.astype(np.int64)), "weights of the shape"),
    ],
    "convnet": [
        (config(blocks=["conv 3 3", "pool 1000000000"]), "a window of 1000000000 rows does not fit"),
        (config(blocks=[f"conv {BIG} 3"]), "weights of the shape"),
        (config(blocks=["nonsense"]), "block 'nonsense' is not known"),
        (config(blocks="conv 3 3"), "the entry config.blocks"),
        (entry("shape", [10**6, 10**6, 1]), "weights of the shape"),
        (element("network.3.variance", 0, -1), "network.3.variance holds -1.0"),
    ],
}
CASES = [
    (kind, *case)
    for kind in MAKE
    for case in [*OF_EVERY_KIND, *(OF_WORDS if kind not in ("feedforward", "convnet") else []), *OF_A_KIND[kind]]
]


@pytest.mark.parametrize(("kind", "alteration", "said"), CASES, ids=[f"{kind} {said}" for kind, _, said in CASES])
def test_an_altered_file_is_refused(files, tmp_path, kind, alteration, said):
    path = altered(files / f"{kind}.rnnlm", tmp_path / "m.rnnlm", "model", alteration)
    with pytest.raises(DataError, match=rf"m\.rnnlm .*{said}") as caught:
        load_any(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("kind", MAKE)
def test_the_files_are_good_before(files, tmp_path, kind):
    path = altered(files / f"{kind}.rnnlm", tmp_path / "m.rnnlm", "model", lambda header, arrays: None)
    assert load_any(path).kind == kind


@pytest.mark.parametrize(
    ("kind", "alteration"),
    [
        ("elman", config(layers=10**9)),
        ("elman", config(hidden=10**8)),
        ("cache", config(window=10**8)),
        ("bengio", config(order=10**9)),
        ("convnet", entry("shape", [10**5, 10**5, 3])),
        ("feedforward", config(layers=[10**9, 10**9])),
    ],
    ids=["layers", "hidden", "window", "order", "shape", "sizes"],
)
def test_nothing_is_allocated_for_what_a_header_claims(files, tmp_path, kind, alteration):
    path = altered(files / f"{kind}.rnnlm", tmp_path / "m.rnnlm", "model", alteration)
    tracemalloc.start()
    with pytest.raises(DataError):
        load_any(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 5_000_000


@pytest.mark.parametrize(("depth", "said"), [(20, "is missing"), (200, "deeply"), (10_000, "deeply")])
def test_models_within_models(files, tmp_path, depth, said):
    """The arrays of the outer ones are missing; a header of 10,000 levels is not even read."""
    header, arrays = storage.read(files / "elman.rnnlm", "model")
    content = (
        '{"kind": "cache", "config": {}, "tokenizer": "words", "model": ' * depth + json.dumps(header) + "}" * depth
    )
    about = {"kind": "model", "format": 1, "header": content}
    about["sha256"] = checksums.sha256(f"model\n1\n{content}\n", arrays)
    save_file(arrays, tmp_path / "m.rnnlm", {"rnnlm": json.dumps(about)})
    with pytest.raises(DataError, match=said):
        load(tmp_path / "m.rnnlm")


def test_a_cache_on_a_cache_on_a_cache(tmp_path):
    lm = recurrent("elman")
    for _ in range(40):
        lm = cached(lm)
    lm.save(tmp_path / "m.rnnlm")
    with pytest.raises(DataError, match="more than 32 deep"):
        load(tmp_path / "m.rnnlm")


def test_mixtures_that_name_one_file_again_and_again(tmp_path, monkeypatch):
    """Each names the one before it twice, so a chain of 40 would be 2**40 models; this one is 30 files."""
    path = tmp_path / "0.rnnlm"
    recurrent("elman").save(path)
    for number in range(1, 5):
        lm = load(path)
        mixture = MixtureLM([lm, lm], [0.5, 0.5], files=[path, path])
        path = tmp_path / f"{number}.rnnlm"
        mixture.save(path)
    monkeypatch.setattr(stored, "MOST_FILES", 30)
    assert load(path).kind == "mixture"
    monkeypatch.setattr(stored, "MOST_FILES", 29)
    with pytest.raises(DataError, match="more than 29 other files"):
        load(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="not an ordinary file"):
        load(tmp_path / "pipe")


@pytest.mark.parametrize("kind", MAKE)
def test_info_says_it_in_one_line_too(files, tmp_path, kind, capsys):
    path = altered(files / f"{kind}.rnnlm", tmp_path / "m.rnnlm", "model", packed("log", [{"kind": "epoch"}]))
    load_any(path)  # a log that says too little is no reason not to use the model
    assert run(["info", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("rnnlm: error: ")
    assert "of the kind epoch, has no epoch" in err
    assert err.count("\n") == 1
