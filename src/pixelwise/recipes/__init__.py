"""Recipes: functions that return an `Experiment`, registered under their names. Functions only."""

from pixelwise.recipes import camvid, shapes, voc
from pixelwise.recipes.registry import RECIPES, get, recipe

__all__ = ["RECIPES", "camvid", "get", "recipe", "shapes", "voc"]
