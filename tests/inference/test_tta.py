"""Several views of an image: their mean is NumPy's and MONAI's, and one look at it is what it always was."""

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
from pixelwise.experiment import Experiment
from pixelwise.inference.backends import BackendName, make_backend
from pixelwise.inference.backends.torch import TorchBackend
from pixelwise.inference.predictor import Predictor
from pixelwise.inference.tta import PLAIN, Views, in_windows, mean_of, windows
from pixelwise.losses import CrossEntropy
from pixelwise.models import Fcn, ModelSpec, Segmenter
from tests.engine.test_backends import LIBRARIES, needs
from tests.networks import Small

K = 7
SIDES = st.tuples(st.integers(1, 90), st.integers(1, 90))
MANY = Views(flip=True, scales=(0.75, 1, 1.25))


class Symmetric(ModelSpec):
    """A convolution that sees what is left of a pixel as it sees what is right of it."""

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


def brute_force(model: Segmenter, image: torch.Tensor, size: tuple[int, int] | None, views: Views) -> np.ndarray:
    """Mean probabilities, view by view."""
    found = []
    for scale in views.scales:
        height, width = size or image.shape[1:]
        resized = resize_image(image, (round(scale * height), round(scale * width)))
        for mirrored in (False, True) if views.flip else (False,):
            with torch.inference_mode():
                seen = resized.flip(2) if mirrored else resized
                logits = model(seen[None])
                logits = logits.flip(3) if mirrored else logits
                found.append(softmax(F.interpolate(logits, list(image.shape[1:]), mode="bilinear")[0]))
    return np.asarray(np.mean(found, 0))


@pytest.mark.parametrize(
    ("views", "text"),
    [
        (Views(), ""),
        (Views(scales=(1,)), ""),
        (Views(flip=True), "flip"),
        (Views(scales=(1.25, 0.75, 1)), "scales 0.75 1 1.25"),
        (Views(scales=(2,), window=(360, 480)), "scales 2, window 360 480"),
        (Views(flip=True, scales=(1 / 3, 1), window=(32, 32)), "flip, scales 0.3333333333333333 1, window 32 32"),
    ],
)
def test_views_have_a_name_that_says_all_of_them(views: Views, text: str) -> None:
    assert views.text == text
    assert Views.from_json(views.to_json()) == views


def test_the_order_of_scales_is_no_other_set_of_views() -> None:
    assert Views(scales=(1.25, 1)) == Views(scales=(1, 1.25))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"scales": ()}, "scales: there is none; give one or more"),
        ({"scales": (1, 0)}, "scales: 0 is no factor above 0"),
        ({"scales": (-0.5,)}, "scales: -0.5 is no factor above 0"),
        ({"scales": (float("nan"),)}, "scales: nan is no factor above 0"),
        ({"scales": (float("inf"),)}, "scales: inf is no factor above 0"),
        ({"scales": (1, 2, 1)}, "scales: 1 is given twice"),
        ({"window": (0, 32)}, "window: 0 32 is no height and width in pixels"),
        ({"window": (64,)}, "window: 64 is no height and width in pixels"),
        ({"window": ()}, "window: nothing is no height and width in pixels"),
        ({"window": (9.5, 9)}, r"window.0: input should be a valid integer.* \(given: 9.5\)"),
        ({"windows": (32, 32)}, "there is no field 'windows' in Views. Did you mean 'window'?"),
    ],
)
def test_views_that_cannot_be_get_a_sentence(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidSpec, match=sentence):
        PLAIN.replace(**fields)


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
        evaluate = sliding_window_inference(
            batch.float(), window, 3, lambda part: model(part.to(torch.uint8)).softmax(1), overlap=0.5, mode="constant"
        )
    assert isinstance(evaluate, torch.Tensor)
    torch.testing.assert_close(
        in_windows(TorchBackend(model), window)(batch).softmax(1), evaluate, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("size", [None, (32, 48)])
@pytest.mark.parametrize(
    "views", [Views(flip=True), Views(scales=(0.5,)), Views(scales=(0.6, 1.7)), MANY], ids=lambda views: views.text
)
def test_the_mean_over_views_is_numpys(tiny: Experiment, views: Views, size: tuple[int, int] | None) -> None:
    model, seen = segmenter(Small()), images((30, 41), (30, 41), (52, 24))
    predictor = Predictor(model, tiny.replace(size=size), views=views)
    for image, logits in zip(seen, predictor.logits(seen), strict=True):
        assert logits.shape == (K, *image.shape[1:])
        np.testing.assert_allclose(softmax(logits), brute_force(model, image, size, views), atol=1e-5)
        (found,) = predictor.segment([image.permute(1, 2, 0).numpy()], confidence=True)
        assert found.confidence is not None
        np.testing.assert_allclose(found.confidence / 255, softmax(logits).max(0), atol=0.6 / 255)


@pytest.mark.parametrize("size", [None, (24, 31)])
def test_to_a_symmetric_network_a_mirror_image_is_nothing_new(tiny: Experiment, size: tuple[int, int] | None) -> None:
    seen = images((30, 41))
    for spec, same in ((Symmetric(), True), (Small(), False)):
        once, twice = (
            Predictor(segmenter(spec), tiny.replace(size=size), views=views).logits(seen)[0].softmax(0)
            for views in (PLAIN, Views(flip=True))
        )
        assert torch.allclose(once, twice, atol=1e-6) == same


def test_a_window_as_large_as_the_image_is_no_window(tiny: Experiment) -> None:
    seen, model = images((30, 41), (52, 24)), segmenter(Small())
    plain, through = (Predictor(model, tiny, views=v).logits(seen) for v in (PLAIN, Views(window=(52, 41))))
    for a, b in zip(plain, through, strict=True):
        assert torch.equal(a, b)


def test_one_look_at_an_image_is_one_call_and_the_logits_as_they_are(tiny: Experiment) -> None:
    calls: list[tuple[int, ...]] = []
    answer = torch.randn(2, K, 30, 41, generator=torch.Generator().manual_seed(2))

    def backend(batch: torch.Tensor) -> torch.Tensor:
        calls.append(tuple(batch.shape))
        return answer if batch.shape[2:] == answer.shape[2:] else torch.zeros(len(batch), K, *batch.shape[2:])

    seen, model = images((30, 41), (30, 41)), segmenter(Small())
    assert torch.equal(torch.stack(Predictor(model, tiny, backend).logits(seen)), answer)
    assert calls == [(2, 3, 30, 41)]
    calls.clear()
    Predictor(model, tiny, backend, Views(flip=True, scales=(1, 2), window=(60, 60))).logits(seen)
    assert calls == [(2, 3, 30, 41)] * 2 + [(2, 3, 60, 60)] * 4  # 60×82 is seen through two windows, twice


def test_loss_and_counts_are_those_of_the_mean_probabilities(tiny: Experiment) -> None:
    model, split = segmenter(Small()), tiny.data.build("val", Path())
    evaluated = evaluate_split(
        Predictor(model, tiny, views=MANY), split, CrossEntropy().build(torch.ones(K, dtype=torch.int64)), 2, 0
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


def test_what_every_view_excludes_keeps_a_finite_logit() -> None:
    """The mean probability of such a class is 0 in any float; a pixel of it would cost an infinite loss."""
    (found,) = mean_of([[torch.tensor([[[0.0]], [[-2000.0]]])], [torch.tensor([[[0.0]], [[-3000.0]]])]])
    assert (found[1] - found[0]).item() == pytest.approx(-2000 - np.log(2), rel=1e-6)
    total = in_windows(lambda batch: torch.stack([batch[:, 0].float(), -9e9 * batch[:, 1].float()], 1), (2, 2))
    assert total(torch.stack(images((2, 5)))).isfinite().all()


@pytest.mark.parametrize("name", LIBRARIES)
def test_whatever_computes_the_views_are_torchs(tiny: Experiment, name: BackendName) -> None:
    needs(LIBRARIES[name])
    model, seen = segmenter(Fcn()), images((70, 101), (70, 101), (20, 33))
    views = Views(flip=True, scales=(0.5, 1), window=(32, 64))
    expected = Predictor(model, tiny, views=views).logits(seen)
    found = Predictor(model, tiny, make_backend(name, model, "fp32"), views).logits(seen)
    for ours, theirs in zip(expected, found, strict=True):
        torch.testing.assert_close(theirs.softmax(0), ours.softmax(0), rtol=1e-3, atol=1e-4)


def test_a_window_that_the_network_does_not_take_is_refused() -> None:
    Views(window=(32, 32)).check(Fcn())
    with pytest.raises(InvalidSpec, match=r"a window of 31×64 is too small for fcn, which is given 32×32 pixels"):
        Views(window=(31, 64)).check(Fcn())
