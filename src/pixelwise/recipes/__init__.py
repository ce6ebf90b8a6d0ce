"""Recipes: functions that return an `Experiment`, registered under their names."""

from pixelwise.recipes import camvid, cityscapes, folder, idd, papers, shapes, voc
from pixelwise.recipes.registry import RECIPES, get, recipe

__all__ = ["RECIPES", "camvid", "cityscapes", "folder", "get", "idd", "papers", "recipe", "shapes", "voc"]
