"""The eight-layer network of Krizhevsky, Sutskever & Hinton (2012), to measure how many images a minute it learns from.

    python tools/examples/alexnet.py                 full size and half size, float32 and float64
    python tools/examples/alexnet.py --device gpu    the same on the GPU beside them
    python tools/examples/alexnet.py --batch 32 --updates 5

    full size   C-P-N-C-P-N-C-C-C-P-F-F-F    96, 256, 384, 384, 256 filters, 4096, 4096 and 1000 units, 227×227×3
    half size   C-P-N-C-P-N-F-F              48, 96 filters, 1024 and 256 units, 227×227×3

C is a convolution with rectified units, P the largest of 3×3 every 2, N local response normalization, F a fully
connected layer. The images and their classes are random numbers: nothing can be learnt from them, and it takes as
long as if there were something. An update is forward, loss, backward and momentum.

Expect on two free cores (under a minute): some 500 images a minute at full size in float32, and a third of that in
float64, which only checking needs: its convolutions run on one core.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rnnlm import ConvNet, ops
from rnnlm.ops.threads import one_thread
from rnnlm.training import Momentum

POOL = "pool 3 stride 2"
NETWORKS = {  # name -> (blocks, classes)
    "full size": (
        [
            "conv 96 11 stride 4", POOL, "norm",
            "conv 256 5 pad 2", POOL, "norm",
            "conv 384 3 pad 1", "conv 384 3 pad 1", "conv 256 3 pad 1", POOL,
            "affine 4096", "affine 4096",
        ],
        1000,
    ),
    "half size": (
        ["conv 48 11 stride 4", POOL, "norm", "conv 96 5 pad 2", POOL, "norm", "affine 1024"],
        256,
    ),
}  # fmt: skip
SHAPE = (227, 227, 3)


def images_a_minute(name: str, dtype: str, device: str, batch: int, updates: int) -> float:
    """The median over the updates, after one that does not count."""
    blocks, classes = NETWORKS[name]
    network = ConvNet(SHAPE, [str(k) for k in range(classes)], blocks=blocks, standardize="none", dtype=dtype)
    if device == "gpu":
        for param in network.params.values():
            param.set(on_gpu(param.value))
    optimizer = Momentum(network.params, 1e-4)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(batch, *SHAPE)).astype(dtype)
    y = rng.integers(0, classes, batch)
    seconds = []
    for update in range(updates + 1):
        began = time.perf_counter()
        loss, _, tape = network.forward(x, y, train=(1, update))
        network.backward(tape, 1 / batch)
        optimizer.step()
        float(loss.sum())  # waits for the device
        seconds.append(time.perf_counter() - began)
    return 60 * batch / statistics.median(seconds[1:])


def on_gpu(array: np.ndarray):
    """A copy on the GPU."""
    import cupy

    return cupy.asarray(array)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=16, help="images an update (default 16)")
    parser.add_argument("--updates", type=int, default=3, help="updates to measure; medians are printed (default 3)")
    parser.add_argument("--device", default="cpu", choices=("cpu", "gpu"), help="gpu: measure it beside the CPU")
    options = parser.parse_args()
    devices = ["cpu"] if options.device == "cpu" else ["cpu", "gpu"]
    print(f"{ops.backend().description}; batches of {options.batch} images of {'×'.join(map(str, SHAPE))}")
    for name, (blocks, classes) in NETWORKS.items():
        weights = ConvNet(SHAPE, [str(k) for k in range(classes)], blocks=blocks).facts()["weights"]
        print(f"{name}: {weights / 1e6:.1f} million weights")
        found: dict[tuple[str, str], float] = {}
        for device in devices:
            for dtype in ("float32", "float64"):
                with one_thread():
                    found[device, dtype] = images_a_minute(name, dtype, device, options.batch, options.updates)
                print(f"  {device} {dtype}: {found[device, dtype]:8,.0f} images a minute", flush=True)
            print(f"  {device}: float32 is {found[device, 'float32'] / found[device, 'float64']:.2f} times float64")
        if len(devices) > 1:
            print(f"  the GPU is {found['gpu', 'float32'] / found['cpu', 'float32']:.1f} times the CPU (float32)")
    print("in 2015 (Kishida, another machine): 15 images a minute on four cores, 95 on a GPU; float 95, double 75")


if __name__ == "__main__":
    main()
