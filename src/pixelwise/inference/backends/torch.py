"""torch on its device."""

import torch

from pixelwise.core.types import Images, Logits
from pixelwise.inference.backends import Backend
from pixelwise.models import Segmenter


class TorchBackend(Backend):
    """See `make_backend`."""

    def __init__(self, model: Segmenter, precision: str = "fp32") -> None:
        self.model = model
        self._bf16 = precision == "bf16"

    @torch.inference_mode()
    def __call__(self, images: Images) -> Logits:
        """See `Backend`."""
        device = self.model.mean.device
        batch = images.to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self._bf16):
            logits: Logits = self.model(batch)
        return logits.float()
