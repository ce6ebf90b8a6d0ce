"""Networks, one module for each architecture."""

from typing import Annotated

from pydantic import SerializeAsAny

from pixelwise.core.spec import choice
from pixelwise.models.base import DeeplySupervised, ModelSpec, Segmenter
from pixelwise.models.deeplabv3 import DeeplabV3
from pixelwise.models.deeplabv3plus import DeeplabV3Plus
from pixelwise.models.dilated_tanh_fcn import DilatedTanhFcn
from pixelwise.models.encoder_unet import EncoderUnet
from pixelwise.models.fcn import Fcn
from pixelwise.models.fcn8_vgg import Fcn8Vgg
from pixelwise.models.pp_liteseg import PpLiteseg
from pixelwise.models.r2_fcn import R2Fcn
from pixelwise.models.resnet_aspp import ResnetAspp
from pixelwise.models.resnet_fcn import ResnetFcn
from pixelwise.models.segformer import Segformer
from pixelwise.models.smp import Smp
from pixelwise.models.unet import Unet
from pixelwise.models.unet_aspp import UnetAspp
from pixelwise.models.unpool_fcn import UnpoolFcn
from pixelwise.models.valid_unet import ValidUnet

MODELS: dict[str, type[ModelSpec]] = {
    "deeplabv3": DeeplabV3,
    "deeplabv3plus": DeeplabV3Plus,
    "dilated_tanh_fcn": DilatedTanhFcn,
    "encoder_unet": EncoderUnet,
    "fcn": Fcn,
    "fcn8_vgg": Fcn8Vgg,
    "pp_liteseg": PpLiteseg,
    "r2_fcn": R2Fcn,
    "resnet_aspp": ResnetAspp,
    "resnet_fcn": ResnetFcn,
    "segformer": Segformer,
    "smp": Smp,
    "unet": Unet,
    "unet_aspp": UnetAspp,
    "unpool_fcn": UnpoolFcn,
    "valid_unet": ValidUnet,
}
"""Kind -> spec class of every network. A new network needs a module and a line here."""

Model = Annotated[SerializeAsAny[ModelSpec], choice("model", ModelSpec, MODELS)]
"""Type of a field that contains the spec of a network."""

__all__ = [
    "MODELS", "DeeplabV3", "DeeplabV3Plus", "DeeplySupervised", "DilatedTanhFcn", "EncoderUnet", "Fcn", "Fcn8Vgg",
    "Model", "ModelSpec", "PpLiteseg", "R2Fcn", "ResnetAspp", "ResnetFcn", "Segformer", "Segmenter", "Smp", "Unet",
    "UnetAspp", "UnpoolFcn", "ValidUnet",
]  # fmt: skip
