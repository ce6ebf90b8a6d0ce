"""Options of inference, shared by evaluate, predict, report, export and serve. Imports no torch."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal

from pixelwise.core.errors import InvalidSpec

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
BackendName = Literal["torch", "openvino", "onnxruntime"]
Precision = Literal["fp32", "bf16", "int8"]


@dataclass(frozen=True)
class InferenceOptions:
    """How predictions are computed.

    Args:
        device: where torch computes: auto is CUDA, else MPS, else CPU; the other backends compute on the CPU
        backend: library that computes; openvino and onnxruntime are extras, and faster on a CPU
        precision: fp32; bf16 and int8 (openvino only, calibrated on training images) are faster and change some pixels
        flip: test-time augmentation: average the probabilities with those of the mirrored image
        scales: test-time augmentation: average the probabilities over these multiples of the usual image size
        window: height and width of sliding windows, which overlap by half; else images are predicted whole
    """

    device: DeviceName = "auto"
    backend: BackendName = "torch"
    precision: Precision = "fp32"
    flip: bool = False
    scales: tuple[float, ...] = (1.0,)
    window: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for name, value, choices in (
            ("device", self.device, DeviceName), ("backend", self.backend, BackendName),
            ("precision", self.precision, Precision),
        ):  # fmt: skip
            if value not in choices.__args__:  # type: ignore[attr-defined]  # a Literal has them
                raise InvalidSpec(f"{name}={value!r} does not exist; choose from: {', '.join(choices.__args__)}.")  # type: ignore[attr-defined]
        object.__setattr__(self, "scales", _scales(self.scales))
        object.__setattr__(self, "window", _window(self.window))

    @property
    def text(self) -> str:
        """Test-time augmentation and sliding windows as text: `flip, scales 0.75 1`. Empty for plain predictions."""
        scales = " ".join(repr(scale).removesuffix(".0") for scale in self.scales)
        parts = {"flip": self.flip, f"scales {scales}": self.scales != (1.0,)}
        if self.window:
            parts[f"window {self.window[0]} {self.window[1]}"] = True
        return ", ".join(words for words, used in parts.items() if used)

    @property
    def flags(self) -> str:
        """The same as flags of the command line, each with a space before it."""
        return "".join(f" --{part}" for part in self.text.split(", ") if part)

    def result_name(self, split: str) -> str:
        """Name of a split's result with these options; see `SplitResult.name`."""
        return f"{split}, {self.text}" if self.text else split

    @property
    def is_reference(self) -> bool:
        """Whether torch computes in fp32: the results that a run stores."""
        return (self.backend, self.precision) == ("torch", "fp32")

    def replace(self, **fields: object) -> "InferenceOptions":
        """A copy with some fields replaced."""
        return dataclasses.replace(self, **fields)  # type: ignore[arg-type]  # checked when it is made


def _scales(scales: tuple[float, ...]) -> tuple[float, ...]:
    """The scales in ascending order, so that the order in which they are given does not matter."""
    if not scales:
        raise InvalidSpec("scales: none is given; give one or more factors above 0, such as 0.75 1 1.25.")
    for scale in scales:
        if not 0 < scale < math.inf:
            raise InvalidSpec(f"scales: {scale:g} is not a factor above 0 for both sides of an image.")
        if list(scales).count(scale) > 1:
            raise InvalidSpec(f"scales: {scale:g} is given twice; give each scale once.")
    return tuple(sorted(float(scale) for scale in scales))


def _window(window: tuple[int, ...] | None) -> tuple[int, int] | None:
    if window is None:
        return None
    if len(window) != 2 or any(side < 1 for side in window):
        given = " ".join(map(str, window)) or "nothing"
        raise InvalidSpec(f"window: expected a height and a width in pixels, such as 360 480, not {given}.")
    return window[0], window[1]
