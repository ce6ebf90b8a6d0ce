"""Drawn scenes for the data set `shapes`: `draw_scene` gives an image and its class ids."""

from pixelwise.data.shapes_drawing.objects import CLASSES
from pixelwise.data.shapes_drawing.scene import draw_scene

__all__ = ["CLASSES", "draw_scene"]
