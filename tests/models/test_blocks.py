"""The block language of convolution networks: layers, shapes, starting weights, and what is no block."""

from __future__ import annotations

import numpy as np
import pytest

from rnnlm.errors import UsageError
from rnnlm.models import ConvNet, FeedForward
from rnnlm.models.blocks import FORMS, Builder

ABC = ("a", "b", "c")


@pytest.mark.parametrize(
    ("block", "shape"),
    [
        ("conv 6 5", (9, 8, 6)),
        ("conv 6 5 stride 2", (5, 4, 6)),
        ("conv 6 5 pad 2", (13, 12, 6)),
        ("conv 6 4 pad same", (13, 12, 6)),
        ("conv 6 3 pad 1 stride 3 groups 2", (5, 4, 6)),
        ("conv 6 3 groups 2 stride 3 pad 1", (5, 4, 6)),
        ("pool 2", (6, 6, 4)),
        ("pool 3 stride 2", (6, 5, 4)),
        ("pool 3 stride 2 pad 1", (7, 6, 4)),
        ("average 4", (3, 3, 4)),
        ("average 3 pad 1 stride 1", (13, 12, 4)),
        ("norm", (13, 12, 4)),
        ("batch", (13, 12, 4)),
        ("layer", (13, 12, 4)),
        ("dropout 0.5", (13, 12, 4)),
        ("affine 7", (7,)),
        ("  affine   7 ", (7,)),
    ],
)
def test_blocks_know_the_shape_of_what_comes_out(block, shape):
    builder = Builder((13, 12, 4), "relu", np.random.default_rng(0), "float32")
    builder.block(block)
    x = np.ones((2, 13, 12, 4), np.float32)
    for layer in builder.layers:
        x, _ = layer.forward(x)
    assert builder.shape == x.shape[1:] == shape
    assert x.dtype == np.float32


def test_blocks_of_vectors_and_the_numbers_of_dropouts():
    model = ConvNet((7,), ABC, blocks=["affine 6", "dropout 0.1", "layer", "batch", "norm", "dropout 0", "affine 2"])
    assert [layer.number for layer in model.network.layers if type(layer).__name__ == "Dropout"] == [0, 1]
    assert model.outputs(np.ones((2, 7))).shape == (2, 3)
    assert ConvNet((4, 4, 1), ABC, blocks=[]).network.params["2.W"].value.shape == (16, 3)


def test_starting_weights_fit_the_activation():
    """He's for rectified units, Glorot's for the others and for the outputs, which have none."""
    for activation, deviation in [("relu", (2 / 900) ** 0.5), ("tanh", (2 / (900 + 500)) ** 0.5)]:
        model = FeedForward((900,), ABC, layers=[500], activation=activation)
        assert model.network.params["2.W"].value.std() == pytest.approx(deviation, rel=0.01)
        assert not model.network.params["2.b"].value.any()
        assert model.network.params["4.W"].value.std() == pytest.approx((2 / 503) ** 0.5, rel=0.05)
        again = ConvNet((30, 30, 1), ABC, blocks=["affine 500"], activation=activation)
        for name in ("2.W", "4.W"):
            found, expected = again.network.params[name].value, model.network.params[name].value
            assert found.std() == pytest.approx(expected.std(), rel=0.05)
    filters = ConvNet((9, 9, 8), ABC, blocks=["conv 400 5"]).network.params["1.W"].value
    assert filters.std() == pytest.approx((2 / 200) ** 0.5, rel=0.01)


NOT_WRITTEN = ["conv", "conv 3", "conv 3 x", "conv 3 3 3", "conv 3 3 stride", "conv 3 3 stride 2 pad", "pool",
               "conv 3 3 pad 1 pad 1", "conv 3 3 pad valid", "conv 3 3 stride 2.5", "conv 3 3 same", "pool 2 3",
               "pool 2 pad same", "pool 2 groups 2", "average", "average 2 x", "norm 5", "batch 3", "layer x",
               "affine", "affine many", "affine 3 4", "affine 3 stride 2", "dropout", "dropout half"]  # fmt: skip


@pytest.mark.parametrize("block", NOT_WRITTEN)
def test_a_block_written_wrongly(block):
    with pytest.raises(UsageError) as caught:
        ConvNet((9, 9, 4), ABC, blocks=["conv 4 1", block])
    assert str(caught.value) == f"block {block!r} is not written as it should be: {FORMS[block.split()[0]]}."


@pytest.mark.parametrize("block", ["", "  ", "convolution 3 3", "Conv 3 3", "3"])
def test_a_block_that_there_is_not(block):
    with pytest.raises(UsageError, match=r"is not known\. Blocks are: conv FILTERS SIZE .*, norm, .*dropout RATE\.$"):
        ConvNet((9, 9, 4), ABC, blocks=[block])


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ("conv 0 3", "0 is not possible, give at least 1"),
        ("conv -2 3", "-2 is not possible"),
        ("conv 3 0", "size=0 is too small"),
        ("conv 3 3 stride 0", "stride=0 is too small"),
        ("conv 3 3 pad -1", "padding=-1 is too small"),
        ("conv 3 3 pad same stride 2", "stride=2 has no one meaning"),
        ("conv 4 3 groups 3", "channels=4 cannot be divided into groups=3"),
        ("conv 5 3 groups 2", "filters=5 cannot be divided into groups=2"),
        ("conv 4 3 groups 0", "groups=0 is too small"),
        ("conv 3 11", "a window of 11 rows does not fit into 9"),
        ("pool 10", "a window of 10 rows does not fit into 9"),
        ("pool 0", "size=0 is too small"),
        ("pool 2 stride 0", "stride=0 is too small"),
        ("pool 2 pad 2", "padding=2 leaves windows of size=2 empty"),
        ("average 10", "a window of 10 rows does not fit into 9"),
        ("affine 0", "0 is not possible"),
        ("dropout 1", "dropout 1.0 is not a rate"),
        ("dropout nan", "dropout nan is not a rate"),
    ],
)
def test_a_block_that_does_not_fit(block, reason):
    with pytest.raises(UsageError) as caught:
        ConvNet((9, 9, 4), ABC, blocks=["norm", block])
    assert str(caught.value).startswith(f"block {block!r} on an input of 9×9×4: ")
    assert reason in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("block", ["conv 3 3", "pool 2", "average 2"])
@pytest.mark.parametrize(("shape", "below"), [((12,), []), ((9, 9, 1), ["affine 12"])])
def test_blocks_for_images_say_so(block, shape, below):
    with pytest.raises(UsageError, match=r"on an input of 12: it needs images, height × width × channels\. Give the"):
        ConvNet(shape, ABC, blocks=[*below, block])
