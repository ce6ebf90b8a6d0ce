"""Recipes of the five reports, one module per report."""

from pixelwise.recipes.papers import ai_idd, isayama_voc2012, kerr_voc2007, lian_voc2007, xiang_cityscapes

__all__ = ["ai_idd", "isayama_voc2012", "kerr_voc2007", "lian_voc2007", "xiang_cityscapes"]
