"""How the process holds on to its memory."""

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
    """Lets the C library keep what tensors free, for the next step's tensors; afterwards it is given back.

    By default it gives large blocks back to the system and asks for them again, hundreds of times in a training step,
    and the system fills every page with zeros each time. Does nothing where the C library is not glibc.
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


def give_back() -> None:
    """Gives the system what is free now: training and evaluation hold tensors of other sizes, and need not hold both."""
    if library := _glibc():
        library.malloc_trim(0)


def peak_mib(device: torch.device) -> float | None:
    """The most that the process has held so far, in MiB: of the GPU's memory where it computes there, else of its own.

    None where the system does not tell.
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
