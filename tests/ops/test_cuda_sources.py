"""The CUDA sources: the rules that they keep, and that NVIDIA's own compilers take them, where these are installed.

No GPU is needed. What a kernel is compiled for is seen from models that are trained and used on the stand-in for a GPU.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from paths import ROOT
from stand_in import DeviceArray, installed
from stand_in.kernels import KERNEL

from rnnlm.layers.initializers import RECURRENT
from rnnlm.models import MODELS
from rnnlm.ops import ops_for, use_precision
from rnnlm.ops.cuda.affine import Affine
from rnnlm.ops.cuda.kernels import FOLDER, Kernels, options, source
from rnnlm.optim.clipping import clip_norm, clip_value
from rnnlm.text import Corpus, Vocabulary
from rnnlm.text.windows import windows
from rnnlm.training import OPTIMIZERS

NAMES = sorted(file.stem for file in FOLDER.glob("*.cu"))
NVCC = shutil.which("nvcc")
FRAME = re.compile(r"properties for (\w+)\s+(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")

# kind, configuration, V, B, T: where the speed of the GPU is measured, but for V, which only makes grids larger
HEADLINES = [
    ("elman", {"hidden": 200, "classes": 0}, 2_000, 64, 35),
    ("elman", {"hidden": 1024, "classes": 0}, 500, 128, 35),
    ("rnnlm", {"hidden": 256, "classes": 40}, 2_000, 64, 35),
    ("jordan", {"hidden": 200, "classes": 40}, 2_000, 64, 35),
]
SMALL = [("rnnlm", {"hidden": 20, "classes": 7, "dropout": 0.1, "independent": True}, 60, 3, 5)]
SMALL += [(kind, {"hidden": 20, "classes": 0, "layers": 2}, 60, 3, 5) for kind in MODELS]


# what the kernels are compiled for


def words(V, tokens):
    ids = (np.random.default_rng(1).zipf(1.3, tokens) % V).astype(np.int32)
    return Corpus(
        ids, Vocabulary(["</s>", *(f"w{i}" for i in range(1, V))], np.maximum(1, 10**6 // np.arange(1, V + 1)))
    )


def used(kind, config, V, B, T, optimizers, dtype, drawn=False):
    """Two windows of training by each optimizer, one of scoring, and a word drawn, on the stand-in."""
    corpus = words(V, 3 * B * T)
    model = MODELS[kind](corpus.vocabulary, dtype=dtype, **config).to("gpu")
    for number, name in enumerate(optimizers):
        optimizer, state = OPTIMIZERS[name](model.params, 0.1, l2=1e-4), model.start(B)
        for x, y, keep in list(windows(corpus.ids, B, T, independent=config.get("independent", False)))[:2]:
            logp, state, tape = model.forward(x, y, state, keep, train=(1, number))
            ops_for(logp).total(logp)
            model.backward(tape, 1.0)
            (clip_value if number % 2 else clip_norm)(model.params.values(), 1.0)
            optimizer.step()
    model.score(x, y, model.start(B))
    if drawn:
        model.draw(x[0], model.start(B), np.random.default_rng(1))


@pytest.fixture(scope="module")
def launches():
    """(kernel, constants): the set of what was launched at the headline sizes, and the set of all. Nothing computes."""
    found = set()

    def note(self, name, grid, block, *arguments, shared=0, together=False, **constants):
        assert block % 32 == 0, name
        found.add((name, tuple(sorted(constants.items()))))
        if name == "softmax_draw":  # what it draws is looked up on the host
            for array in (one for one in arguments if isinstance(one, DeviceArray)):
                array.fill(0)

    def product(self, a, b, out=None, *, add=False):
        return DeviceArray(np.empty((*a.shape[:-1], b.shape[1]), b.dtype)) if out is None else out

    with pytest.MonkeyPatch.context() as patch, installed(kernels=True), np.errstate(all="ignore"):
        patch.setattr(Kernels, "launch", note)
        patch.setattr(Affine, "product", product)
        patch.setitem(RECURRENT, "tanh", RECURRENT["logistic"])  # an orthogonal matrix takes seconds
        for precision in ("float32", "bf16", "tf32"):
            use_precision(precision)
            for headline in HEADLINES:
                used(*headline, ["sgd"], "float32")
        use_precision("float32")
        wanted = set(found)
        for dtype in ("float32", "float64"):
            for small in SMALL:
                used(*small, list(OPTIMIZERS) if small is SMALL[0] else ["adagrad"], dtype, drawn=True)
    return wanted, found


def variants(launches, name, most=3):
    """What to compile a kernel for: (constants, whether it runs at the headline sizes), in float and in double."""
    wanted, found = ({given for kernel, given in some if kernel == name} for some in launches)
    others = sorted(found - wanted, key=str)
    double = [(given, False) for given in others if ("REAL", "double") in given]
    single = [(given, False) for given in others if ("REAL", "double") not in given]
    headlines = [(given, True) for given in sorted(wanted, key=str)]
    return (headlines or single[:1])[:most] + double[:1]


def unit(jobs, folder):
    """Several kernels as one source, each with its constants: most of a compilation is CUDA's own headers."""
    lines = []
    for number, (name, constants, *_) in enumerate(jobs):
        text = re.sub(r"(?<![\w:])::(?=\w)", f"job_{number}::", source(name))  # "::" is its own namespace
        (folder / f"{name}_{number}.cuh").write_text(text, encoding="utf-8")
        given = {**dict(constants), name: f"{name}_{number}"}
        lines += [f"#define {key} {value}" for key, value in given.items()]
        lines += [f"namespace job_{number} {{", f'#include "{name}_{number}.cuh"', "}"]
        lines += [f"#undef {key}" for key in {*given, *re.findall(r"^ *#define (\w+)", text, re.M)}]
    (folder / "unit.cu").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "unit.cu"


def compiled(jobs):
    """What nvcc says of kernels for one architecture: (exit status, its words)."""
    with tempfile.TemporaryDirectory() as folder:
        command = [NVCC, "-cubin", f"-arch={jobs[0][2]}", "-Xptxas", "-v", *options({}), "-o", os.devnull]
        done = subprocess.run([*command, unit(jobs, Path(folder))], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def cubins(launches, made_once):
    """What becomes of every kernel: {(kernel, constants, architecture, headline): its stack and spills in bytes}."""
    jobs = [
        (name, given, "sm_80" if ("REAL", "double") in given else "sm_90", headline)  # an older GPU, and an H200
        for name in NAMES
        for given, headline in variants(launches, name)
    ]
    by_gpu = [[job for job in jobs if job[2] == arch] for arch in ("sm_80", "sm_90")]
    units = [by_gpu[0], by_gpu[1][::2], by_gpu[1][1::2]]  # the kernels of a file are neighbours, and cost the same
    found = {}

    def compiled_once(number):
        return made_once(f"nvcc-{number}", lambda: compiled(units[number]))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for mine, (status, said) in zip(units, pool.map(compiled_once, range(len(units))), strict=True):
            assert status == 0, said[:5000]
            assert "warning" not in said.lower(), said[:5000]
            frames = {name: numbers for name, *numbers in FRAME.findall(said)}
            names = [f"{job[0]}_{number}" for number, job in enumerate(mine)]
            assert frames.keys() == set(names)  # everything that a kernel calls is part of it
            found |= {job: frames[name] for name, job in zip(names, mine, strict=True)}
    return found


@pytest.mark.skipif(NVCC is None, reason="needs nvcc, which compiles the kernels for a real GPU")
@pytest.mark.parametrize("name", NAMES)
def test_nvcc_compiles_every_kernel_and_it_keeps_its_registers(cubins, name):
    mine = {job: frame for job, frame in cubins.items() if job[0] == name}
    assert mine, f"nothing that a user does launches {name}"
    for (_, given, arch, headline), frame in mine.items():
        if headline:
            assert frame == ["0", "0", "0"], f"{name} {dict(given)} on {arch}: stack, spill stores, spill loads"


# NVRTC, which CuPy compiles with


def nvrtc():
    """The library, of the system or of a wheel; None where there is none."""
    places = [Path(place) / "nvidia" for place in sys.path]
    wheels = [file for place in places for file in sorted(place.glob("*/lib/libnvrtc.so.*")) if "alt" not in file.name]
    for file in (*wheels, ctypes.util.find_library("nvrtc")):
        if file is not None:
            for part in Path(file).parent.glob("libnvrtc-builtins.so.*"):
                ctypes.CDLL(str(part))  # which it looks for by name alone
            return ctypes.CDLL(str(file))
    return None


def with_nvrtc(library, name, constants):
    """What NVRTC says of a kernel, compiled as CuPy does: (exit status, its words)."""
    cupys = ("-ftz=true", "--device-as-default-execution-space", "-arch=sm_90")
    given = [option.encode() for option in (*options(dict(constants)), *cupys)]
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    status = library.nvrtcCreateProgram(
        ctypes.byref(program), source(name).encode(), f"{name}.cu".encode(), 0, None, None
    )
    assert status == 0
    status = library.nvrtcCompileProgram(program, len(given), (ctypes.c_char_p * len(given))(*given))
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    said = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, said)
    library.nvrtcDestroyProgram(ctypes.byref(program))
    return status, said.value.decode()


NVRTC = nvrtc()


@pytest.mark.skipif(NVRTC is None, reason="needs NVRTC: pip install nvidia-cuda-nvrtc")
@pytest.mark.parametrize("name", NAMES)
def test_nvrtc_compiles_every_kernel(launches, name):
    for constants, _ in variants(launches, name, most=1):
        status, said = with_nvrtc(NVRTC, name, constants)
        assert status == 0, f"{name} {dict(constants)}:\n{said[:3000]}"


# the sources themselves


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_one_kernel_that_says_what_it_replaces(name):
    text = (FOLDER / f"{name}.cu").read_text(encoding="utf-8")
    comment = "".join(re.match(r"(?://[^\n]*\n)*", text)[0])
    assert re.search(r"\breplaces\b", comment, re.I), "say which array operations it replaces"
    assert KERNEL.findall(text) == [name]
    assert 'extern "C" __global__ void __launch_bounds__(' in text


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.cu*")), ids=lambda file: file.name)
def test_sources_keep_to_what_nvrtc_knows(file):
    text = file.read_text(encoding="utf-8")
    includes = re.findall(r"#include\s+(\S+)", text)
    assert all(re.fullmatch(r'"\w+\.cuh"', one) and (FOLDER / one[1:-1]).exists() for one in includes)
    code = re.sub(r"//[^\n]*", "", text)
    assert not re.search(r"^(?!.*extern).*__shared__", code, re.M), (
        "shared memory is DYNAMIC_SHARED, given at the launch"
    )
    assert all(added.endswith(", 1u") for added in re.findall(r"atomicAdd\((.*?)\)", code)), "sums have a fixed order"
    assert not re.search(r"\b(__expf|__logf|__tanhf|__fdividef|use_fast_math)\b", code), "arithmetic is exact"


def test_the_wheel_carries_the_kernels(tmp_path):
    pytest.importorskip("hatchling", reason="needs hatchling, which builds the wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        inside = {Path(name).name for name in wheel.namelist() if name.startswith("rnnlm/ops/cuda/")}
    assert inside >= {file.name for file in FOLDER.glob("*.cu*")}
