"""Outputs of all commands: none replaces what is read, and one process at a time writes to each."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from python_process import python, start_python

import rnnlm
from rnnlm.cli import run

OWN = "rnnlm.Recurrence(lambda rng, n: {'b': np.zeros(n)}, lambda p, x, state: (np.tanh(x + p['b']), state))"
SMALL = "--hidden 4 --streams 4 --epochs 2 --backend numpy"


@pytest.fixture(scope="module")
def files(shared, tmp_path_factory) -> Path:
    """A folder with inputs of every kind; no test may change what is in it."""
    folder = tmp_path_factory.mktemp("files")
    for name in ("text.txt", "test.txt", "m.rnnlm"):
        (folder / name).write_bytes((shared / name).read_bytes())
    for copy in ("y.average.rnnlm", "y.epoch-2.rnnlm", "y.checkpoints.rnnlm", "w.rnnlm.checkpoint", "z.2.rnnlm"):
        (folder / copy).write_bytes((shared / "text.txt").read_bytes())
    (folder / "runs.toml").write_text("[[run]]\nseed = 1\n[[run]]\nseed = 2\n")
    (folder / "code.py").write_text(f"import autograd.numpy as np\nimport rnnlm\ncell = {OWN}\n")
    (folder / "n.rnnlm").write_bytes((shared / "m.rnnlm").read_bytes())
    os.link(folder / "text.txt", folder / "hard.txt")
    (folder / "soft.txt").symlink_to("text.txt")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run(["score", "m.rnnlm", "test.txt", "--binary", "-o", "scores"]) == 0
        assert run(["ngram", "text.txt", "-o", "kn.arpa"]) == 0
        assert run(["ensemble", "m.rnnlm", "n.rnnlm", "--reference", "-o", "mix.rnnlm"]) == 0
        assert run(["train", "text.txt", "--model", "code.py:cell", *SMALL.split(), "-o", "own.rnnlm"]) == 0
        rows = "".join(f"{i % 2},{i},{'ab'[i % 2]}\n" for i in range(40))
        Path("rows.csv").write_text(rows)
        np.savez("rows.npz", x=np.eye(4), y=np.array([0, 1, 0, 1]))
        Path("images/a").mkdir(parents=True)
        Path("images/a/1.png").write_bytes(b"an image")
    return folder


REFUSED = [
    ("train text.txt -o text.txt", "the output text.txt is the text itself"),
    ("train soft.txt -o text.txt", "the output text.txt is the text soft.txt itself"),
    ("train text.txt -o hard.txt", "the output hard.txt is the text text.txt itself"),
    ("train text.txt --valid test.txt -o test.txt", "the output test.txt is the validation text itself"),
    ("train text.txt --test test.txt -o ./test.txt", "the output test.txt is the test text itself"),
    ("train text.txt --model code.py:cell -o code.py", "the output code.py is the recurrence itself"),
    ("train text.txt --tokens code.py:rule -o code.py", "the output code.py is the tokenizer itself"),
    ("train w.rnnlm.checkpoint -o w.rnnlm", "the checkpoint w.rnnlm.checkpoint is the text itself"),
    ("train y.average.rnnlm --last 2 -o y.rnnlm", "the average y.average.rnnlm is the text itself"),
    ("train y.epoch-2.rnnlm --last 2 -o y.rnnlm", "the epoch's model y.epoch-2.rnnlm is the text itself"),
    (
        "train text.txt --test y.checkpoints.rnnlm --last 2 -o y.rnnlm",
        "the mixture of the epochs y.checkpoints.rnnlm is the test text itself",
    ),
    ("train text.txt --runs runs.toml -o runs.toml", "the mixture runs.toml is the file of the runs itself"),
    ("train text.txt --runs 2 -o text.txt", "the mixture text.txt is the text itself"),
    ("train z.2.rnnlm --runs 2 -o z.rnnlm", "the output of run 2 z.2.rnnlm is the text itself"),
    ("ngram text.txt -o text.txt", "the output text.txt is the text itself"),
    ("ngram text.txt --valid test.txt -o test.txt", "the output test.txt is the text itself"),
    ("ngram text.txt --tokens code.py:rule -o code.py", "the output code.py is the tokenizer itself"),
    ("ngram kn.arpa --from -o kn.arpa", "the output kn.arpa is the model itself"),
    ("cache m.rnnlm -o m.rnnlm", "the output m.rnnlm is the model itself"),
    ("cache m.rnnlm --fit test.txt -o test.txt", "the output test.txt is the text itself"),
    ("cache mix.rnnlm -o n.rnnlm", "the output n.rnnlm is a member itself"),
    ("cache own.rnnlm -o code.py", "the output code.py is the recurrence itself"),
    ("ensemble m.rnnlm n.rnnlm -o n.rnnlm", "the output n.rnnlm is the model itself"),
    ("ensemble m.rnnlm mix.rnnlm -o n.rnnlm", "the output n.rnnlm is a member itself"),
    ("ensemble m.rnnlm n.rnnlm --fit test.txt -o test.txt", "the output test.txt is the text itself"),
    ("ensemble m.rnnlm scores@kn.arpa -o scores", "the output scores is the model itself"),
    ("score m.rnnlm test.txt -o m.rnnlm", "the output m.rnnlm is the model itself"),
    ("score m.rnnlm test.txt -o test.txt", "the output test.txt is the text itself"),
    ("score mix.rnnlm test.txt -o n.rnnlm", "the output n.rnnlm is a member itself"),
    ("plot m.rnnlm drawn.png -o drawn.png", "the output drawn.png is the model itself"),
    ("classify train rows.csv -o rows.csv", "the output rows.csv is the training data itself"),
    ("classify train rows.csv --valid rows.npz -o rows.npz", "the output rows.npz is the validation data itself"),
    ("classify train images -o images/a/1.png", "the output images/a/1.png is the training data itself"),
]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX links")
@pytest.mark.parametrize(("typed", "message"), REFUSED, ids=[typed for typed, _ in REFUSED])
def test_no_output_replaces_what_the_command_reads(call, files, monkeypatch, typed, message):
    monkeypatch.chdir(files)
    (files / "drawn.png").write_bytes((files / "m.rnnlm").read_bytes())
    before = {path: path.stat().st_mtime_ns for path in files.rglob("*")}
    called = call_in(call, files, monkeypatch, typed)
    assert called.status == 2, called
    assert f"rnnlm: error: {message}, which it would replace. Give another -o.\n" in called.err
    assert called.err.count("rnnlm: error:") == 1
    assert {path: path.stat().st_mtime_ns for path in files.rglob("*")} == before


def call_in(call, folder: Path, monkeypatch, typed: str):
    monkeypatch.chdir(folder)
    return call(*typed.split())


WRITERS = [
    "train text.txt -o {}",
    "train text.txt --runs 2 -o {}",
    "train text.txt --last 2 -o {}",
    "ngram text.txt -o {}",
    "ngram text.txt -o {}.arpa",
    "cache m.rnnlm -o {}",
    "ensemble m.rnnlm n.rnnlm -o {}",
    "score m.rnnlm test.txt -o {}",
    "plot m.rnnlm -o {}.png",
    "classify train rows.csv -o {}",
]


@pytest.mark.parametrize("typed", WRITERS)
def test_where_nothing_can_be_written_is_told_before_the_work(call, files, monkeypatch, typed):
    """Before anything is read: the inputs do not even exist."""
    absent = re.sub(r"(text\.txt|m\.rnnlm|rows\.csv)", r"no/\1", typed)
    called = call_in(call, files, monkeypatch, absent.format("folder/m"))
    assert called.status == 1
    assert "the folder folder does not exist. Make it, or give another -o." in called.err
    called = call_in(call, files, monkeypatch, absent.format("m" * 300))
    assert called.status == 1
    assert "File name too long" in called.err


def test_a_name_that_is_too_long_only_for_the_checkpoint(call, files, monkeypatch):
    called = call_in(call, files, monkeypatch, f"train no.txt -o {'m' * 245}")
    assert called.status == 1
    assert "the checkpoint could not be written to" in called.err
    called = call_in(call, files, monkeypatch, f"train text.txt {SMALL} --last 2 -o {'m' * 244}")
    assert called.status == 1
    assert "the mixture of the epochs could not be written to" in called.err
    assert not [path for path in files.iterdir() if path.name.startswith(("m" * 100, "."))]


LOCKED = [
    ("train text.txt -o {}", ["m"]),
    ("train text.txt --resume -o {}", ["m"]),
    ("train text.txt --runs 2 -o {}", ["m", "m.1", "m.2"]),
    ("ngram text.txt -o {}", ["m"]),
    ("cache m.rnnlm -o {}", ["m"]),
    ("ensemble m.rnnlm n.rnnlm -o {}", ["m"]),
    ("classify train rows.csv -o {}", ["m"]),
]
HOLD = (
    "import sys; from rnnlm.output_lock import OutputLock; locks = [OutputLock(path, 'rnnlm train x') "
    "for path in sys.argv[1:]]; print('held', flush=True); sys.stdin.read()"
)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX links")
def test_an_output_of_another_process_is_refused_at_once(call, files, monkeypatch, tmp_path):
    """The inputs do not even exist, so nothing has been read."""
    (tmp_path / "link").symlink_to("m")
    outputs = [tmp_path / "m", tmp_path / "n.1"]
    with start_python("-c", HOLD, *outputs, stdin=-1) as process:
        assert process.stdout.readline() == "held\n"
        told = f"is being written by process {process.pid} on "
        for typed, _ in LOCKED:
            absent = re.sub(r"(text\.txt|m\.rnnlm|rows\.csv)", r"no/\1", typed)
            for path in ("m", "link"):
                called = call_in(call, files, monkeypatch, absent.format(tmp_path / path))
                assert called.status == 1, called
                assert told in called.err
                assert "(rnnlm train x). Wait until it has ended, stop it, or give another -o." in called.err
        called = call_in(call, files, monkeypatch, f"train no/text.txt --runs 2 -o {tmp_path / 'n'}")
        assert f"{tmp_path / 'n.1'} {told}" in called.err
        assert not (tmp_path / ".n.rnnlm-lock").exists()
        process.kill()
    called = call_in(call, files, monkeypatch, f"ensemble m.rnnlm n.rnnlm -o {tmp_path / 'link'}")
    assert called.status == 0, called
    assert sorted(os.listdir(tmp_path)) == [".n.1.rnnlm-lock", "link", "m"]
    rnnlm.load(tmp_path / "m")


def rnnlm_process(*arguments, **options):
    return start_python("-m", "rnnlm", *arguments, **options)


def wait_for(path: Path, process) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


LONG = "--hidden 4 --streams 4 --epochs 100000 --save-every 0.0001 --backend numpy -o m.rnnlm"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_run_that_goes_on(shared, tmp_path, call):
    """Its checkpoint can be looked at; another run to its output is refused, one to a similar name disturbs nothing."""
    with rnnlm_process("train", shared / "text.txt", *LONG.split(), cwd=tmp_path) as process:
        wait_for(tmp_path / "m.rnnlm.checkpoint", process)
        for more in ((), ("--resume",)):
            called = call("train", shared / "text.txt", "-o", "m.rnnlm", *more)
            assert called.status == 1
            assert f"m.rnnlm is being written by process {process.pid} on" in called.err
            assert "(rnnlm train " in called.err
        assert call("train", shared / "text.txt", *SMALL.split(), "-o", "m").status == 0
        assert call("plot", "m.rnnlm.checkpoint", "-o", "m.png").status == 0
        process.send_signal(signal.SIGTERM)  # as `kill` and `timeout` do
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()
    assert process.returncode == 130, err
    assert "model so far: m.rnnlm. Go on with the same command and --resume." in err
    assert sorted(os.listdir(tmp_path)) == ["m", "m.checkpoint", "m.png", "m.rnnlm", "m.rnnlm.checkpoint"]
    called = call("train", shared / "text.txt", *LONG.replace("100000", "1").split(), "--resume")
    assert called.status == 0
    assert "resuming at epoch" in called.err


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_standard_error_that_fails_ends_no_training(files, tmp_path):
    """A closed pipe, a full disk, no standard error at all: the model is that of an undisturbed run."""
    train = ["train", files / "text.txt", *SMALL.split(), "-o"]
    assert python("-m", "rnnlm", *train, tmp_path / "m").returncode == 0
    read, write = os.pipe()
    os.close(read)
    full = os.open("/dev/full", os.O_WRONLY) if os.path.exists("/dev/full") else write
    for name, stderr in (("pipe", write), ("full", full)):
        ended = python("-m", "rnnlm", *train, tmp_path / name, stderr=stderr)
        assert ended.returncode == 0
        assert "test perplexity" in ended.stdout
        assert (tmp_path / name).read_bytes().partition(b'"epoch')[0]
        assert weights(tmp_path / name) == weights(tmp_path / "m")
    os.close(write)
    closed = "import os, sys; os.close(2); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    ended = python("-c", closed, "-P", "-m", "rnnlm", *train, tmp_path / "closed")
    assert ended.returncode == 0
    assert weights(tmp_path / "closed") == weights(tmp_path / "m")


def weights(path: Path) -> dict[str, bytes]:
    return {name: param.value.tobytes() for name, param in rnnlm.load(path).params.items()}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_standard_output_that_fails_loses_no_model(files, tmp_path):
    with open("/dev/full", "w") as full:
        ended = python("-m", "rnnlm", "train", files / "text.txt", *SMALL.split(), "-o", tmp_path / "m", stdout=full)
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last == "rnnlm: error: standard output: No space left on device. Check the disk and the path."
    rnnlm.load(tmp_path / "m")


@pytest.mark.skipif(sys.platform != "linux", reason="pseudo-terminals as on Linux")
def test_a_terminal_that_is_closed(shared, tmp_path):
    """As for SIGTERM: a checkpoint, the model so far, and the end; under nohup the run goes on."""
    import pty

    for ignored in (False, True):
        folder = tmp_path / str(ignored)
        folder.mkdir()
        terminal, end = pty.openpty()
        script = (
            "import fcntl, os, runpy, signal, sys, termios; os.setsid(); fcntl.ioctl(2, termios.TIOCSCTTY, 0); "
            f"{'signal.signal(signal.SIGHUP, signal.SIG_IGN); ' * ignored}"
            "runpy.run_module('rnnlm', run_name='__main__')"
        )
        arguments = ["train", shared / "text.txt", *LONG.split()]
        with start_python("-c", script, *arguments, cwd=folder, stdin=end, stderr=end) as process:
            os.close(end)
            wait_for(folder / "m.rnnlm.checkpoint", process)
            os.close(terminal)
            if ignored:
                time.sleep(0.3)
                assert process.poll() is None
                process.terminate()
            assert process.wait() == 130
        assert sorted(os.listdir(folder)) == ["m.rnnlm", "m.rnnlm.checkpoint"]
