"""The machine of a run: device, precision, threads and worker processes, hardware and library versions."""

import os
import platform
from contextlib import AbstractContextManager
from importlib.metadata import version

import torch

from pixelwise.core.spec import Spec


class Machine(Spec):
    """Device, precision and parallelism of a run.

    Attributes:
        device: `cpu`, `cuda` or `mps`.
        precision: Precision of the training step, `fp32` or `bf16`.
        threads: Number of threads of torch's CPU operators. The last bits of sums depend on it.
        workers: Number of processes that prepare samples.
    """

    device: str
    precision: str
    threads: int
    workers: int

    @property
    def torch_device(self) -> torch.device:
        """The device as a `torch.device`."""
        return torch.device(self.device)

    def autocast(self) -> AbstractContextManager[None]:
        """Returns the autocast context of the forward pass in training."""
        return torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bf16")


def available_cores() -> int:
    """Returns the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_has_bf16() -> bool:
    """Returns whether the CPU multiplies bf16 matrices in hardware (AVX-512 BF16 or AMX)."""
    flags = set(_cpuinfo("flags").split())
    return "avx512_bf16" in flags or "amx_bf16" in flags


def describe_machine() -> dict[str, str | int]:
    """Returns the library versions and the hardware that environment.json stores."""
    facts: dict[str, str | int] = {
        "python": platform.python_version(),
        **{library: version(library) for library in ("pixelwise", "torch", "torchvision", "numpy", "Pillow")},
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": _cpuinfo("model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 1,
    }
    if torch.cuda.is_available():
        facts["gpu"] = torch.cuda.get_device_name()
    return facts


def _cpuinfo(key: str) -> str:
    """Returns a field of the first core in /proc/cpuinfo; empty on other systems than Linux."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123  # a system file
            return next((line.split(":", 1)[1].strip() for line in lines if line.split(":")[0].strip() == key), "")
    except OSError:
        return ""
