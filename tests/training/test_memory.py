"""Out of memory: what a run needs is counted from shapes, and said with what lowers it."""

from __future__ import annotations

import pytest
from small_text import SMALL, TEXT

import rnnlm
from rnnlm.cli import run as command
from rnnlm.errors import OutOfMemory
from rnnlm.models import MODELS, FeedForward
from rnnlm.text import Corpus
from rnnlm.training import OPTIMIZERS, Settings, memory
from rnnlm.training.run import Run

pytestmark = pytest.mark.usefixtures("plain")


def fails(error):
    def fail(*_, **__):
        raise error

    return fail


def corpus():
    return Corpus.from_text(TEXT)


def small(kind="rnnlm", **config):
    return MODELS[kind](corpus().vocabulary, hidden=5, classes=4, **config)


def test_what_a_run_needs_is_counted_from_shapes():
    model = small("rnnlm")  # 24 words, 5 hidden units, 4 classes
    V, H, C, size = len(model.vocabulary), 5, 4, 4
    largest = int(model.output.classes.sizes.max())
    words = V * H + H * H + H + C * H + C + V * H + V
    needs = memory.of_training(model, OPTIMIZERS["adam"], block=7, horizon=None, streams=3)
    found = {need.what: need.bytes for need in needs}
    assert found["weights"] == found["gradients"] == words * size
    assert found["the optimizer's memory"] == (2 * words + V + H + H + C + C + V + V) * size  # and a count for each row
    assert found["tapes of a window"] == 7 * 3 * 2 * (H + H + H) * size
    assert found["its output layer"] == 7 * 3 * (C + largest) * size
    tokens = 100_000 // (C + largest)
    assert memory.of_scoring(model, 1)[1].bytes == tokens * (2 * 3 * H + C + largest) * size
    empty = memory.of_training(model, OPTIMIZERS["sgd"], block=7, horizon=20, streams=3)
    assert [need.bytes for need in empty][2:4] == [0, 27 * 3 * 2 * 3 * H * size]
    full = MODELS["elman"](corpus().vocabulary, hidden=5, classes=0)
    assert memory.of_training(full, OPTIMIZERS["sgd"], block=7, horizon=7, streams=3)[-1][1:] == (
        7 * 3 * V * size,
        "`classes` instead of the full softmax, fewer `streams`, a shorter `block`",
    )
    network = FeedForward((4,), ["a", "b"], layers=[3, 5])
    assert memory.of_classifier(network, OPTIMIZERS["sgd"], batch=6)[-1].bytes == 2 * 6 * (4 + 2 * (3 + 5) + 2) * size
    images = rnnlm.ConvNet((6, 6, 2), ["a", "b"], blocks=["conv 3 3"])
    patches, filtered = 4 * 4 * 9 * 2, 2 * 4 * 4 * 3
    assert images.units_per_input == patches + filtered + 4 * 4 * 3 + 2  # flat, and the last layer


def test_out_of_memory_says_what_was_needed(cupy, text, monkeypatch):
    run = Run(Settings.of(**SMALL, text=text, device="gpu"))
    monkeypatch.setattr(run.model, "forward", fails(cupy.cuda.memory.OutOfMemoryError("Out of memory allocating")))
    with pytest.raises(OutOfMemory) as caught:
        run.fit()
    assert str(caught.value) == (
        "not enough memory on Stand-in (gpu, 150 GB). It takes about 0.1 MB: weights 0.1 MB, gradients 0.1 MB, the "
        "optimizer's memory 0.1 MB, tapes of a window 0.1 MB, its output layer 0.1 MB. What lowers the largest part: "
        "fewer `streams`, a shorter `block`, fewer `hidden` units."
    )
    assert isinstance(caught.value, MemoryError)


def test_out_of_memory_on_the_way_to_the_gpu_and_while_scoring(cupy, text, tmp_path, monkeypatch, capsys):
    error = cupy.cuda.memory.OutOfMemoryError("Out of memory allocating 7 bytes")
    model = small()
    model.save(tmp_path / "m.rnnlm")
    with monkeypatch.context() as patch:
        patch.setattr(OPTIMIZERS["adagrad"], "__init__", fails(error))
        assert command(["train", str(text), "--device", "gpu", "-o", str(tmp_path / "n.rnnlm")]) == 1
    assert "rnnlm: error: not enough memory on Stand-in (gpu, 150 GB). It takes about" in capsys.readouterr().err
    monkeypatch.setattr(type(model), "score", fails(error))
    for name in ("ppl", "score"):
        more = ["--quick"] if name == "score" else []
        assert command([name, str(tmp_path / "m.rnnlm"), str(text), "--device", "gpu", *more]) == 1
        said = capsys.readouterr()
        assert said.err.endswith("a window 1.5 MB. What lowers the largest part: fewer --streams.\n")
        assert said.out == ""
    for raised, said in (
        (error, ": Out of memory allocating 7 bytes"),
        (MemoryError("Full."), ": Full"),
        (MemoryError(), ""),
    ):
        monkeypatch.setattr(type(model), "draw", fails(raised))
        assert command(["sample", str(tmp_path / "m.rnnlm"), "--device", "gpu"]) == 1
        assert capsys.readouterr().err.startswith(f"rnnlm: error: not enough memory{said}. Close other")


def test_cuda_and_its_libraries_have_words_of_their_own_for_it(cupy, text, monkeypatch, tmp_path, capsys):
    failed = cupy.cuda.runtime.CUDARuntimeError
    run = Run(Settings.of(text=text, device="gpu", **SMALL))
    for words in ("cudaErrorMemoryAllocation: out of memory", "CUBLAS_STATUS_ALLOC_FAILED"):
        monkeypatch.setattr(run.model, "forward", fails(failed(words)))
        with pytest.raises(OutOfMemory, match="not enough memory on Stand-in"):
            run.fit()
    monkeypatch.setattr(run.model, "forward", fails(failed("cudaErrorIllegalAddress: an illegal address")))
    with pytest.raises(failed, match="illegal"):
        run.fit()
    monkeypatch.setattr(MODELS["rnnlm"], "forward", fails(failed("cudaErrorIllegalAddress: an illegal\naddress")))
    arguments = ["--device", "gpu", "--hidden", "5", "--streams", "3", "-o", str(tmp_path / "m.rnnlm")]
    assert command(["train", str(text), *arguments]) == 1
    said = capsys.readouterr().err
    assert "the GPU failed: CUDARuntimeError: cudaErrorIllegalAddress: an illegal address. See what" in said
    assert "Traceback" not in said
