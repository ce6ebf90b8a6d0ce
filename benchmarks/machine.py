"""Description of the machine that a benchmark runs on, with its peak speed."""

import time

import torch

from pixelwise.core.machine import describe_machine


def describe() -> dict[str, object]:
    """Hardware, library versions, and the machine's own best speed at matrix products, in GFLOP/s."""
    return {**describe_machine(), "peak_gflops": {"fp32": peak(torch.float32), "bf16": peak(torch.bfloat16)}}


def peak(dtype: torch.dtype) -> float:
    """The best of several products of 2048×2048 matrices, in GFLOP/s."""
    side, best = 2048, float("inf")
    a, b = torch.randn(side, side).to(dtype), torch.randn(side, side).to(dtype)
    for _ in range(8):
        began = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - began)
    return round(2 * side**3 / best / 1e9, 1)
