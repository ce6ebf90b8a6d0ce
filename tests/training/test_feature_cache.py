"""A frozen encoder computes an image once, and training sees no difference."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pixelwise.core.errors import Interrupted
from pixelwise.data import Shapes
from pixelwise.data.transforms import Augment
from pixelwise.experiment import Experiment, Fit
from pixelwise.models import Fcn, ResnetAspp, ResnetFcn, Segmenter
from pixelwise.run import Run
from pixelwise.training import feature_cache, loop, setup
from pixelwise.training.feature_cache import FeatureCache, cacheable_variants

IMAGES, VAL = 5, 1
FIT = Fit(epochs=3, batch_size=2, device="cpu", precision="fp32", workers=0)


@pytest.fixture
def frozen(tmp_path: Path) -> Experiment:
    """A frozen encoder with the weights of a file."""
    torch.manual_seed(0)
    layers = ResnetFcn(encoder="resnet18", weights=None).build_encoder().layers
    save_file(layers.state_dict(), tmp_path / "encoder.safetensors")
    model = ResnetFcn(encoder="resnet18", weights=str(tmp_path / "encoder.safetensors"), frozen=True)
    data = Shapes(size=(64, 64), images=IMAGES)
    return Experiment(name="tests/frozen", data=data, model=model, augment=Augment(hflip=0.5), fit=FIT)


def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Images of every call of a network's encoder from now on."""
    calls: list[int] = []
    plain = Segmenter.encode

    def counted(self: Segmenter, images: torch.Tensor) -> torch.Tensor:
        calls.append(len(images))
        return plain(self, images)

    monkeypatch.setattr(Segmenter, "encode", counted)
    return calls


@pytest.mark.slow
def test_each_variant_of_each_image_is_encoded_once(frozen: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = encoded(monkeypatch)
    loop.train(frozen.with_values({"augment.hflip": "0"}))
    assert sum(calls) == IMAGES + VAL  # in three epochs
    calls.clear()
    loop.train(frozen)
    assert IMAGES + VAL < sum(calls) <= 2 * IMAGES + VAL  # with mirror images of the training split


def test_training_sees_no_difference(frozen: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    with_memory = loop.train(frozen).history()
    for module in (loop, setup):
        monkeypatch.setattr(module, "cacheable_variants", lambda *_: 0)
    without = loop.train(frozen).history()
    # Convolutions of one image and of two add in another order; BatchNorm over two images makes more of it each step.
    assert with_memory[0].train_loss == pytest.approx(without[0].train_loss, rel=1e-3)
    for one, other in zip(with_memory, without, strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-2)
        assert one.val_loss == pytest.approx(other.val_loss, rel=1e-2)


@pytest.mark.slow
def test_a_resumed_run_ends_with_the_same_weights(frozen: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = loop.train(frozen)
    begin = loop._train_round

    def stop_at_3(learner: object, number: int, *rest: object) -> object:
        if number == 3:
            raise KeyboardInterrupt
        return begin(learner, number, *rest)  # type: ignore[arg-type]  # what the loop gave

    monkeypatch.setattr(loop, "_train_round", stop_at_3)
    with pytest.raises((Interrupted, KeyboardInterrupt)):
        loop.train(frozen, out="cut")
    monkeypatch.setattr(loop, "_train_round", begin)
    cut = loop.resume(Run("cut"))
    ours, theirs = load_file(cut.last), load_file(whole.last)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("spec", [ResnetFcn(weights=None), ResnetAspp(encoder="mobilenet_v2", weights=None)])
def test_logits_are_the_networks_own(spec: ResnetFcn | ResnetAspp) -> None:
    model = Segmenter(spec.build(4), spec, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)).eval()
    images = torch.randint(0, 256, (3, 3, 70, 90), dtype=torch.uint8)
    cache = FeatureCache(model, 3)
    with torch.inference_mode():
        for _ in range(2):
            torch.testing.assert_close(cache(images), model(images), rtol=1e-3, atol=1e-4)


def test_on_a_full_disk_features_are_computed_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_cache, "RESERVE", 2**62)
    spec = ResnetAspp(encoder="mobilenet_v2", weights=None)
    model = Segmenter(spec.build(2), spec).eval()
    calls = encoded(monkeypatch)
    cache = FeatureCache(model, 2)
    images = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    images[1] = 200
    for _ in range(2):
        cache(images)
    assert sum(calls) == 4


@pytest.mark.parametrize(
    ("augment", "expected"),
    [
        (Augment(), 1),
        (Augment(hflip=0.5), 2),
        (Augment(hflip=0.5, vflip=0.1, keep_plain=True), 4),
        (Augment(crop=(8, 8)), 0),
        (Augment(rotate=3), 0),
        (Augment(rescale=(1, 2)), 0),
    ],
)
def test_features_are_cached_only_for_augmentation_with_few_outcomes(augment: Augment, expected: int) -> None:
    assert cacheable_variants(ResnetFcn(frozen=True), augment) == expected
    assert cacheable_variants(ResnetFcn(), augment) == 0
    assert cacheable_variants(Fcn(), augment) == 0
