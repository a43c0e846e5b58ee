"""Models, runs and commands on another device, and what is said where there is none; the GPU is a stand-in."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from small_text import SMALL, TEXT
from stand_in import DeviceArray

import rnnlm
from rnnlm import ops
from rnnlm.checks.cases import own
from rnnlm.cli import run as command
from rnnlm.errors import UsageError
from rnnlm.models import MODELS, CustomLM, FeedForward, JordanLM, average, load_any, load_together
from rnnlm.ops.device import CPU, Device, device, device_of, put, use
from rnnlm.text import Corpus
from rnnlm.training import Settings
from rnnlm.training.classifier_run import ClassifierRun
from rnnlm.training.classifier_settings import ClassifierSettings
from rnnlm.training.events import Update
from rnnlm.training.run import Run
from rnnlm.training.runs import Runs, repeated

GPU = Device("gpu")
pytestmark = pytest.mark.usefixtures("plain")


@pytest.fixture
def no_cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)


def weights(model):
    return {name: put(param.value, CPU).copy() for name, param in model.params.items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def corpus():
    return Corpus.from_text(TEXT)


def small(kind="rnnlm", **config):
    return MODELS[kind](corpus().vocabulary, hidden=5, classes=4, **config)


# names and places


@pytest.mark.parametrize(
    ("name", "found"),
    [("cpu", CPU), ("gpu", GPU), ("gpu:0", GPU), ("gpu:1", Device("gpu", 1)), ("gpu:12", Device("gpu", 12))],
)
def test_names(name, found):
    assert device(name) == device(found) == found
    assert device(str(found)) == found


@pytest.mark.parametrize("name", ["", "tpu", "cuda", "GPU", "gpu:", "gpu:-1", "gpu:x", "cpu:0", "gpu 1"])
def test_other_names_are_refused(name):
    with pytest.raises(UsageError, match=r"is not known. Give one of cpu, gpu, or gpu:1"):
        device(name)


def test_arrays_there_and_back(cupy):
    here = np.arange(6, dtype=np.float64).reshape(2, 3)
    there = put(here, GPU)
    assert isinstance(there, DeviceArray)
    assert (device_of(here), device_of(there)) == (CPU, GPU)
    assert put(here, CPU) is here
    assert put(there, GPU) is there
    np.testing.assert_array_equal(put(there, CPU), here)
    assert use("gpu").description == "Stand-in (gpu, 150 GB)"
    assert use("cpu").description == "NumPy on 1 thread"


# models


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_moves_and_computes_there(cupy, kind):
    model, text = small(kind), corpus()
    before, here = weights(model), model.perplexity(text).nll
    assert model.to("gpu") is model
    assert all(isinstance(param.value, DeviceArray) for param in model.params.values())
    assert isinstance(model.start(2)[0], DeviceArray)
    assert model.perplexity(text).nll == pytest.approx(here, rel=1e-6)
    assert_same(weights(model), before)
    assert model.to("cpu").perplexity(text).nll == here


def test_running_statistics_move(cupy):
    model = rnnlm.ConvNet((6, 6, 1), ["a", "b"], blocks=["conv 2 3", "batch"], standardize="each")
    model.to("gpu")
    assert {"standardize.mean", "network.3.variance"} <= model.params.keys()
    assert all(isinstance(param.value, DeviceArray) for param in model.params.values())
    x = np.random.default_rng(1).normal(size=(3, 6, 6, 1)).astype(np.float32)
    there = model.outputs(x)
    np.testing.assert_allclose(there, model.to("cpu").outputs(x), rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*none of them occurs exactly once")
def test_models_on_others_move_with_them(cupy, tmp_path):
    text = corpus()
    ngram = rnnlm.NgramLM.train(text, order=2)
    network = small("elman")
    models = [
        rnnlm.CacheLM(network, strengths=[5.0, 3.0], decay=0.9),
        rnnlm.ContinuousCacheLM(network, size=7),
        rnnlm.MixtureLM([network, ngram], [0.3, 0.7]),
        rnnlm.MixtureLM([network, rnnlm.CacheLM(small("jordan"), decay=0.9)], [0.5, 0.5], "geometric"),
    ]
    for number, model in enumerate(models):
        path = tmp_path / f"{number}.rnnlm"
        model.save(path)
        here, drawn = model.perplexity(text).nll, model.sample(length=6, seed=1)
        there = rnnlm.load(path, device="gpu")
        assert isinstance(there.start(1)[-2 if number == 2 else -1], DeviceArray)  # of a mixture the n-grams' is last
        assert there.perplexity(text).nll == pytest.approx(here, rel=1e-6), model.kind
        assert there.sample(length=6, seed=1).words == drawn.words
        assert there.save(tmp_path / "again.rnnlm") is None
        assert (tmp_path / "again.rnnlm").read_bytes() == path.read_bytes()
    assert type(ngram.to("gpu").table.logp) is np.ndarray  # looked up on the host


def test_a_recurrence_of_ones_own_stays_on_the_host(cupy):
    model = CustomLM(corpus().vocabulary, hidden=4, recurrence=f"{own.__file__}:ELMAN")
    assert model.to("cpu") is model
    with pytest.raises(
        UsageError, match=r"ELMAN is a recurrence of your own: .* cannot move to gpu. Give device='cpu'"
    ):
        model.to("gpu")


def test_the_mean_lies_where_the_models_lie(cupy):
    one, other = small("elman", seed=1).to("gpu"), small("elman", seed=2).to("gpu")
    mean = average([one, other])
    assert all(isinstance(param.value, DeviceArray) for param in mean.params.values())
    for name, value in weights(mean).items():
        np.testing.assert_allclose(value, (weights(one)[name] + weights(other)[name]) / 2, rtol=1e-6)


def test_what_lies_elsewhere_is_refused_by_name(cupy):
    here, there = small("elman"), small("elman").to("gpu")
    x = np.zeros((2, 3), np.int32)
    says = r"the state is on the device cpu, and the model on gpu. Make the state on gpu, or .*model.to\(\"cpu\"\)"
    for use_it in (there.score, there.forward):
        with pytest.raises(UsageError, match=says):
            use_it(x, x, here.start(3))
    with pytest.raises(UsageError, match=says):
        there.next(x[0], here.start(3))
    with pytest.raises(UsageError, match="the state is on the device gpu, and the model on cpu"):
        here.score(x, x, there.start(3))
    classifier = FeedForward((4,), ["a", "b"], layers=[3])
    with pytest.raises(UsageError, match="the input is on the device gpu, and the model on cpu"):
        classifier.outputs(cupy.asarray(np.ones((2, 4), np.float32)))
    assert classifier.to("gpu").outputs(np.ones((2, 4), np.float32)).shape == (2, 2)  # the host's inputs are moved


def test_files_do_not_know_where_they_were_made(cupy, tmp_path):
    model = JordanLM(corpus().vocabulary, hidden=5, classes=0, feedback="embedding")
    model.save(tmp_path / "here.rnnlm")
    model.to("gpu").save(tmp_path / "there.rnnlm")
    assert (tmp_path / "here.rnnlm").read_bytes() == (tmp_path / "there.rnnlm").read_bytes()
    assert device_of(load_any(tmp_path / "there.rnnlm").params["embedding.W"].value) == CPU
    both = load_together([tmp_path / "here.rnnlm", tmp_path / "there.rnnlm"], device="gpu")
    assert [device_of(one.params["embedding.W"].value) for one in both] == [GPU, GPU]
    assert both[0].recurrent.U is both[0].embedding.params["W"]  # one table, still
    classifier = FeedForward((4,), ["a", "b"])
    classifier.save(tmp_path / "c.rnnlm")
    moved = rnnlm.load_classifier(tmp_path / "c.rnnlm", device="gpu")
    assert_same(weights(moved), weights(classifier))
    assert device_of(moved.params["network.2.W"].value) == GPU


# runs


def run_of(text, folder, on, resume=False, cut=None, **settings):
    """A run on a device, cut off after an update that a checkpoint has just been written of."""

    class Cut(BaseException):
        pass

    def watch(event):
        if cut and isinstance(event, Update):
            run.trainer.checkpoint.minutes = 1e-9 if event.updates == cut - 2 else None
            if event.updates == cut:
                raise Cut

    folder.mkdir(exist_ok=True)
    given = {**SMALL, "text": text, "output": folder / "m.rnnlm", "device": on, "resume": resume, **settings}
    run = Run(Settings.of(**given), observers=[watch])
    if cut:
        with pytest.raises(Cut):
            run.fit()
    return run


def test_the_same_seed_starts_from_the_same_weights(cupy, text, tmp_path):
    here, there = run_of(text, tmp_path / "a", "cpu"), run_of(text, tmp_path / "b", "gpu")
    assert_same(weights(here.model), weights(there.model))
    assert all(isinstance(param.value, DeviceArray) for param in there.model.params.values())
    memory = there.trainer.optimizer.state()[1]
    assert memory
    assert all(isinstance(array, DeviceArray) for array in memory.values())
    here.fit()
    there.fit()
    for name, value in weights(here.model).items():
        np.testing.assert_allclose(weights(there.model)[name], value, rtol=1e-4, atol=1e-6, err_msg=name)
    found = [entry["device"] for run in (here, there) for entry in run.model.log if entry["kind"] == "run"]
    assert found == ["cpu", "gpu"]
    assert_same(weights(rnnlm.load(tmp_path / "b" / "m.rnnlm")), weights(there.model))
    assert_same(weights(rnnlm.load(tmp_path / "a" / "m.rnnlm", device="gpu")), weights(here.model))


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "adam", "lr": 0.01},
        {"optimizer": "momentum", "horizon": 13, "layers": 2, "independent": True},
        {"model": "jordan", "classes": 0, "horizon": 8},
    ],
    ids=["adam", "momentum-horizon", "jordan"],
)
def test_cut_off_and_resumed_on_the_gpu(cupy, text, tmp_path, settings):
    whole = run_of(text, tmp_path / "whole", "gpu", **settings)
    whole.fit()
    run_of(text, tmp_path / "cut", "gpu", cut=27, **settings)
    resumed = run_of(text, tmp_path / "cut", "gpu", resume=True, **settings)
    assert (resumed.trainer.progress.updates, whole.trainer.progress.updates) == (25, 36)
    assert isinstance(resumed.trainer.progress.state[0], DeviceArray)
    resumed.fit()
    assert_same(weights(resumed.model), weights(whole.model))


def test_a_run_goes_on_where_it_began(cupy, text, tmp_path):
    run_of(text, tmp_path / "m", "gpu", cut=11)
    with pytest.raises(ValueError, match="was written by a run with device='gpu', this one has device='cpu'"):
        run_of(text, tmp_path / "m", "cpu", resume=True)
    assert Settings(device="gpu:1").record() == Settings(device="gpu").record()  # another GPU is as good


def test_a_record_from_before_there_were_devices(cupy, text, tmp_path, monkeypatch):
    record = Settings.record
    with monkeypatch.context() as patch:
        patch.setattr(Settings, "record", lambda self: {k: v for k, v in record(self).items() if k != "device"})
        run_of(text, tmp_path / "m", "cpu", cut=11)
    assert run_of(text, tmp_path / "m", "cpu", resume=True).resumed


def test_a_classifier_learns_there(cupy, tmp_path):
    rng = np.random.default_rng(1)
    rows = ["a,b,label", *(f"{x},{y},{'near' if x * x + y * y < 1 else 'far'}" for x, y in rng.normal(size=(80, 2)))]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    given = {"data": tmp_path / "t.csv", "layers": "6", "epochs": 3, "optimizer": "adam", "batch": 8}
    here, there = (ClassifierRun(ClassifierSettings.of(**given, device=on)) for on in ("cpu", "gpu"))
    assert_same(weights(here.model), weights(there.model))
    here.fit()
    there.fit()
    for name, value in weights(here.model).items():
        np.testing.assert_allclose(weights(there.model)[name], value, rtol=1e-3, atol=1e-5, err_msg=name)
    assert all(isinstance(param.value, DeviceArray) for param in there.model.params.values())
    assert (here.test(), there.test()) == (None, None)


def test_several_runs_share_a_gpu_one_after_another(cupy, text, tmp_path):
    settings = Settings.of(**SMALL, text=text, device="gpu", threads=1)
    runs = Runs(repeated(settings, 3), tmp_path / "m.rnnlm")
    assert (runs.jobs, runs.device) == (1, GPU)
    assert [one.to_json()["device"] for one in runs.settings] == ["gpu"] * 3
    assert Runs(repeated(settings, 3), tmp_path / "m.rnnlm", jobs=2).jobs == 2


# the command line


def test_the_command_line_on_the_gpu(cupy, text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    train = ["train", str(text), "--hidden", "5", "--streams", "3", "--epochs", "2", "--optimizer", "adam"]
    assert command([*train, "--device", "gpu", "-o", "there.rnnlm"]) == 0
    assert " weights, Stand-in (gpu, 150 GB)\n" in capsys.readouterr().err
    assert command([*train, "-o", "here.rnnlm"]) == 0
    assert " weights, NumPy on 1 thread\n" in capsys.readouterr().err
    printed = {}
    for on in ("cpu", "gpu"):
        outputs = []
        for typed in (
            ["ppl", "there.rnnlm", str(text)],
            ["ppl", "there.rnnlm", "here.rnnlm", str(text), "--interval"],
            ["sample", "there.rnnlm", "w1", "-n", "7", "--seed", "2", "--logprobs"],
            ["score", "there.rnnlm", str(text), "--top", "2"],
            ["compare", "there.rnnlm", "here.rnnlm", str(text), "--samples", "100"],
            ["ensemble", "there.rnnlm", "here.rnnlm", "--fit", str(text), "-o", f"e-{on}.rnnlm"],
            ["cache", "there.rnnlm", "--fit", str(text), "-o", f"c-{on}.rnnlm", "--orders", "1"],
            ["cache", "there.rnnlm", "--continuous", "--fit", str(text), "-o", f"cc-{on}.rnnlm", "--size", "9"],
        ):
            assert command([*typed, "--device", on]) == 0, typed
            outputs.append(capsys.readouterr().out)
        printed[on] = outputs
    for here, there in zip(printed["cpu"], printed["gpu"], strict=True):
        assert len(here.split()) == len(there.split()) > 6
        for one, other in zip(here.split(), there.split(), strict=True):
            if one != other:  # the last digit of a figure
                assert float(one.strip("()")) == pytest.approx(float(other.strip("()")), rel=2e-3, abs=2e-6)
    assert command(["info", "there.rnnlm", "--device", "gpu"]) == 0
    assert "\ndevice      Stand-in (gpu, 150 GB)\n" in capsys.readouterr().out


def test_the_command_line_without_a_gpu(no_cupy, text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small().save("m.rnnlm")
    for typed in (["train", str(text)], ["ppl", "m.rnnlm", str(text)], ["sample", "m.rnnlm"], ["check"]):
        assert command([*typed, "--device", "gpu"]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err == (
            "rnnlm: error: --device gpu needs CuPy, which is not installed: pip install "
            '"rnnlm-kit[cuda12]" (or cuda13).\n'
        )
    assert not (tmp_path / "text.rnnlm").exists()
    assert command(["ppl", "m.rnnlm", str(text), "--device", "cuda:0"]) == 2
    assert "device 'cuda:0' is not known. Give one of cpu, gpu, or gpu:1" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["classify train", "classify test m d", "ngram t", "corpus list"])
def test_device_is_an_option_where_it_says_something(words, capsys):
    command([*words.split(), "--help-all" if words.endswith("train") else "--help"])
    assert ("--device" in capsys.readouterr().out) == words.startswith("classify")


def test_a_precision_that_is_refused_is_not_chosen(text):
    with pytest.raises(UsageError, match="precision tf32 is for a GPU"):
        Run(Settings.of(**SMALL, text=text, precision="tf32"))
    assert ops.precision() == "float32"
    Run(Settings.of(**SMALL, text=text))


def test_the_precision_of_products_is_for_a_gpu_and_part_of_the_record(cupy, text, tmp_path, capsys, monkeypatch):
    here = ["--hidden", "5", "--streams", "3", "--max-updates", "2", "-o", str(tmp_path / "m.rnnlm")]
    assert command(["train", str(text), "--precision", "tf32", *here]) == 2
    assert "precision tf32 is for a GPU, and this is the cpu" in capsys.readouterr().err
    assert command(["train", str(text), "--precision", "half", *here]) == 2
    assert "Give one of float32, tf32, bf16" in capsys.readouterr().err
    assert command(["train", str(text), "--device", "gpu", "--precision", "tf32", *here]) == 0
    assert rnnlm.load(tmp_path / "m.rnnlm").log[0]["precision"] == "tf32"
    assert command(["ppl", str(tmp_path / "m.rnnlm"), str(text)]) == 0  # the next command begins anew
    assert ops.precision() == "float32"
    monkeypatch.setattr(cupy.cuda.Device, "compute_capability", "75")
    assert command(["train", str(text), "--device", "gpu", "--precision", "bf16", *here]) == 2
    assert "needs a GPU of compute capability 8.0 or more, and gpu has 7.5" in capsys.readouterr().err
    monkeypatch.undo()
    run = Run(Settings.of(text=text, device="gpu", precision="bf16", max_updates=1, **{**SMALL, "epochs": None}))
    assert (run.settings.record()["precision"], ops.precision()) == ("bf16", "bf16")
