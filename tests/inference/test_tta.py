"""Test-time augmentation and sliding windows: their means are those of NumPy and MONAI."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data.utils import dense_patch_slices
from monai.inferers.utils import sliding_window_inference
from torch import nn
from torch.nn import functional as F

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.label_space import IGNORE
from pixelwise.data.transforms import resize_image
from pixelwise.evaluation.evaluate import evaluate_split
from pixelwise.experiment import Experiment
from pixelwise.inference.backends import Backend, make_backend
from pixelwise.inference.backends.torch import TorchBackend
from pixelwise.inference.options import BackendName, InferenceOptions
from pixelwise.inference.predictor import Predictor
from pixelwise.inference.sliding_window import SlidingWindow, check_window, windows
from pixelwise.inference.tta import mean_of
from pixelwise.losses import CrossEntropy
from pixelwise.models import Fcn, ModelSpec, Segmenter
from tests.inference.test_backends import LIBRARIES, needs
from tests.networks import Small

K = 8
SIDES = st.tuples(st.integers(1, 90), st.integers(1, 90))
MANY = InferenceOptions(flip=True, scales=(0.75, 1, 1.25))


class Symmetric(ModelSpec):
    """A convolution that treats the left and the right of a pixel alike."""

    kind: str = "symmetric"

    def build(self, num_classes: int) -> nn.Module:
        network = nn.Conv2d(3, num_classes, 3, padding=1)
        with torch.no_grad():
            network.weight.copy_((network.weight + network.weight.flip(3)) / 2)
        return network


def segmenter(spec: ModelSpec) -> Segmenter:
    torch.manual_seed(0)
    return Segmenter(spec.build(K), spec, (0.4, 0.5, 0.6), (0.2, 0.2, 0.3)).eval()


def images(*sizes: tuple[int, int]) -> list[torch.Tensor]:
    chance = torch.Generator().manual_seed(1)
    return [torch.randint(0, 256, (3, *size), dtype=torch.uint8, generator=chance) for size in sizes]


def softmax(logits: torch.Tensor) -> np.ndarray:
    """Of the first axis, by NumPy in twice the digits."""
    values = logits.double().numpy()
    powers = np.exp(values - values.max(0))
    return np.asarray(powers / powers.sum(0))


def brute_force(
    model: Segmenter, image: torch.Tensor, size: tuple[int, int] | None, options: InferenceOptions
) -> np.ndarray:
    """Mean probabilities, copy by copy."""
    found = []
    for scale in options.scales:
        height, width = size or image.shape[1:]
        resized = resize_image(image, (round(scale * height), round(scale * width)))
        for mirrored in (False, True) if options.flip else (False,):
            with torch.inference_mode():
                seen = resized.flip(2) if mirrored else resized
                logits = model(seen[None])
                logits = logits.flip(3) if mirrored else logits
                found.append(softmax(F.interpolate(logits, list(image.shape[1:]), mode="bilinear")[0]))
    return np.asarray(np.mean(found, 0))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (InferenceOptions(), ""),
        (InferenceOptions(scales=(1,)), ""),
        (InferenceOptions(flip=True), "flip"),
        (InferenceOptions(scales=(1.25, 0.75, 1)), "scales 0.75 1 1.25"),
        (InferenceOptions(scales=(2,), window=(360, 480)), "scales 2, window 360 480"),
        (
            InferenceOptions(flip=True, scales=(1 / 3, 1), window=(32, 32)),
            "flip, scales 0.3333333333333333 1, window 32 32",
        ),
    ],
)
def test_options_have_a_text_that_names_all_of_them(options: InferenceOptions, text: str) -> None:
    assert options.text == text
    assert options.replace() == options


def test_the_order_of_scales_does_not_matter() -> None:
    assert InferenceOptions(scales=(1.25, 1)) == InferenceOptions(scales=(1, 1.25))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"scales": ()}, "scales: none is given; give one or more"),
        ({"scales": (1, 0)}, "scales: 0 is not a factor above 0"),
        ({"scales": (-0.5,)}, "scales: -0.5 is not a factor above 0"),
        ({"scales": (float("nan"),)}, "scales: nan is not a factor above 0"),
        ({"scales": (float("inf"),)}, "scales: inf is not a factor above 0"),
        ({"scales": (1, 2, 1)}, "scales: 1 is given twice"),
        ({"window": (0, 32)}, "window: expected a height and a width in pixels.* not 0 32"),
        ({"window": (64,)}, "not 64"),
        ({"window": ()}, "not nothing"),
        ({"backend": "tensorrt"}, "backend='tensorrt' does not exist; choose from: torch, openvino, onnxruntime"),
        ({"device": "tpu"}, "device='tpu' does not exist; choose from: auto, cpu, cuda, mps"),
        ({"precision": "fp8"}, "precision='fp8' does not exist; choose from: fp32, bf16, int8"),
    ],
)
def test_invalid_options_are_refused_in_one_sentence(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidSpec, match=sentence):
        InferenceOptions().replace(**fields)


@given(SIDES, SIDES)
def test_windows_cover_every_pixel_and_overlap_by_half(size: tuple[int, int], window: tuple[int, int]) -> None:
    seen, areas = np.zeros(size, np.int64), windows(size, window)
    for area in areas:
        assert seen[area].shape == (min(size[0], window[0]), min(size[1], window[1]))
        seen[area] += 1
    assert seen.min() >= 1
    for axis, side in enumerate(window):
        starts = sorted({area[axis].start for area in areas})
        assert all(0 < after - before <= max(1, side / 2) for before, after in pairwise(starts))


@given(SIDES, SIDES)
def test_windows_lie_where_monais_do(size: tuple[int, int], window: tuple[int, int]) -> None:
    assert windows(size, window) == dense_patch_slices(size, window, [max(1, side // 2) for side in window])


@pytest.mark.parametrize(
    ("size", "window"), [((40, 56), (16, 24)), ((33, 47), (32, 30)), ((64, 32), (64, 16)), ((20, 90), (20, 21))]
)
def test_through_windows_the_probabilities_are_monais(size: tuple[int, int], window: tuple[int, int]) -> None:
    model, batch = segmenter(Small()), torch.stack(images(size, size))
    with torch.inference_mode():
        reference = sliding_window_inference(
            batch.float(), window, 3, lambda part: model(part.to(torch.uint8)).softmax(1), overlap=0.5, mode="constant"
        )
    assert isinstance(reference, torch.Tensor)
    torch.testing.assert_close(
        SlidingWindow(TorchBackend(model), window)(batch).softmax(1), reference, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("size", [None, (32, 48)])
@pytest.mark.parametrize(
    "options",
    [InferenceOptions(flip=True), InferenceOptions(scales=(0.5,)), InferenceOptions(scales=(0.6, 1.7)), MANY],
    ids=lambda options: options.text,
)
def test_the_mean_over_copies_is_numpys(
    tiny: Experiment, options: InferenceOptions, size: tuple[int, int] | None
) -> None:
    model, seen = segmenter(Small()), images((30, 41), (30, 41), (52, 24))
    predictor = Predictor(model, tiny.replace(image_size=size), options=options)
    for image, logits in zip(seen, predictor.logits(seen), strict=True):
        assert logits.shape == (K, *image.shape[1:])
        np.testing.assert_allclose(softmax(logits), brute_force(model, image, size, options), atol=1e-5)
        (found,) = predictor.segment([image.permute(1, 2, 0).numpy()], confidence=True)
        assert found.confidence is not None
        np.testing.assert_allclose(found.confidence / 255, softmax(logits).max(0), atol=0.6 / 255)


@pytest.mark.parametrize("size", [None, (24, 31)])
def test_a_mirror_image_changes_nothing_for_a_symmetric_network(tiny: Experiment, size: tuple[int, int] | None) -> None:
    seen = images((30, 41))
    for spec, same in ((Symmetric(), True), (Small(), False)):
        once, twice = (
            Predictor(segmenter(spec), tiny.replace(image_size=size), options=options).logits(seen)[0].softmax(0)
            for options in (InferenceOptions(), InferenceOptions(flip=True))
        )
        assert torch.allclose(once, twice, atol=1e-6) == same


def test_a_window_as_large_as_the_image_is_no_window(tiny: Experiment) -> None:
    seen, model = images((30, 41), (52, 24)), segmenter(Small())
    plain, through = (
        Predictor(model, tiny, options=v).logits(seen) for v in (InferenceOptions(), InferenceOptions(window=(52, 41)))
    )
    for a, b in zip(plain, through, strict=True):
        assert torch.equal(a, b)


def test_a_plain_prediction_is_one_call_and_its_logits_are_unchanged(tiny: Experiment) -> None:
    calls: list[tuple[int, ...]] = []
    answer = torch.randn(2, K, 30, 41, generator=torch.Generator().manual_seed(2))

    class Answering(Backend):
        def __call__(self, images: torch.Tensor) -> torch.Tensor:
            calls.append(tuple(images.shape))
            return answer if images.shape[2:] == answer.shape[2:] else torch.zeros(len(images), K, *images.shape[2:])

    backend = Answering()

    seen, model = images((30, 41), (30, 41)), segmenter(Small())
    assert torch.equal(torch.stack(Predictor(model, tiny, backend).logits(seen)), answer)
    assert calls == [(2, 3, 30, 41)]
    calls.clear()
    Predictor(model, tiny, backend, InferenceOptions(flip=True, scales=(1, 2), window=(60, 60))).logits(seen)
    assert calls == [(2, 3, 30, 41)] * 2 + [(2, 3, 60, 60)] * 4  # 60×82 has two windows, and is mirrored


def test_loss_and_counts_are_those_of_the_mean_probabilities(tiny: Experiment) -> None:
    model, split = segmenter(Small()), tiny.data.build("val", Path())
    evaluated = evaluate_split(
        Predictor(model, tiny, options=MANY), split, CrossEntropy().build(torch.ones(K, dtype=torch.int64)), 2, 0
    )
    counts, losses = np.zeros((K, K), np.int64), []
    for index in range(len(split)):
        sample = split[index]
        labels, mean = sample.labels.numpy(), brute_force(model, sample.image, None, MANY)
        valid = labels != IGNORE
        np.add.at(counts, (labels[valid], mean.argmax(0)[valid]), 1)
        losses += (-np.log(np.take_along_axis(mean, np.where(valid, labels, 0)[None], 0)[0])[valid]).tolist()
    assert evaluated.matrix.tolist() == counts.tolist()
    assert evaluated.loss == pytest.approx(np.mean(losses), rel=1e-5)


def test_a_class_that_every_copy_excludes_keeps_a_finite_logit() -> None:
    """The mean probability of such a class is 0 in any float; a pixel of it would cost an infinite loss."""
    (found,) = mean_of([[torch.tensor([[[0.0]], [[-2000.0]]])], [torch.tensor([[[0.0]], [[-3000.0]]])]])
    assert (found[1] - found[0]).item() == pytest.approx(-2000 - np.log(2), rel=1e-6)

    class Extreme(Backend):
        def __call__(self, images: torch.Tensor) -> torch.Tensor:
            return torch.stack([images[:, 0].float(), -9e9 * images[:, 1].float()], 1)

    total = SlidingWindow(Extreme(), (2, 2))
    assert total(torch.stack(images((2, 5)))).isfinite().all()


@pytest.mark.slow
@pytest.mark.parametrize("name", LIBRARIES)
def test_every_backend_agrees_with_torch(tiny: Experiment, name: BackendName) -> None:
    needs(LIBRARIES[name])
    model, seen = segmenter(Fcn()), images((70, 101), (70, 101), (20, 33))
    options = InferenceOptions(flip=True, scales=(0.5, 1), window=(32, 64))
    expected = Predictor(model, tiny, options=options).logits(seen)
    found = Predictor(model, tiny, make_backend(name, model, "fp32"), options).logits(seen)
    for ours, theirs in zip(expected, found, strict=True):
        torch.testing.assert_close(theirs.softmax(0), ours.softmax(0), rtol=1e-3, atol=1e-4)


def test_a_window_below_the_minimum_of_the_network_is_refused() -> None:
    check_window((32, 32), Fcn())
    with pytest.raises(InvalidSpec, match=r"a window of 31×64 is too small for fcn, whose minimum is 32×32 pixels"):
        check_window((31, 64), Fcn())
