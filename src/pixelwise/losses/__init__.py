"""Losses: one file each, and the class weights."""

from typing import Annotated

from pydantic import SerializeAsAny

from pixelwise.core.spec import choice
from pixelwise.losses.base import LossFunction, LossSpec, LossValue
from pixelwise.losses.cross_entropy import CrossEntropy
from pixelwise.losses.dice import Dice
from pixelwise.losses.focal import Focal

LOSSES: dict[str, type[LossSpec]] = {"cross_entropy": CrossEntropy, "dice": Dice, "focal": Focal}
"""Every loss by its kind. A new one is one file and one line here."""

Loss = Annotated[SerializeAsAny[LossSpec], choice("loss", LossSpec, LOSSES)]
"""The type of a field that holds a loss's spec."""

__all__ = ["LOSSES", "CrossEntropy", "Dice", "Focal", "Loss", "LossFunction", "LossSpec", "LossValue"]
