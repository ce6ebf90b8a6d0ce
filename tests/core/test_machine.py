"""Machine of a run: device, autocast, and the description that environment.json stores."""

import json
import os

import pytest
import torch

from pixelwise.core import machine
from pixelwise.core.machine import Machine, available_cores, cpu_has_bf16, describe_machine


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_the_forward_pass_computes_in_the_precision_of_the_machine(precision: str, dtype: torch.dtype) -> None:
    here = Machine(device="cpu", precision=precision, threads=1, workers=0)
    assert here.torch_device == torch.device("cpu")
    with here.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
    assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_a_machine_survives_json() -> None:
    here = Machine(device="cpu", precision="bf16", threads=3, workers=2)
    assert Machine.from_json(here.to_json()) == here


def test_the_description_has_versions_and_hardware_and_fits_into_json() -> None:
    facts = describe_machine()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["pixelwise"]
    assert torch.__version__.startswith(str(facts["torch"]))
    assert facts["cores"] == os.cpu_count()
    assert all(facts[key] for key in ("python", "torchvision", "numpy", "Pillow", "platform", "processor"))
    assert ("gpu" in facts) == torch.cuda.is_available()


def test_cores_are_those_that_the_process_may_use() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx2 avx512_bf16", True), ("fpu amx_bf16", True), ("fpu avx2 avx512f", False), ("", False)],
)
def test_bf16_is_found_in_the_flags_of_the_processor(
    monkeypatch: pytest.MonkeyPatch, flags: str, expected: bool
) -> None:
    monkeypatch.setattr(machine, "_cpuinfo", lambda key: flags if key == "flags" else "")
    assert cpu_has_bf16() == expected
