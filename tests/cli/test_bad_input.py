"""Each bad input gets one line `rnnlm: error: …` that names the thing, its value and what to do, and leaves no file."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import rnnlm
from rnnlm import storage
from rnnlm.cli import run
from rnnlm.errors import DataError, UsageError

QUICK = "--hidden 4 --streams 4 --epochs 1 -o m.rnnlm"
USAGE, DATA = 2, 1


@pytest.fixture(scope="session")
def inputs(shared, tmp_path_factory) -> Path:
    """A folder with good and bad files; no call may change what is in it."""
    folder = tmp_path_factory.mktemp("inputs")
    text = (shared / "text.txt").read_text()
    good = (shared / "m.rnnlm").read_bytes()
    files: dict[str, bytes] = {
        "good.txt": text.encode(),
        "empty.txt": b"",
        "blank.txt": b"  \t ",
        "latin.txt": "a good line\na caf\xe9\n".encode("latin-1"),
        "binary.txt": b"\x7fELM\x02" + bytes(range(256)),
        "eos.txt": b"a b\nc </s> d\n",
        "word.txt": b"hello",
        "lines.txt": b"\n" * 500,
        "m.txt": text.encode(),
        "good.rnnlm": good,
        "short.rnnlm": good[:-100],
        "stub.rnnlm": good[:50],
        "flipped.rnnlm": good[:-5] + bytes([good[-5] ^ 1]) + good[-4:],
        "cut.rnnlm.checkpoint": b"not a checkpoint at all",
        "wrong.rnnlm.checkpoint": good,
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "folder").mkdir()
    save_file({"a": np.zeros(3)}, folder / "other.rnnlm", {"format": "pt"})
    header, arrays = storage.read(shared / "m.rnnlm", "model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "FORMAT", storage.FORMAT + 1)
        storage.write(folder / "newer.rnnlm", "model", header, arrays)
    storage.write(folder / "unheard.rnnlm", "model", {**header, "kind": "transformer"}, arrays)
    with pytest.MonkeyPatch.context() as patch:  # a run that was cut off when it wanted to write its model
        patch.chdir(folder)
        patch.setattr("rnnlm.models.RecurrentLM.save", lambda self, path: (_ for _ in ()).throw(KeyboardInterrupt))
        assert run(["train", "good.txt", *QUICK.replace("m.rnnlm", "killed.rnnlm").split()]) == 130
    assert (folder / "killed.rnnlm.checkpoint").exists()
    return folder


@pytest.fixture
def refused(capsys, monkeypatch, inputs, own_cache):
    """Run a command line that must fail; its one line of error."""
    monkeypatch.chdir(inputs)

    def refused(arguments: list[str], status: int) -> str:
        before = {path: path.stat().st_mtime_ns for path in inputs.rglob("*")}
        capsys.readouterr()
        found = run(arguments)
        out, err = capsys.readouterr()
        assert err.startswith("rnnlm: error: "), err
        assert err.count("\n") == 1, err
        assert err.endswith((".\n", ").\n")), err
        assert found == status, err
        assert out == ""
        assert {path: path.stat().st_mtime_ns for path in inputs.rglob("*")} == before
        return err

    return refused


TEXTS = [
    ("missing.txt", ["missing.txt does not exist", "rnnlm corpus list"]),
    ("folder", ["folder is a folder, not a text", "Give one file"]),
    ("empty.txt", ["empty.txt is empty", "at least one word"]),
    ("blank.txt", ["blank.txt holds no words"]),
    ("latin.txt", ["latin.txt is not UTF-8", "0xe9", "line 2", "byte offset 17", "iconv"]),
    ("binary.txt", ["binary.txt is binary, not text", "line 1, byte offset 5"]),
    ("eos.txt", ["eos.txt has </s> once, first in line 2", "Take them out: `sed "]),
]

MODELS = [
    ("missing.rnnlm", ["missing.rnnlm cannot be read as a model", "No such file"]),
    ("folder", ["folder cannot be read as a model", "Is a directory"]),
    ("empty.txt", ["empty.txt is not a model"]),
    ("good.txt", ["good.txt is not a model"]),
    ("short.rnnlm", ["short.rnnlm", "truncated or damaged"]),
    ("stub.rnnlm", ["stub.rnnlm", "truncated or damaged"]),
    ("flipped.rnnlm", ["flipped.rnnlm is damaged", "checksum", "Copy or train it again"]),
    ("newer.rnnlm", ["newer.rnnlm has file format 2", "reads up to 1", "Install a newer rnnlm-kit"]),
    ("unheard.rnnlm", ["unheard.rnnlm", "kind 'transformer'", "Install a newer rnnlm-kit"]),
    ("other.rnnlm", ["other.rnnlm is a safetensors file of another program"]),
    ("killed.rnnlm.checkpoint", ["killed.rnnlm.checkpoint is a checkpoint, not a model"]),
]

OPTIONS = [
    ("--classes 13", ["--classes 13", "vocabulary of 12", "1 <= --classes <= 12"]),
    ("--classes -1", ["--classes -1", "0 for the full softmax"]),
    ("--hidden 0", ["--hidden 0", "Give --hidden >= 1"]),
    ("--hidden -3", ["--hidden -3", "Give --hidden >= 1"]),
    ("--hidden many", ["'--hidden'", "'many' is not a valid integer", "rnnlm train --help"]),
    ("--layers 0", ["--layers 0", "Give --layers >= 1"]),
    ("--block 10 --horizon 5", ["--horizon 5 is shorter than --block 10", "Give --horizon >= 10"]),
    ("--block 0", ["--block 0", "Give --block >= 1"]),
    ("--lr -1", ["--lr -1.0 is not possible. Give --lr > 0."]),
    ("--lr 0", ["--lr 0.0 is not possible. Give --lr > 0."]),
    ("--lr nan", ["--lr nan is not possible. Give --lr > 0."]),
    ("--lr inf", ["--lr inf is not possible. Give --lr > 0."]),
    ("--clip -1", ["--clip -1.0", "Give --clip > 0, or none for no clipping"]),
    ("--clip 0", ["--clip 0.0", "Give --clip > 0, or none for no clipping"]),
    ("--clip nan", ["--clip nan", "Give --clip > 0, or none for no clipping"]),
    ("--clip tight", ["'--clip'", "'tight' is neither a number nor none"]),
    ("--dropout 1", ["--dropout 1.0", "Give 0 <= --dropout < 1"]),
    ("--dropout nan", ["--dropout nan", "Give 0 <= --dropout < 1"]),
    ("--input-dropout -0.1", ["--input-dropout -0.1", "Give 0 <= --input-dropout < 1"]),
    ("--l2 -1", ["--l2 -1.0", "Give --l2 >= 0"]),
    ("--epochs 0", ["--epochs 0", "Give --epochs >= 1"]),
    ("--max-updates 0", ["--max-updates 0", "Give --max-updates >= 1"]),
    ("--save-every 0", ["--save-every 0.0", "Give --save-every > 0, in minutes"]),
    ("--save-every nan", ["--save-every nan", "Give --save-every > 0, in minutes"]),
    ("--seed -1", ["--seed -1", "Give --seed >= 0"]),
    ("--streams 0", ["--streams 0", "Give --streams >= 1"]),
    ("--streams 100000", ["more streams than tokens", "--streams 100000", "Give --streams <= "]),
    ("--snapshot 0", ["--snapshot 0", "Give --snapshot >= 1"]),
    ("--sample_n 0", ["--sample 0", "Give --sample >= 1"]),
    ("--model transformer", ["model 'transformer'", "elman, jordan, rnnlm"]),
    ("--activation sine", ["activation 'sine'", "tanh, logistic, relu"]),
    ("--optimizer adams", ["--optimizer 'adams' is not known. Did you mean adam? Give one of sgd, momentum"]),
    ("--model elmann", ["model 'elmann' is not known. Did you mean elman? Give one of elman, jordan", "file.py:NAME"]),
    ("--schedule stpe", ["schedule 'stpe' is not known. Did you mean step?"]),
    (
        "--activation gated",
        ["--activation 'gated' is not known", "tanh, logistic, relu, clipped_relu, leaky_relu, elu."],
    ),
    ("--optimizer magic", ["optimizer 'magic'", "sgd, momentum, nesterov"]),
    ("--schedule never", ["schedule 'never'", "halving, constant, step"]),
    ("--tokens letters", ["tokenizer 'letters'", "words, prose, chars, bytes"]),
    ("--class-by size", ["--class-by 'size'", "sqrt, frequency"]),
    ("--clip-by length", ["--clip-by 'length'", "norm, value"]),
    ("--dtype float16", ["--dtype 'float16'", "Give one of float32, float64"]),
    ("--feedback embedding", ["--feedback 'embedding'", "for the model jordan", "Leave it out"]),
    ("--order 5", ["--order 5", "for the model bengio", "this is rnnlm", "Leave it out"]),
    ("--direct", ["--direct is for the model bengio", "this is rnnlm", "Leave it out"]),
    ("--model jordan --embedding 7", ["--embedding 7", "for the model bengio", "convolution", "this is jordan"]),
    ("--model bengio --kernel 3", ["--kernel 3", "for the model convolution", "this is bengio"]),
    ("--model bengio --order 1", ["--order 1", "--order >= 2"]),
    ("--model bengio --embedding 0", ["--embedding 0", "--embedding >= 1"]),
    ("--model bengio --activation gated", ["activation 'gated'", "tanh, logistic"]),
    ("--model convolution --kernel 0", ["--kernel 0", "--kernel >= 1"]),
    ("--model convolution --embedding -1", ["--embedding -1", "--embedding >= 1"]),
    ("--model convolution --layers 0", ["--layers 0", "--layers >= 1"]),
    ("--model convolution --activation sine", ["--activation 'sine'", "gated, tanh, logistic"]),
    ("--model jordan --feedback words", ["--feedback 'words'", "distribution, embedding"]),
    ("--model jordan --feedback embedding --classes 3", ["--feedback 'embedding'", "3 classes", "--classes 0"]),
    (
        "--schedule halving --decay 0.5",
        ["decay is no option of the schedule 'halving'", "min_improvement", "Leave it out"],
    ),
    ("--schedule constant --min-improvement 1.1", ["--min-improvement is no option of the schedule 'constant'"]),
    ("--schedule step --decay 2", ["--decay 2.0", "Give 0 < --decay <= 1"]),
    ("--schedule step --decay nan", ["--decay nan", "Give 0 < --decay <= 1"]),
    ("--schedule halving --min-improvement 0.5", ["--min-improvement 0.5", "Give --min-improvement >= 1"]),
    ("--patience 0", ["--patience 0", "Give --patience >= 1"]),
    ("--max-vocab 1", ["--max-vocab 1", "Give --max-vocab >= 2"]),
    ("--min-count 0", ["--min-count 0", "Give --min-count >= 1"]),
    ("--train good.txt", ["given twice", "good.txt", "Give it once"]),
    ("good.txt", ["unexpected extra argument (good.txt)", "rnnlm train --help"]),
    ("--hiden 4", ["No such option '--hiden'", "--hidden"]),
    ("--schedule halving --min-improvement nan", ["--min-improvement nan", "Give --min-improvement >= 1"]),
    ("--schedule step --decay-after -1", ["--decay-after -1", "Give --decay-after >= 1"]),
    ("--schedule halving --patience 2", ["patience is no option of the schedule 'halving'", "Leave it out"]),
]

SAMPLING = [
    ("-t -1", ["--temperature -1.0", "Give --temperature >= 0"]),
    ("-t nan", ["--temperature nan", "Give --temperature >= 0"]),
    ("-t cold", ["'--temperature'", "'cold' is not a valid float"]),
    ("-n 0", ["--length 0", "Give --length >= 1"]),
    ("-c 0", ["--count 0", "Give --count >= 1"]),
    ("--top-k 0", ["--top-k 0", "Give --top-k >= 1"]),
    ("--top-p 0", ["--top-p 0.0", "0 < --top-p <= 1"]),
    ("--top-p 1.5", ["--top-p 1.5", "0 < --top-p <= 1"]),
    ("--top-p nan", ["--top-p nan", "0 < --top-p <= 1"]),
    ("--seed -1", ["--seed -1", "Give --seed >= 0"]),
]

COMMANDS = [
    ("nothing", USAGE, ["command 'nothing' is not known", "rnnlm --help"]),
    ("--nothing", USAGE, ["No such option '--nothing'"]),
    ("sample", USAGE, ["Missing argument 'MODEL'", "rnnlm sample --help"]),
    ("ppl good.rnnlm", USAGE, ["needs a model and a text", "'good.rnnlm'", "rnnlm ppl MODEL... TEXT"]),
    ("ppl good.rnnlm good.txt --fit", USAGE, ["'--fit' requires an argument"]),
    ("ppl good.rnnlm good.txt --streams 99999", USAGE, ["--streams 99999", "Give --streams <= "]),
    ("ppl good.rnnlm good.txt --streams 0", USAGE, ["--streams 0", "Give --streams >= 1"]),
    ("plot good.rnnlm -o c.gif", USAGE, ["c.gif", "'.gif'", ".png, .svg, .pdf"]),
    ("plot good.rnnlm -o nowhere/c.png", DATA, ["nowhere/c.png", "nowhere does not exist"]),
    ("plot good.txt -o c.png", DATA, ["good.txt is not a model"]),
    ("corpus get nothing", USAGE, ["the corpus 'nothing' is not known", "kjv, shakespeare"]),
    ("corpus get ptb", DATA, ["ptb is licensed", "--from FOLDER"]),
    ("corpus get ptb --from folder", DATA, ["folder has no ptb.train.txt"]),
    ("corpus fetch", USAGE, ["No such command 'fetch'", "rnnlm corpus --help"]),
    ("train good.txt -o nowhere/m.rnnlm", DATA, ["nowhere/m.rnnlm", "folder nowhere does not exist", "Make it"]),
    ("train good.txt -o folder", DATA, ["to folder", "it is a folder", "path of a file"]),
    ("train good.txt -o ", DATA, ["it is a folder", "path of a file"]),
    ("train good.txt -o good.txt", USAGE, ["good.txt is the text itself", "Give another -o"]),
    (
        "train good.txt --valid m.txt -o folder/../m.txt",
        USAGE,
        ["folder/../m.txt is the validation text m.txt itself"],
    ),
    ("train  -o m.rnnlm", DATA, ["is a folder, not a text"]),
    (f"train lines.txt {QUICK}", DATA, ["lines.txt has no word besides the sentence end"]),
    (f"train word.txt {QUICK}", DATA, ["word.txt has 2 tokens, too few", "longer text"]),
    (f"train good.txt {QUICK} --valid empty.txt", DATA, ["empty.txt is empty"]),
    (f"train good.txt {QUICK} --test missing.txt", DATA, ["missing.txt does not exist"]),
    (f"train good.txt {QUICK} -o good.rnnlm --resume", DATA, ["no checkpoint good.rnnlm.checkpoint", "already"]),
    (f"train good.txt {QUICK} -o n.rnnlm --from missing.rnnlm", DATA, ["missing.rnnlm cannot be read as a model"]),
    (
        "train good.txt -o n.rnnlm --from good.rnnlm --layers 3",
        USAGE,
        ["good.rnnlm has --layers 1", "out"],
    ),
    ("train good.txt -o good.rnnlm --from good.rnnlm", USAGE, ["good.rnnlm is the model that it starts from itself"]),
    (f"train good.txt {QUICK} -o killed.rnnlm", DATA, ["killed.rnnlm.checkpoint", "cut off", "--resume, or delete it"]),
    (f"train good.txt {QUICK} -o killed.rnnlm --resume --seed 2", DATA, ["with --seed 1", "has --seed 2"]),
    (f"train good.txt {QUICK} -o killed.rnnlm --resume --hidden 5", DATA, ["with --hidden 4", "has --hidden 5"]),
    (f"train m.rnnlm {QUICK} -o cut.rnnlm --resume", DATA, ["cut.rnnlm.checkpoint is not a checkpoint"]),
    (f"train good.txt {QUICK} -o wrong.rnnlm --resume", DATA, ["wrong.rnnlm.checkpoint is a model, not a checkpoint"]),
]


@pytest.mark.parametrize(("text", "fragments"), TEXTS)
@pytest.mark.parametrize(
    "arguments", ["train {} " + QUICK, "ppl good.rnnlm {}", f"train good.txt {QUICK} --valid {{}}"]
)
def test_text(refused, arguments, text, fragments):
    line = refused(arguments.format(text).split(), DATA)
    assert [part for part in fragments if part not in line] == []


@pytest.mark.parametrize(("model", "fragments"), MODELS)
@pytest.mark.parametrize("arguments", ["info {}", "ppl {} good.txt", "ppl good.rnnlm {} good.txt", "sample {}"])
def test_model_file(refused, arguments, model, fragments):
    line = refused(arguments.format(model).split(), DATA)
    assert [part for part in fragments if part not in line] == []


@pytest.mark.parametrize(("options", "fragments"), OPTIONS)
def test_option_of_train(refused, options, fragments):
    line = refused(["train", "good.txt", *QUICK.split(), *options.split()], USAGE)
    assert [part for part in fragments if part not in line] == []


@pytest.mark.parametrize(("options", "fragments"), SAMPLING)
def test_option_of_sample(refused, options, fragments):
    line = refused(["sample", "good.rnnlm", *options.split()], USAGE)
    assert [part for part in fragments if part not in line] == []


@pytest.mark.parametrize(("arguments", "status", "fragments"), COMMANDS)
def test_command(refused, arguments, status, fragments):
    line = refused(arguments.split(" "), status)
    assert [part for part in fragments if part not in line] == []


@pytest.mark.parametrize("arguments", [f"train - {QUICK}", "ppl good.rnnlm -"])
def test_empty_standard_input(refused, stdin, arguments):
    stdin(b"")
    assert "standard input is empty" in refused(arguments.split(), DATA)


@pytest.mark.parametrize("arguments", [f"train - {QUICK}", "ppl good.rnnlm -"])
def test_closed_standard_input(refused, monkeypatch, arguments):
    monkeypatch.setattr("sys.stdin", None)  # what Python makes of `<&-`
    assert "standard input" in refused(arguments.split(), DATA)


def test_another_text_on_resume(refused, inputs):
    line = refused(
        ["train", "lines.txt", "--valid", "good.txt", *QUICK.split(), "-o", "killed.rnnlm", "--resume"], DATA
    )
    assert "another text: its train is" in line
    assert "train anew without --resume" in line


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system in which no file can be made")
def test_read_only_output_is_found_out_before_training(refused):
    line = refused(["train", "good.txt", "--hidden", "4", "-o", "/proc/m.rnnlm"], DATA)
    assert "the model could not be written to /proc/m.rnnlm" in line
    assert "Give another place with -o" in line


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs /dev/null")
def test_a_device_is_not_replaced_by_a_model(refused):
    assert "/dev/null: it is not an ordinary file" in refused(["train", "good.txt", "-o", "/dev/null"], DATA)
    assert Path("/dev/null").is_char_device()


def test_a_refused_line_has_no_line_breaks_of_its_value(refused):
    line = refused(["train", "good.txt", *QUICK.split(), "--model", "el\nman"], USAGE)
    assert "model 'el\\nman' is not known" in line


def test_the_checks_are_those_of_the_python_api(inputs):
    text = inputs / "good.txt"
    for settings, fragment in [
        ({"hidden": 0}, "hidden=0"),
        ({"streams": 10**6}, "more streams than tokens"),
        ({"seed": -1}, "seed=-1"),
        ({"lr": float("nan")}, "lr=nan is not possible"),
        ({"output": text}, "is the text itself"),
        ({"resume": True}, "resume needs the output"),
        ({"hiden": 3}, r"setting 'hiden' is not known\. Did you mean hidden\? Settings are .*hidden"),
    ]:
        with pytest.raises(UsageError, match=fragment):
            rnnlm.train(text, **settings)
    for name, fragment in TEXTS:
        with pytest.raises(DataError, match=fragment[0]):
            rnnlm.train(inputs / name)
        with pytest.raises(DataError, match=fragment[0]):
            rnnlm.load(inputs / "good.rnnlm").perplexity(inputs / name)


def test_json_mode_has_the_same_error_line(refused):
    assert "missing.txt does not exist" in refused(["ppl", "good.rnnlm", "missing.txt", "--json"], DATA)


def test_nan_is_null_in_json(call, shared, unk_model, tmp_path):
    """A text of which every scored token is `<unk>`: its figure over the known words is no number."""
    (tmp_path / "abc.txt").write_text("".join(random.Random(1).choices("aaaaabcdef", k=400)))
    call("train", "abc.txt", "--tokens", "chars", "--max-vocab", 3, "--hidden", 3, "--streams", 2, "-o", "c.rnnlm")
    (tmp_path / "other.txt").write_text("xyz")
    found = json.loads(call("ppl", "c.rnnlm", "other.txt", "--json").out)
    assert found["ppl_known"] is None
    assert found["nll_known"] is None
    assert found["unknown"] == found["tokens"] == 3
    assert call("ppl", "c.rnnlm", "other.txt").out.splitlines()[1].split()[2] == "-"
