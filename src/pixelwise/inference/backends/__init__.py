"""Backends: torch, OpenVINO and ONNX Runtime compute the logits for the Predictor."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.types import Images, Logits
from pixelwise.inference.options import BackendName, Precision
from pixelwise.models import Segmenter


@runtime_checkable
class Backend(Protocol):
    """Computes logits.

    Attributes:
        parallel_calls: Maximum number of threads that may call the backend at the same time.
    """

    parallel_calls: int = 1

    def __call__(self, images: Images) -> Logits:
        """Images, uint8, all of one size, to logits of that size, fp32, on the network's device."""
        ...


def make_backend(
    name: BackendName, model: Segmenter, precision: Precision, calibration: Sequence[Images] = (), bulk: bool = False
) -> Backend:
    """The backend of a network.

    Args:
        name: Name of the backend.
        model: The network, with its trained weights.
        precision: `fp32`; `bf16`, which is refused or emulated without hardware support; or `int8`, OpenVINO only.
        calibration: Training images, each a batch of one, from which `int8` takes the range of the activations.
        bulk: Whether throughput over many images matters more than the latency of one: OpenVINO is then called by
            several threads.

    Raises:
        InvalidSpec: The library is not installed, cannot run this network, or does not support the precision.
    """
    if precision == "int8" and name != "openvino":
        raise InvalidSpec(f"{name} does not compute in int8 here; use --backend openvino.")
    if name == "torch":
        from pixelwise.inference.backends.torch import TorchBackend

        return TorchBackend(model, precision)
    if name == "openvino":
        from pixelwise.inference.backends.openvino import OpenVinoBackend

        return OpenVinoBackend(model, precision, calibration, bulk)
    from pixelwise.inference.backends.onnxruntime import OnnxRuntimeBackend

    return OnnxRuntimeBackend(model, precision)
