"""What computes logits for the Predictor: torch, OpenVINO or ONNX Runtime."""

from collections.abc import Callable, Sequence
from typing import Literal

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.types import Images, Logits
from pixelwise.models import Segmenter

Backend = Callable[[Images], Logits]
"""Images, uint8, all of one size -> logits of that size, fp32, on the network's device."""
BackendName = Literal["torch", "openvino", "onnxruntime"]
PredictPrecision = Literal["fp32", "bf16", "int8"]


def make_backend(
    name: BackendName,
    model: Segmenter,
    precision: PredictPrecision,
    calibration: Sequence[Images] = (),
    bulk: bool = False,
) -> Backend:
    """A backend for a network.

    Args:
        name: Which one.
        model: The network, with its trained weights.
        precision: `fp32`; `bf16`, which hardware without it refuses or only emulates; or `int8`, of OpenVINO alone.
        calibration: Training images, each a batch of one: `int8` takes the range of every activation from them.
        bulk: Whether many images matter more than one: OpenVINO then wants to be called by several threads.

    Raises:
        InvalidSpec: Its library is not installed, cannot take this network, or does not compute in that precision.
    """
    if precision == "int8" and name != "openvino":
        raise InvalidSpec(f"{name} does not compute in int8 here; use --backend openvino.")
    if name == "torch":
        from pixelwise.engine.backends.torch import TorchBackend

        return TorchBackend(model, precision)
    if name == "openvino":
        from pixelwise.engine.backends.openvino import OpenVinoBackend

        return OpenVinoBackend(model, precision, calibration, bulk)
    from pixelwise.engine.backends.onnxruntime import OnnxRuntimeBackend

    return OnnxRuntimeBackend(model, precision)
