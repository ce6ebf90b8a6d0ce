"""Memory of the process: allocator settings, and the peak."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of glibc's mallopt
_USUAL = {_TRIM_THRESHOLD: 128 * 1024, _MMAP_MAX: 65536}
_KEEP = {_TRIM_THRESHOLD: 2**31 - 1, _MMAP_MAX: 0}


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Context in which the C library keeps freed memory for the tensors of the next step.

    By default glibc returns large blocks to the system and requests them again, hundreds of times per training step,
    and the system zeroes every page each time. Without glibc the context does nothing.
    """
    library = _glibc()
    if library is None:
        yield
        return
    for option, value in _KEEP.items():
        library.mallopt(option, value)
    try:
        yield
    finally:
        for option, value in _USUAL.items():
            library.mallopt(option, value)
        library.malloc_trim(0)


def release_free_memory() -> None:
    """Returns free memory to the system: training and validation need tensors of different sizes."""
    if library := _glibc():
        library.malloc_trim(0)


def peak_mib(device: torch.device) -> float | None:
    """Peak memory so far, in MiB: of the GPU where one computes, else of the process.

    None where the system does not report it.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in bytes on macOS, in KiB elsewhere
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
