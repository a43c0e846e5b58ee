"""Speed of convolution and pooling, forward and backward, on one thread, against PyTorch where it is installed.

    python tools/bench_layers.py             the table
    python tools/bench_layers.py --json      the same for a program
    python tools/bench_layers.py --threads 2 rnnlm's threads (PyTorch's too)

Every row is a layer or a stack of layers on float32 images. What begins with the first convolution does not compute
the gradient of the images, neither here nor there. The two take turns in one run, and medians of processor time are
printed, so that a busy machine disturbs both alike (with several threads, medians of time itself). PyTorch is measured
in both of its layouts, channels first and channels last, and has the better one. `GF/s` is 10⁹ multiplications and
additions a second, two a product, forward and twice backward (0 for pooling); `gain` is the time of plain NumPy, on one
thread in the same turns, over that of the compiled kernels; `ratio` is rnnlm's time over PyTorch's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

Step = Callable[[], None]
Layers = list[tuple[Any, ...]]  # ("conv", channels, filters, size, stride, padding), ("pool", size, stride), ("relu",)

LENET: Layers = [("conv", 1, 20, 5, 1, 0), ("relu",), ("pool", 2, 2)]
LENET += [("conv", 20, 50, 5, 1, 0), ("relu",), ("pool", 2, 2)]
ALEXNET: Layers = [("conv", 3, 96, 11, 4, 0), ("relu",), ("pool", 3, 2)]
ALEXNET += [("conv", 96, 256, 5, 1, 2), ("relu",), ("pool", 3, 2)]
ALEXNET += [("conv", 256, 384, 3, 1, 1), ("relu",), ("conv", 384, 384, 3, 1, 1), ("relu",)]
ALEXNET += [("conv", 384, 256, 3, 1, 1), ("relu",), ("pool", 3, 2)]

ROWS: list[tuple[str, tuple[int, ...], Layers]] = [  # name, images (N, h, w, C), layers
    ("LeNet conv 1 5x5 1-20", (64, 28, 28, 1), LENET[:1]),
    ("LeNet conv 2 5x5 20-50", (64, 12, 12, 20), LENET[3:4]),
    ("LeNet pool 1 2/2", (64, 24, 24, 20), LENET[2:3]),
    ("LeNet", (64, 28, 28, 1), LENET),
    ("AlexNet conv 1 11x11/4 3-96", (8, 227, 227, 3), ALEXNET[:1]),
    ("AlexNet conv 2 5x5 96-256", (8, 27, 27, 96), ALEXNET[3:4]),
    ("AlexNet conv 3 3x3 256-384", (8, 13, 13, 256), ALEXNET[6:7]),
    ("AlexNet conv 4 3x3 384-384", (8, 13, 13, 384), ALEXNET[8:9]),
    ("AlexNet conv 5 3x3 384-256", (8, 13, 13, 384), ALEXNET[10:11]),
    ("AlexNet pool 1 3/2", (8, 55, 55, 96), ALEXNET[2:3]),
    ("AlexNet pool 2 3/2", (8, 27, 27, 256), ALEXNET[5:6]),
    ("AlexNet pool 3 3/2", (8, 13, 13, 256), ALEXNET[12:13]),
    ("AlexNet", (8, 227, 227, 3), ALEXNET),
]


def without_dx(layers: Layers) -> bool:
    """Whether the input is the images themselves, whose gradient is not needed."""
    return layers[0][0] == "conv" and layers[0][1] in (1, 3)


def ours(shape: tuple[int, ...], layers: Layers) -> tuple[Step, float]:
    """A function that makes one forward and backward pass of ours, and its number of multiplications and additions."""
    from rnnlm.layers import Activation, Convolution2d, MaxPool2d

    rng = np.random.default_rng(1)
    stack: list[Any] = []
    for kind, *numbers in layers:
        if kind == "conv":
            channels, filters, size, stride, padding = numbers
            first = without_dx(layers) and not stack
            stack.append(Convolution2d(channels, filters, size, stride=stride, padding=padding, first=first, rng=rng))
        else:
            stack.append(MaxPool2d(*numbers) if kind == "pool" else Activation("relu"))
    images = rng.random(shape, dtype=np.float32)
    products, y = 0.0, images
    for layer in stack:
        y = layer.forward(y)[0]
        if "W" in layer.params:
            weights = layer.params["W"].value
            products += y.size * weights[..., 0].size * (2 if layer.first else 3)
    top = rng.random(y.shape, dtype=np.float32)

    def step() -> None:
        x, tapes = images, []
        for layer in stack:
            x, tape = layer.forward(x)
            tapes.append(tape)
        d = top
        for layer, tape in zip(reversed(stack), reversed(tapes), strict=True):
            d = layer.backward(d, tape)

    return step, 2 * products


def theirs(shape: tuple[int, ...], layers: Layers, layout: str) -> Step:
    """A function that makes the same pass in PyTorch, with the images in one of its memory layouts."""
    import torch
    from torch import nn

    stack: list[Any] = []
    for kind, *numbers in layers:
        if kind == "conv":
            stack.append(nn.Conv2d(*numbers))
        else:
            stack.append(nn.MaxPool2d(*numbers) if kind == "pool" else nn.ReLU())
    memory = getattr(torch, layout)
    network: Any = nn.Sequential(*stack)
    network.to(memory_format=memory)
    n, h, w, c = shape
    images = torch.rand(n, c, h, w).to(memory_format=memory).requires_grad_(not without_dx(layers))
    top = torch.rand_like(network(images))
    return lambda: network(images).backward(top)


def measure(threads: int, repeats: int) -> list[dict[str, Any]]:
    """A dictionary for every row; without PyTorch its entries are missing."""
    from rnnlm import ops
    from rnnlm.ops.threads import one_thread

    ops.use("numba", threads)

    def on_numpy(step: Step) -> Step:
        """The same pass on plain NumPy and one thread."""

        def run() -> None:
            ops.use("numpy")
            with one_thread():
                step()
            ops.use("numba", threads)

        return run

    try:
        import torch
    except ImportError:
        layouts: list[str] = []
    else:
        torch.set_num_threads(threads)
        layouts = ["contiguous_format", "channels_last"]
    clock = time.process_time if threads == 1 else time.perf_counter
    rows = []
    for name, shape, layers in ROWS:
        step, work = ours(shape, layers)
        steps = {
            "rnnlm": step,
            "numpy": on_numpy(step),
            **{layout: theirs(shape, layers, layout) for layout in layouts},
        }
        times: dict[str, list[float]] = {key: [] for key in steps}
        for turn in range(repeats + 2):
            for key, step in steps.items():
                began = clock()
                step()
                if turn >= 2:  # the first two warm up
                    times[key].append(1000 * (clock() - began))
        medians = {key: statistics.median(values) for key, values in times.items()}
        row: dict[str, Any] = {"name": name, "batch": shape[0], "ms": medians["rnnlm"]}
        row["gflops"] = work / medians["rnnlm"] / 1e6
        row["numpy_ms"], row["gain"] = medians["numpy"], medians["numpy"] / medians["rnnlm"]
        if layouts:
            row["torch_layout"] = min(layouts, key=medians.__getitem__)
            row["torch_ms"] = medians[row["torch_layout"]]
            row["ratio"] = row["ms"] / row["torch_ms"]
        rows.append(row)
        print(line(row), file=sys.stderr, flush=True)
    return rows


def line(row: dict[str, Any]) -> str:
    """A row of the table as text."""
    text = f"{row['name']:28s} {row['batch']:5d} {row['ms']:9.2f} {row['gflops']:6.1f} {row['gain']:5.2f}"
    if "ratio" in row:
        text += f" {row['torch_ms']:9.2f} {row['ratio']:6.2f}  {row['torch_layout']}"
    return text


def main() -> None:
    """Run the command line: print the table, or with --json a JSON list."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="a JSON list, for programs")
    parser.add_argument("--threads", type=int, default=1, help="threads of both (default 1)")
    parser.add_argument("--repeats", type=int, default=7, help="passes of each; medians are printed (default 7)")
    options = parser.parse_args()
    rows = measure(options.threads, options.repeats)
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'layer':28s} batch        ms   GF/s  gain  torch ms  ratio  torch's layout")
    for row in rows:
        print(line(row))


if __name__ == "__main__":
    main()
