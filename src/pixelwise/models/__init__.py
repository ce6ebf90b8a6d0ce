"""Networks: one file for each architecture."""

from typing import Annotated

from pydantic import SerializeAsAny

from pixelwise.core.spec import choice
from pixelwise.models.base import ModelSpec, Segmenter
from pixelwise.models.fcn import Fcn

MODELS: dict[str, type[ModelSpec]] = {"fcn": Fcn}
"""Every network by its kind. A new one is one file and one line here."""

Model = Annotated[SerializeAsAny[ModelSpec], choice("model", ModelSpec, MODELS)]
"""The type of a field that holds a network's spec."""

__all__ = ["MODELS", "Fcn", "Model", "ModelSpec", "Segmenter"]
