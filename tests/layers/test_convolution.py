"""Convolution and pooling against their definitions: values, gradients, edges of the image, ties, threads."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from gradient_checks import agree, gradients, randomize, values

from rnnlm import ops
from rnnlm.checks.formulas import convolution as ref
from rnnlm.errors import UsageError
from rnnlm.layers import AveragePool1d, AveragePool2d, Convolution1d, Convolution2d, MaxPool1d, MaxPool2d, initializers
from rnnlm.ops.numba import NumbaBackend


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(params=["numpy", "numba"], autouse=True)
def backend(request):
    yield ops.use(request.param)
    ops.use()


# (N, h, w, C, F), size, stride, padding, groups
CONVOLUTIONS = [
    ((1, 1, 1, 1, 1), 1, 1, 0, 1),
    ((2, 3, 4, 3, 2), 1, 1, 0, 1),
    ((2, 5, 6, 2, 4), 3, 1, 1, 1),
    ((2, 5, 6, 4, 6), 3, 2, 1, 2),
    ((3, 4, 4, 3, 3), 2, 1, "same", 3),
    ((1, 4, 5, 2, 3), (4, 5), 1, 0, 1),  # the kernel is the image
    ((1, 2, 2, 2, 2), 3, 1, 2, 1),  # the kernel is larger than the image
    ((2, 8, 7, 1, 2), 2, 3, 0, 1),  # lines that no window sees
    ((1, 7, 6, 2, 2), (2, 3), (3, 1), (1, 0), 2),
    ((1, 5, 5, 1, 3), (4, 2), 1, "same", 1),
    ((2, 6, 5, 2, 2), (1, 3), (2, 4), (0, 2), 1),
]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("sizes", "size", "stride", "padding", "groups"), CONVOLUTIONS)
def test_convolution(sizes, size, stride, padding, groups, bias):
    N, h, w, C, F = sizes
    options = {"stride": stride, "padding": padding, "groups": groups, "bias": bias, "dtype": "float64"}
    layer = Convolution2d(C, F, size, rng=rng(), **options)
    randomize(layer.params, 1)

    def run(p, x):
        b = p["b"] if bias else np.zeros(F)
        return ref.convolution(x, p["W"], b, layer.windows.stride, layer.windows.border, groups)

    assert_gradients(layer, run, rng(2).normal(size=(N, h, w, C)))
    first = Convolution2d(C, F, size, rng=rng(), first=True, **options)
    randomize(first.params, 1)
    x = rng(2).normal(size=(N, h, w, C))
    y, tape = first.forward(x)
    assert tape is x
    assert first.backward(rng(3).normal(size=y.shape), tape) is None
    agree({name: 2 * g for name, g in gradients(first.params).items()}, gradients(layer.params))


def assert_gradients(layer, run, x):
    """Values and gradients agree with those of run(params, x); a second backward call adds."""
    y, tape = layer.forward(x)
    p, dy = values(layer.params), rng(3).normal(size=y.shape)
    agree(y, run(p, x))
    expected, dx = grad(lambda both: anp.sum(dy * run(*both)))((p, x))
    for times in (1, 2):
        agree(layer.backward(dy, tape), dx)
        agree(gradients(layer.params), {name: times * g for name, g in expected.items()})


SEQUENCES = [  # (T, B, C, F), size, options
    ((6, 2, 3, 2), 3, {}),
    ((7, 1, 2, 2), 2, {"stride": 2, "padding": 1}),
    ((5, 3, 2, 4), 4, {"padding": "same", "groups": 2}),
    ((5, 2, 1, 2), 3, {"causal": True}),
    ((1, 2, 2, 2), 4, {"causal": True}),
    ((6, 1, 2, 1), 3, {"causal": True, "stride": 2}),
]


@pytest.mark.parametrize(("sizes", "size", "options"), SEQUENCES)
def test_convolution_over_time(sizes, size, options):
    T, B, C, F = sizes
    layer = Convolution1d(C, F, size, rng=rng(), dtype="float64", **options)
    randomize(layer.params, 1)
    border = (size - 1, 0) if options.get("causal") else layer.windows.border[0]
    groups, stride = options.get("groups", 1), options.get("stride", 1)

    def run(p, x):  # every stream as an image of its own
        images = anp.transpose(x, (1, 0, 2))[:, :, None]
        y = ref.convolution(images, p["W"], p["b"], (stride, 1), (border, (0, 0)), groups)
        return anp.transpose(y[:, :, 0], (1, 0, 2))

    assert_gradients(layer, run, rng(2).normal(size=(T, B, C)))


@pytest.mark.parametrize(("dtype", "close"), [("float32", 1e-5), ("float64", 1e-12)])
def test_values_are_those_of_numpy_convolve(dtype, close):
    x, w = rng(1).normal(size=40).astype(dtype), rng(2).normal(size=4).astype(dtype)
    whole = np.convolve(x, w[::-1])  # a convolution of a text-book turns the filter round
    for options, expected in (
        ({}, whole[3:40]),
        ({"causal": True}, whole[:40]),
        ({"padding": "same"}, whole[2:42]),
        ({"padding": 3}, whole),
        ({"padding": 3, "stride": 5}, whole[::5]),
    ):
        layer = Convolution1d(1, 1, 4, rng=rng(), dtype=dtype, **options)
        layer.params["W"].value[:, 0, 0, 0] = w
        y = layer.forward(x[:, None, None])[0]
        assert y.dtype == dtype
        np.testing.assert_allclose(y[:, 0, 0], expected, close, close)


@pytest.mark.parametrize(("dtype", "close"), [("float32", 1e-4), ("float64", 1e-11)])
@pytest.mark.parametrize("sizes", [(2, 40, 37, 3, 30, 5), (3, 21, 70, 20, 50, 3)])
def test_values_are_those_of_the_fourier_transform(sizes, dtype, close):
    N, h, w, C, F, k = sizes
    layer = Convolution2d(C, F, k, padding=k - 1, rng=rng(), dtype=dtype)
    randomize(layer.params, 1)
    x, W = rng(2).normal(size=(N, h, w, C)).astype(dtype), layer.params["W"].value
    room = (h + k - 1, w + k - 1)
    fx = np.fft.rfft2(x.astype(float), room, axes=(1, 2))
    fW = np.fft.rfft2(W[::-1, ::-1].astype(float), room, axes=(0, 1))
    expected = np.fft.irfft2(np.einsum("nhwc,hwcf->nhwf", fx, fW), room, axes=(1, 2)) + layer.params["b"].value
    y, _ = layer.forward(x)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, expected, close, close * np.abs(expected).max())


def test_everything_stays_float32():
    for layer, shape in (
        (Convolution2d(4, 6, 3, padding=1, groups=2, rng=rng()), (2, 5, 6, 4)),
        (Convolution1d(4, 6, 3, causal=True, rng=rng()), (5, 2, 4)),
        (MaxPool2d(3, 2, 1), (2, 5, 6, 4)),
        (AveragePool2d(3, 2, 1), (2, 5, 6, 4)),
    ):
        x = rng(1).normal(size=shape).astype(np.float32)
        y, tape = layer.forward(x)
        dx = layer.backward(y, tape)
        assert (y.dtype, dx.dtype, dx.shape) == (np.float32, np.float32, x.shape)
        assert all(param.grad.dtype == np.float32 for param in layer.params.values())


POOLS = [  # (N, h, w, C), size, stride, padding
    ((1, 1, 1, 1), 1, None, 0),
    ((2, 4, 6, 3), 2, None, 0),
    ((2, 5, 7, 2), 3, 2, 0),
    ((1, 5, 4, 2), 3, 1, 1),
    ((1, 5, 6, 1), (2, 3), (3, 1), (1, 2)),
    ((2, 4, 3, 2), (4, 3), None, 0),  # the window is the image
    ((1, 7, 7, 1), 2, 3, 0),  # lines that no window sees
    ((1, 2, 2, 2), 4, 1, 3),  # larger than the image
]


@pytest.mark.parametrize(("shape", "size", "stride", "padding"), POOLS)
@pytest.mark.parametrize(("kind", "formula"), [(MaxPool2d, ref.max_pool), (AveragePool2d, ref.average_pool)])
def test_pooling(kind, formula, shape, size, stride, padding):
    layer = kind(size, stride, padding)
    for x in (rng(2).normal(size=shape), rng(2).integers(-3, 0, shape).astype(float)):  # the second has many ties
        assert_gradients(
            layer, lambda _, x: formula(x, layer.windows.size, layer.windows.stride, layer.windows.border), x
        )


@pytest.mark.parametrize(("kind", "formula"), [(MaxPool1d, ref.max_pool), (AveragePool1d, ref.average_pool)])
@pytest.mark.parametrize(("size", "stride", "padding"), [(2, None, 0), (3, 1, 1), (2, 3, 1)])
def test_pooling_over_time(kind, formula, size, stride, padding):
    x = rng(2).normal(size=(7, 3, 2))
    border = ((padding, padding), (0, 0))
    assert_gradients(
        kind(size, stride, padding), lambda _, x: formula(x[None], (size, 1), (stride or size, 1), border)[0], x
    )


def test_the_first_of_equal_numbers_gets_the_gradient_and_padding_never_wins():
    x = -np.ones((1, 2, 2, 1))
    y, tape = MaxPool2d(3, 1, 1).forward(x)
    assert y.ravel().tolist() == [-1] * 4
    assert MaxPool2d(3, 1, 1).backward(np.ones_like(y), tape).ravel().tolist() == [4, 0, 0, 0]
    y, _ = AveragePool2d(3, 1, 1).forward(x)
    assert y.ravel().tolist() == [-1] * 4  # not -4/9: what lies outside does not count


def test_a_maximum_does_not_hide_what_is_not_a_number():
    x = np.zeros((1, 2, 4, 1))
    x[0, 0, 0], x[0, 1, 3] = np.nan, np.nan
    assert np.isnan(MaxPool2d(2).forward(x)[0]).all()


def test_any_number_of_threads_gives_the_same_bits():
    x = rng(1).normal(size=(3, 40, 41, 33)).astype(np.float32)
    W = rng(2).normal(size=(5, 3, 33, 50)).astype(np.float32)  # a patch is more than one block of the kernels
    b = W[0, 0, 0]
    for images in (x, x[:1]):
        found = []
        for threads in (1, 2, 3, 5):
            backend = NumbaBackend(threads)
            y = backend.convolve(images, W, b, (1, 2))
            best, where = backend.max_pool(images, (3, 3), (2, 2), ((1, 1), (0, 1)))
            found.append(
                [
                    y,
                    *backend.filter_gradient(images, y, (1, 2), (5, 3)),
                    backend.convolve_backward(y, W, (1, 2), images.shape[1:3]),
                    best,
                    backend.max_pool_backward(best, where, (3, 3), (2, 2), ((1, 1), (0, 1)), images.shape[1:3]),
                    backend.average_pool_backward(best, (3, 3), (2, 2), ((1, 1), (0, 1)), images.shape[1:3]),
                ]
            )
        for others in found[1:]:
            for ours, theirs in zip(found[0], others, strict=True):
                np.testing.assert_array_equal(ours, theirs)


def test_starting_values_have_the_spread_of_their_papers():
    shape = (5, 5, 20, 50)
    assert initializers.he(rng(), shape).std() == pytest.approx((2 / 500) ** 0.5, rel=0.02)
    assert np.abs(initializers.glorot_uniform(rng(), shape)).max() == pytest.approx((6 / (25 * 70)) ** 0.5, rel=1e-3)
    W = Convolution2d(20, 50, 5, groups=2, rng=rng()).params["W"].value
    assert W.std() == pytest.approx((2 / 250) ** 0.5, rel=0.02)


image, sequence = np.zeros((2, 4, 5, 3)), np.zeros((4, 2, 3))


@pytest.mark.parametrize(
    ("work", "fragment"),
    [
        (lambda: Convolution2d(3, 4, 3, groups=2, rng=rng()), "channels=3 cannot be divided into groups=2"),
        (lambda: Convolution2d(4, 3, 3, groups=2, rng=rng()), "filters=3 cannot be divided into groups=2"),
        (lambda: Convolution2d(3, 4, 3, groups=0, rng=rng()), "groups=0 is too small"),
        (lambda: Convolution2d(3, 0, 3, rng=rng()), "filters=0 is too small"),
        (lambda: Convolution2d(3, 4, 0, rng=rng()), "size=0 is too small"),
        (lambda: Convolution2d(3, 4, (3, 3, 3), rng=rng()), "size=(3, 3, 3) is not known"),
        (lambda: Convolution2d(3, 4, 3, stride=0.5, rng=rng()), "stride=0.5 is not known"),
        (lambda: Convolution2d(3, 4, 3, padding=-1, rng=rng()), "padding=-1 is too small"),
        (lambda: Convolution2d(3, 4, 3, padding="full", rng=rng()), "padding='full' is not known"),
        (lambda: Convolution2d(3, 4, 3, padding="same", stride=2, rng=rng()), "stride=2 has no one meaning"),
        (lambda: Convolution2d(3, 4, 5, rng=rng()).forward(image), "5 rows does not fit into 4"),
        (lambda: Convolution2d(3, 4, (3, 8), padding=1, rng=rng()).forward(image), "8 columns does not fit into 7"),
        (lambda: Convolution2d(4, 4, 3, rng=rng()).forward(image), "of 4 channels got images of 3"),
        (lambda: Convolution2d(3, 4, 3, rng=rng()).forward(sequence), "shape (4, 2, 3)"),
        (lambda: Convolution1d(3, 4, 3, rng=rng()).forward(image), "shape (2, 4, 5, 3)"),
        (lambda: Convolution1d(3, 4, 5, rng=rng()).forward(sequence), "5 rows does not fit into 4"),
        (lambda: Convolution1d(3, 4, 3, causal=True, padding=1, rng=rng()), "padding=1"),
        (lambda: Convolution1d(3, 4, 3, padding="same", stride=2, rng=rng()), "has no one meaning"),
        (lambda: MaxPool2d(3, padding=3), "padding=3"),
        (lambda: AveragePool2d((3, 2), padding=2), "padding=2"),
        (lambda: MaxPool2d(2, 0), "stride=0 is too small"),
        (lambda: MaxPool2d(5).forward(image), "5 rows does not fit into 4"),
        (lambda: MaxPool1d(2).forward(image), "shape (2, 4, 5, 3)"),
        (lambda: AveragePool2d(2).forward(sequence), "shape (4, 2, 3)"),
    ],
)
def test_what_there_is_not(work, fragment):
    with pytest.raises(UsageError) as error:
        work()
    assert fragment in str(error.value)
    assert "\n" not in str(error.value)
