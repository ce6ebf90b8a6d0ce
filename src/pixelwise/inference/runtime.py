"""Device, precision, threads and workers: every `auto` resolved to what this machine has."""

import shutil

import torch
from torch import nn

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.machine import Machine, available_cores, cpu_has_bf16
from pixelwise.experiment import Fit

COMPILERS = ("c++", "g++", "clang++", "cl")
MEMORY_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
ONEDNN_BLOCK = 16  # channels that oneDNN's kernels process together with AVX-512; 8 with AVX2


def resolve_runtime(fit: Fit) -> Machine:
    """Resolves every `auto` of a training to what this machine has. A run stores the result and reuses it on resume.

    Raises:
        InvalidSpec: The requested device or a C++ compiler for `fit.compile` is missing.
    """
    device = pick_device(fit.device)
    if fit.compile and not any(map(shutil.which, COMPILERS)):
        raise InvalidSpec(
            f"fit.compile=true needs a C++ compiler, and none of {', '.join(COMPILERS)} is on the PATH: install one, or"
            " set fit.compile=false."
        )
    precision = fit.precision if fit.precision != "auto" else "bf16" if _has_bf16(device) else "fp32"
    workers = min(available_cores() - 1, 8) if fit.workers is None else fit.workers
    return Machine(device=device, precision=precision, threads=torch.get_num_threads(), workers=workers)


def pick_device(wanted: str) -> str:
    """The device of a name; `auto` is CUDA, else MPS, else CPU.

    Raises:
        InvalidSpec: The requested device is missing.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name, present in available.items() if present)
    if not available.get(wanted):
        names = ", ".join(name for name, present in available.items() if present)
        raise InvalidSpec(f"this machine has no {wanted}; available: {names}.")
    return wanted


def check_memory_layout(network: nn.Module, machine: Machine, fit: Fit) -> None:
    """Refuses a network that would crash the process during training.

    With images channels last, the CPU's weight gradient of a 1×1 convolution with a stride and fewer channels than a
    block writes past its memory (oneDNN issue 6035; observed with torch 2.15). RepVGG begins with such a layer.

    Raises:
        InvalidSpec: The network has such a layer, and it would be trained.
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


def _has_bf16(device: str) -> bool:
    """Whether the device computes bf16 products in hardware, without emulation."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device == "cpu" and cpu_has_bf16()
