"""ONNX Runtime on the CPU."""

import logging
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path

import torch
from torch.export import Dim

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.types import Images, Logits
from pixelwise.inference.backends import Backend
from pixelwise.models import Segmenter


class OnnxRuntimeBackend(Backend):
    """See `make_backend`. The Segmenter normalizes, pads and crops; ONNX Runtime runs the network."""

    def __init__(self, model: Segmenter, precision: str = "fp32") -> None:
        if missing := [name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]:
            raise InvalidSpec(
                f"the backend onnxruntime needs {', '.join(missing)}; install it: pip install 'pixelwise[onnxruntime]'."
            )
        if precision != "fp32":
            raise InvalidSpec("ONNX Runtime computes in fp32 on CPUs; use --precision fp32, or another --backend.")
        import onnxruntime

        self.model = model.cpu().eval()
        multiple = model.multiple
        side = max(model.min_size, 2 * multiple)
        example = self.model.framed(torch.zeros(2, 3, side, 2 * side, dtype=torch.uint8))
        free = {0: Dim("batch"), 2: multiple * Dim("rows"), 3: multiple * Dim("columns")}
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of functions that torch's exporter itself calls
            logging.getLogger("torch.onnx").setLevel(logging.ERROR)
            file = Path(folder, "network.onnx")
            try:
                torch.onnx.export(
                    self.model.network, (example,), file, dynamic_shapes=(free,), external_data=False, verbose=False
                )
                self._session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
            except Exception as e:  # the exporter has many errors
                raise InvalidSpec(
                    f"ONNX cannot represent this network ({str(e).splitlines()[0]}); use --backend torch."
                ) from None
        self._input = self._session.get_inputs()[0].name

    @torch.inference_mode()
    def __call__(self, images: Images) -> Logits:
        """See `Backend`."""
        framed = self.model.framed(images).contiguous().numpy()
        logits = torch.from_numpy(self._session.run(None, {self._input: framed})[0])
        height, width = images.shape[-2:]
        return logits[..., :height, :width]
