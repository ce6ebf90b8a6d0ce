"""Calibration against torchmetrics, and temperatures that were put in and come out."""

import pytest
import torch
from torch.nn import functional as F
from torchmetrics.functional.classification import multiclass_calibration_error

from pixelwise.metrics.calibration import BINS, expected_calibration_error, fit_temperature, reliability


def case(pixels: int = 20_000, sharpness: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits, and labels drawn from what they say: calibrated, before they are sharpened."""
    generator = torch.Generator().manual_seed(5)
    logits = 2 * torch.randn(pixels, 6, generator=generator)
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    return logits * sharpness, labels


@pytest.mark.parametrize("sharpness", [0.3, 1, 4])
def test_the_error_is_that_of_torchmetrics(sharpness: float) -> None:
    logits, labels = case(sharpness=sharpness)
    reference = multiclass_calibration_error(logits.softmax(1), labels, 6, n_bins=BINS, norm="l1")
    assert expected_calibration_error(reliability(logits, labels)) == pytest.approx(reference.item(), abs=1e-4)


@pytest.mark.parametrize("sharpness", [0.25, 1, 3])
def test_the_temperature_is_the_sharpness_that_was_put_in(sharpness: float) -> None:
    logits, labels = case(sharpness=sharpness)
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(sharpness, rel=0.05)
    at = [F.cross_entropy(logits / t, labels).item() for t in (0.97 * found, found, 1.03 * found)]
    assert at[1] <= min(at)
    assert expected_calibration_error(reliability(logits / found, labels)) < 0.02


def test_parts_add_up_to_the_whole() -> None:
    logits, labels = case(300)
    parts = reliability(logits[:100], labels[:100]).plus(reliability(logits[100:], labels[100:]))
    for part, whole in zip(parts, reliability(logits, labels), strict=True):
        torch.testing.assert_close(part, whole)


def test_without_a_pixel_there_is_no_error() -> None:
    nothing = reliability(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64))
    assert expected_calibration_error(nothing) != expected_calibration_error(nothing)  # NaN
