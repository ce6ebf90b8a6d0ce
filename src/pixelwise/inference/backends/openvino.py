"""OpenVINO on the CPU."""

import logging
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from importlib.util import find_spec
from typing import Any

import torch

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.types import Images, Logits
from pixelwise.inference.backends import Backend
from pixelwise.models import Segmenter

HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
"""Precision of the operations that are not in int8."""


class OpenVinoBackend(Backend):
    """See `make_backend`. The Segmenter normalizes, pads and crops; OpenVINO runs the network.

    Attributes:
        parallel_calls: Maximum number of threads that may call the backend at the same time. A single call computes on
            all cores, several on a share of them each.
    """

    def __init__(
        self, model: Segmenter, precision: str = "fp32", calibration: Sequence[Images] = (), bulk: bool = False
    ) -> None:
        libraries = ("openvino", "nncf") if precision == "int8" else ("openvino",)
        if missing := [name for name in libraries if find_spec(name) is None]:
            raise InvalidSpec(f"the backend openvino needs {missing[0]}: pip install 'pixelwise[openvino]'.")
        without_telemetry()
        import openvino

        self.model = model.cpu().eval()
        network = _converted(self.model)
        if precision == "int8":
            network = quantized(network, calibration, lambda image: self.model.framed(image).numpy())
        hints = {"PERFORMANCE_HINT": "THROUGHPUT" if bulk else "LATENCY", "INFERENCE_PRECISION_HINT": HINTS[precision]}
        self._network = openvino.Core().compile_model(network, "CPU", hints)
        # Without bf16 in the processor, OpenVINO falls back to fp32 without a message.
        computes = self._network.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if computes != HINTS[precision]:
            raise InvalidSpec(f"OpenVINO does not compute in {precision} on this processor; use --precision fp32.")
        self.parallel_calls = self._network.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self._threads = threading.local()

    @torch.inference_mode()
    def __call__(self, images: Images) -> Logits:
        """See `Backend`."""
        if not hasattr(self._threads, "request"):
            self._threads.request = self._network.create_infer_request()
        framed = self.model.framed(images).contiguous().numpy()
        logits = torch.from_numpy(self._threads.request.infer([framed], share_inputs=True)[0])
        height, width = images.shape[-2:]
        return logits[..., :height, :width]


def _converted(model: Segmenter) -> Any:
    """The network as an OpenVINO model, for every batch size, height and width."""
    import openvino

    example = model.framed(torch.zeros(1, 3, 64, 64, dtype=torch.uint8))
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of the tracer, about shapes that are read while it traces
            return openvino.convert_model(model.network, example_input=example, input=[-1, 3, -1, -1])
    except Exception as e:  # a tracer has many errors
        raise InvalidSpec(
            f"OpenVINO cannot convert this network ({str(e).splitlines()[0]}); use --backend torch."
        ) from None


def quantized(network: Any, images: Sequence[Any], prepared: Callable[[Any], Any]) -> Any:
    """A model with convolutions in int8, whose scales come from the activations of calibration images.

    Args:
        network: OpenVINO model.
        images: Training images.
        prepared: Function from an image to the model's input.
    """
    # Its import logs that CUDA is missing, and its progress bar is printed to standard output.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    import nncf

    nncf.set_log_level("ERROR")
    with redirect_stdout(sys.stderr):
        return nncf.quantize(
            network, nncf.Dataset(images, prepared), preset=nncf.QuantizationPreset.MIXED, subset_size=len(images)
        )


def without_telemetry() -> None:
    """Disables OpenVINO's telemetry, which reports imports and conversions.

    OpenVINO uses a stub where the module of its telemetry cannot be imported.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None blocks an import
