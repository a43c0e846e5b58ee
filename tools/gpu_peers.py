"""PyTorch's side of tools/gpu_bench.py: nn.Embedding -> nn.RNN(tanh) on cuDNN -> nn.Linear, or its adaptive softmax.

A window is forward, backward, clipping by the norm and plain SGD, as ours, with the ids on the GPU beforehand and
nothing that waits for it. `WAYS` are the ways to run it: eager, eager with a sparse gradient of the embedding (fewer
bytes where the vocabulary is large), captured as one CUDA graph, and through torch.compile.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

from peers import columns, network

Run = Callable[[int], float]  # so many windows -> seconds

CLIP, RATE = 5.0, 0.01
WARM_UP = 3  # windows before a graph is captured


def why_not() -> str:
    """Why PyTorch cannot be measured here; empty where it can."""
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        return "PyTorch is not installed"
    return "" if torch.cuda.is_available() else "this PyTorch sees no GPU"


def use_precision(name: str) -> Any:
    """Make PyTorch round the factors of products as ours do; returns the context in which to compute."""
    torch = importlib.import_module("torch")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = name == "tf32"
    return torch.autocast("cuda", dtype=torch.bfloat16, enabled=name == "bf16")


class Peer:
    """One network of PyTorch's with its text; `eager`, `compiled` and `graph` return a `Run` of its training."""

    def __init__(self, kind: str, corpus: Any, hidden: int, streams: int, steps: int, precision: str, device: str):
        torch = importlib.import_module("torch")
        self.context = use_precision(precision)
        self.net = network(kind, len(corpus.vocabulary), hidden, 0.0).to(device)
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=RATE)
        self.ids, self.steps = columns(corpus, streams).to(device), steps
        self.state = torch.zeros(1, streams, hidden, device=device)
        self.place = 0
        self.wait = torch.cuda.synchronize if device != "cpu" else lambda: None
        self.cross_entropy = torch.nn.functional.cross_entropy if kind == "full" else None
        self.loss: Callable[..., tuple[Any, Any]] = self.mean_nll

    def window(self) -> tuple[Any, Any]:
        """The next words and their targets, (T, B)."""
        self.place = self.place if self.place + self.steps < len(self.ids) else 0
        x, y = (self.ids[self.place + more : self.place + more + self.steps] for more in (0, 1))
        self.place += self.steps
        return x, y

    def mean_nll(self, x: Any, y: Any, state: Any) -> tuple[Any, Any]:
        """The mean cross-entropy of y after x, both (T, B), and the state after them."""
        h, state = self.net["rnn"](self.net["embedding"](x), state)
        flat, target = h.flatten(0, 1), y.flatten()
        if self.cross_entropy is None:
            return self.net["output"](flat, target).loss, state
        return self.cross_entropy(self.net["output"](flat), target), state

    def update(self, x: Any, y: Any, state: Any) -> Any:
        """One window of truncated back-propagation; returns the state after it, detached."""
        torch = importlib.import_module("torch")
        with self.context:
            loss, state = self.loss(x, y, state)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        table = self.net["embedding"].weight
        if table.grad.is_sparse:
            table.grad = table.grad.coalesce()  # each row once, so that its norm is right
        present = [p.grad for p in self.net.parameters() if p.grad is not None]  # a tail without words has none
        gradients = [gradient.values() if gradient.is_sparse else gradient for gradient in present]
        factor = (CLIP / torch.nn.utils.get_total_norm(gradients)).clamp(max=1.0)
        torch._foreach_mul_(gradients, factor)
        self.optimizer.step()
        return state.detach()

    def timed(self, step: Callable[[], None]) -> Run:
        """A `Run` of a step: once without measuring, then so many times."""

        def run(windows: int) -> float:
            step()
            self.wait()
            began = time.perf_counter()
            for _ in range(windows):
                step()
            self.wait()
            return time.perf_counter() - began

        return run

    def eager(self, sparse: bool = False) -> Run:
        """A `Run` as PyTorch works by default; with `sparse` the embedding has a sparse gradient."""
        self.net["embedding"].sparse = sparse

        def step() -> None:
            self.state = self.update(*self.window(), self.state)

        return self.timed(step)

    def compiled(self) -> Run:
        """A `Run` with the forward pass compiled by torch.compile."""
        self.loss = importlib.import_module("torch").compile(self.mean_nll)
        return self.eager()

    def graph(self) -> Run:
        """A `Run` with the whole window captured as one CUDA graph, which one call launches."""
        torch = importlib.import_module("torch")
        self.net["embedding"].sparse = False
        x, y = (part.clone() for part in self.window())

        def whole() -> None:
            self.state.copy_(self.update(x, y, self.state))

        side_stream = torch.cuda.Stream()
        side_stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side_stream):
            for _ in range(WARM_UP):
                whole()
        torch.cuda.current_stream().wait_stream(side_stream)
        self.optimizer.zero_grad(set_to_none=True)
        captured = torch.cuda.CUDAGraph()
        with torch.cuda.graph(captured):
            whole()

        def step() -> None:
            for part, new in zip((x, y), self.window(), strict=True):
                part.copy_(new)
            captured.replay()

        return self.timed(step)


WAYS: dict[str, Callable[[Peer], Run]] = {
    "eager": Peer.eager,
    "eager, sparse rows": lambda peer: peer.eager(sparse=True),
    "CUDA graph": Peer.graph,
    "torch.compile": Peer.compiled,
}


def memory() -> float:
    """The largest memory that PyTorch has reserved since `forget`, in MB (10⁶ bytes)."""
    return importlib.import_module("torch").cuda.max_memory_reserved() / 1e6


def forget() -> None:
    """Free the memory that is not needed, and measure the largest from now on."""
    torch = importlib.import_module("torch")
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
