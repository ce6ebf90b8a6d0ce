"""Recipes: functions that return an `Experiment`, registered under their names. Functions only."""

from pixelwise.recipes import ai, camvid, cityscapes, folder, idd, isayama, kerr, lian, shapes, voc, xiang
from pixelwise.recipes.registry import RECIPES, get, recipe

__all__ = [
    "RECIPES", "ai", "camvid", "cityscapes", "folder", "get", "idd", "isayama", "kerr", "lian", "recipe", "shapes",
    "voc", "xiang",
]  # fmt: skip
