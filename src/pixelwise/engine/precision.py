"""What the machine decides: device, precision, threads. Decided once, stored in the run, reused on resume."""

import os
import platform
import shutil
from contextlib import AbstractContextManager
from importlib.metadata import version

import torch
from torch import nn

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.spec import Spec
from pixelwise.experiment import Fit

COMPILERS = ("c++", "g++", "clang++", "cl")
MEMORY_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
ONEDNN_BLOCK = 16  # channels that its kernels take together with AVX-512; with AVX2 8


class Machine(Spec):
    """How a run computes.

    Attributes:
        device: `cpu`, `cuda` or `mps`.
        precision: Of the training step, `fp32` or `bf16`.
        threads: Of torch's operators on the CPU; sums depend on it in their last bits.
        workers: Processes that prepare samples.
    """

    device: str
    precision: str
    threads: int
    workers: int

    @property
    def torch_device(self) -> torch.device:
        """The device as torch names it."""
        return torch.device(self.device)

    def autocast(self) -> AbstractContextManager[None]:
        """Context of the training step's forward pass."""
        return torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bf16")


def decide(fit: Fit) -> Machine:
    """Turns every `auto` into what this machine has.

    Raises:
        InvalidSpec: The device, or the compiler, that was asked for is not there.
    """
    device = pick_device(fit.device)
    if fit.compile and not any(map(shutil.which, COMPILERS)):
        raise InvalidSpec(
            f"fit.compile=true wants a C++ compiler, and none of {', '.join(COMPILERS)} is on the PATH: install one, or"
            " set fit.compile=false."
        )
    precision = fit.precision if fit.precision != "auto" else "bf16" if _computes_bf16(device) else "fp32"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(cores - 1, 8) if fit.workers is None else fit.workers
    return Machine(device=device, precision=precision, threads=torch.get_num_threads(), workers=workers)


def pick_device(wanted: str) -> str:
    """`auto` is CUDA, else MPS, else CPU.

    Raises:
        InvalidSpec: The device that was asked for is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name, available in there.items() if available)
    if not there.get(wanted):
        available = ", ".join(name for name, has in there.items() if has)
        raise InvalidSpec(f"this machine has no {wanted}; available: {available}.")
    return wanted


def check_layout(network: nn.Module, machine: Machine, fit: Fit) -> None:
    """Refuses what would end the process without a word.

    With images channels last, the CPU's weight gradient of a 1×1 convolution with a stride and fewer channels than a
    block writes past its memory (oneDNN issue 6035; seen here with torch 2.15). RepVGG begins with such a layer.

    Raises:
        InvalidSpec: The network has one that learns, and would train so.
    """
    if machine.device != "cpu" or fit.memory_format != "channels_last":
        return
    for name, layer in network.named_modules():
        if (
            isinstance(layer, nn.Conv2d) and layer.weight.requires_grad and layer.in_channels < ONEDNN_BLOCK
            and layer.kernel_size == (1, 1) and layer.stride != (1, 1)
        ):  # fmt: skip
            raise InvalidSpec(
                f"torch crashes on the CPU when it trains layer {name} of this network (1×1, stride {layer.stride[0]},"
                f" {layer.in_channels} channels) with images channels last: set fit.memory_format=contiguous."
            )


def describe() -> dict[str, str | int]:
    """Versions and hardware, for the record."""
    facts: dict[str, str | int] = {
        "python": platform.python_version(),
        **{library: version(library) for library in ("pixelwise", "torch", "torchvision", "numpy", "Pillow")},
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
    }
    if torch.cuda.is_available():
        facts["gpu"] = torch.cuda.get_device_name()
    return facts


def _computes_bf16(device: str) -> bool:
    """Whether bf16 products are made by the hardware, not emulated."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "cpu":
        return "avx512_bf16" in _cpu_flags() or "amx_bf16" in _cpu_flags()
    return False


def _cpu_flags() -> set[str]:
    return set(_cpuinfo("flags").split())


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _cpuinfo(key: str) -> str:
    """A field of Linux's description of the first core; empty elsewhere."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123  # not a file of the user's
            return next((line.split(":", 1)[1].strip() for line in lines if line.split(":")[0].strip() == key), "")
    except OSError:
        return ""
