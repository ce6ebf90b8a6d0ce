"""Losses, one module each, and class weights."""

from typing import Annotated

from pydantic import SerializeAsAny

from pixelwise.core.spec import choice
from pixelwise.losses.base import LossFunction, LossSpec, LossValue
from pixelwise.losses.cross_entropy import CrossEntropy
from pixelwise.losses.dice import Dice
from pixelwise.losses.focal import Focal

LOSSES: dict[str, type[LossSpec]] = {"cross_entropy": CrossEntropy, "dice": Dice, "focal": Focal}
"""Kind -> spec class of every loss. A new loss needs a module and a line here."""

Loss = Annotated[SerializeAsAny[LossSpec], choice("loss", LossSpec, LOSSES)]
"""Type of a field that contains the spec of a loss."""

__all__ = ["LOSSES", "CrossEntropy", "Dice", "Focal", "Loss", "LossFunction", "LossSpec", "LossValue"]
