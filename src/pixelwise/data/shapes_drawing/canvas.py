"""A canvas, and a brush that draws the shapes of an object on it.

Objects are described in meters. A brush is placed at the foot of one object and draws upright shapes that face the
camera; their points are (across, up): meters to the right of the foot, and above the ground. A shape is filled where
its signed distance is negative, and its edge is smoothed over one pixel.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt16

from pixelwise.data.shapes_drawing.view import Camera, Color, Light, Plane, Point, noise, rgb

VISIBLE = 0.6
"""Shapes whose half width or half height is less than this number of pixels are not drawn."""


class Paint(NamedTuple):
    """Surface of a shape.

    Attributes:
        color: Color in white light.
        texture: Strength of the canvas's texture on the surface.
        slope: Brightness that is added from the center of the shape to its right side, and to its top.
        rough: Meters by which the texture moves the shape's edge.
        glows: Whether the surface is a lamp, which has its color in any light.
    """

    color: Color
    texture: float = 0.0
    slope: tuple[float, float] = (0.0, 0.0)
    rough: float = 0.0
    glows: bool = False


class Canvas:
    """A picture in the making.

    Attributes:
        image: RGB, about 0..1.
        owner: Number of the object that each pixel shows; later objects have higher numbers.
        classes: Class id of each object.
        texture: Noise with lumps of a few pixels, about -1..1.
        x: Center of each column.
        y: Center of each row.
    """

    def __init__(self, rng: np.random.Generator, size: tuple[int, int]) -> None:
        self.size = size
        self.image: Float[np.ndarray, "3 H W"] = np.zeros((3, *size), np.float32)
        self.owner: UInt16[np.ndarray, "H W"] = np.zeros(size, np.uint16)
        self.classes: list[int] = []
        self.y = np.arange(size[0], dtype=np.float32)[:, None] + 0.5
        self.x = np.arange(size[1], dtype=np.float32)[None] + 0.5
        cell = max(1.5, min(size) / 44)
        self.texture: Plane = 1.6 * noise(rng, self.y / cell, self.x / cell) + 0.7 * rng.random(size, np.float32) - 1.15

    def new_object(self, class_id: int) -> int:
        """Number of a new object."""
        self.classes.append(class_id)
        return len(self.classes) - 1


class Window(NamedTuple):
    """Part of a canvas around a shape.

    Attributes:
        area: Rows and columns.
        across: Meters to the right of the foot, of each column.
        up: Meters above the ground, of each row.
        middle: Center of the shape.
        reach: Half of the shape's width and height.
    """

    area: tuple[slice, slice]
    across: Float[np.ndarray, "1 w"]
    up: Float[np.ndarray, "h 1"]
    middle: Point
    reach: Point


class Brush:
    """Draws the shapes of one object. With `both`, a shape is drawn together with its mirror image.

    Args:
        canvas: The canvas.
        camera: The camera.
        light: The light.
        foot: The object's place on the ground: meters to the right of the camera, and in front of it.
        class_id: The object's class.
        mirrored: Whether the object's left and right are exchanged.

    Attributes:
        scale: Pixels per meter.
        vanishing: The point at the horizon that lines away from the camera lead to.
        sun: Direction of the sun as the object sees it, from -1 (left) to 1 (right).
    """

    def __init__(
        self, canvas: Canvas, camera: Camera, light: Light, foot: Point, class_id: int, *, mirrored: bool = False
    ) -> None:
        self.canvas, self.light, self.distance = canvas, light, foot[1]
        self.column, self.row, self.scale = camera.project(foot)
        self.vanishing = (-foot[0], camera.height)
        self.right = -1 if mirrored else 1
        self.sun = self.right * light.sun
        self.across = (canvas.x - self.column) * (self.right / self.scale)
        self.up = (self.row - canvas.y) / self.scale
        self.number = canvas.new_object(class_id)

    def behind(self, point: Point, depth: float) -> Point:
        """Where a point appears that lies `depth` meters further back."""
        share = self.distance / (self.distance + depth)
        across, up = self.vanishing
        return across + share * (point[0] - across), up + share * (point[1] - up)

    def polygon(self, corners: Sequence[Point], paint: Paint, *, rounded: float = 0.0) -> None:
        """Fills a convex polygon; `rounded` meters are added around it, with round corners."""
        across, up = zip(*corners, strict=True)
        window = self.window((min(across), min(up)), (max(across), max(up)), rounded)
        if window:
            self.fill(window, polygon_distance(window, corners) - rounded, paint)

    def box(self, low: Point, high: Point, paint: Paint, *, rounded: float = 0.0, both: bool = False) -> None:
        """Fills a rectangle between two corners; see `polygon`."""
        window = self.window(low, high, rounded, both=both)
        if window:
            across = abs(window.across - (low[0] + high[0]) / 2) - (high[0] - low[0]) / 2
            up = abs(window.up - (low[1] + high[1]) / 2) - (high[1] - low[1]) / 2
            self.fill(window, np.maximum(across, up) - rounded, paint)

    def boxes(self, count: int, pitch: float, up: float, half: Point, paint: Paint) -> None:
        """Fills a row of equal rectangles, `pitch` meters apart, with their centers `up` meters above the ground.

        The row is centered at the foot; `half` is half of the width and height of a rectangle.
        """
        last = (count - 1) / 2
        window = self.window((-last * pitch - half[0], up - half[1]), (last * pitch + half[0], up + half[1]))
        if window and half[0] * self.scale > VISIBLE:
            nearest = (np.rint(window.across / pitch + last) - last).clip(-last, last)
            across = abs(window.across - pitch * nearest) - half[0]
            self.fill(window, np.maximum(across, abs(window.up - up) - half[1]), paint)

    def ellipse(self, center: Point, radii: Point, paint: Paint, *, both: bool = False) -> None:
        """Fills an ellipse with radii across and up."""
        low, high = (center[0] - radii[0], center[1] - radii[1]), (center[0] + radii[0], center[1] + radii[1])
        window = self.window(low, high, both=both)
        if window:
            across, up = (window.across - center[0]) / radii[0], (window.up - center[1]) / radii[1]
            self.fill(window, (np.sqrt(across * across + up * up) - 1) * min(radii), paint)

    def line(self, start: Point, end: Point, width: float, paint: Paint, *, both: bool = False) -> None:
        """Draws a line of `width` meters with round ends."""
        low, high = (min(start[0], end[0]), min(start[1], end[1])), (max(start[0], end[0]), max(start[1], end[1]))
        window = self.window(low, high, width / 2, both=both)
        if window:
            self.fill(window, line_distance(window.across, window.up, start, end) - width / 2, paint)

    def window(self, low: Point, high: Point, margin: float = 0.0, *, both: bool = False) -> Window | None:
        """The part of the canvas between two corners, and a pixel around it; None if nothing of it can be seen."""
        reach = ((high[0] - low[0]) / 2 + margin, (high[1] - low[1]) / 2 + margin)
        middle = ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2)
        if min(reach) * self.scale < VISIBLE:
            return None
        if both:
            reach, middle = (abs(middle[0]) + reach[0], reach[1]), (0.0, middle[1])
        column, row = self.column + self.right * self.scale * middle[0], self.row - self.scale * middle[1]
        half_width, half_height = self.scale * reach[0] + 1, self.scale * reach[1] + 1
        left, right = max(0, int(column - half_width)), min(self.canvas.size[1], int(column + half_width + 1))
        top, bottom = max(0, int(row - half_height)), min(self.canvas.size[0], int(row + half_height + 1))
        if left >= right or top >= bottom:
            return None
        across, up = self.across[:, left:right], self.up[top:bottom]
        return Window((slice(top, bottom), slice(left, right)), abs(across) if both else across, up, middle, reach)

    def fill(self, window: Window, distance: Plane, paint: Paint, shade: Plane | float = 1.0) -> None:
        """Paints where the distance in meters is negative; `shade` is the brightness before the paint's slope."""
        color = paint.color if paint.glows else self.light.on(paint.color, self.distance)
        if paint.rough:
            distance = distance - paint.rough * self.canvas.texture[window.area]
        if paint.texture:
            shade = shade + paint.texture * self.canvas.texture[window.area]
        if paint.slope[0]:
            shade = shade + paint.slope[0] / window.reach[0] * (window.across - window.middle[0])
        if paint.slope[1]:
            shade = shade + paint.slope[1] / window.reach[1] * (window.up - window.middle[1])
        cover = np.minimum(np.maximum(0.5 - self.scale * distance, 0), 1)
        image = self.canvas.image[:, *window.area]
        image += cover * (rgb(color) * shade - image)
        self.canvas.owner[window.area][distance < 0] = self.number


def polygon_distance(window: Window, corners: Sequence[Point]) -> Plane:
    """Largest signed distance to the lines through the sides of a convex polygon."""
    points = np.array(corners, np.float32)
    sides = points[np.arange(1, len(points) + 1) % len(points)] - points
    left_turn = sides[0, 0] * sides[1, 1] > sides[0, 1] * sides[1, 0]
    length = np.sqrt((sides * sides).sum(1)) * (1 if left_turn else -1)
    across, up = sides[:, 1] / length, -sides[:, 0] / length
    offset = across * points[:, 0] + up * points[:, 1]
    lines = across[:, None, None] * window.across + (up[:, None, None] * window.up - offset[:, None, None])
    distance: Plane = lines.max(0)
    return distance


def line_distance(x: Float[np.ndarray, "1 w"], y: Float[np.ndarray, "h 1"], start: Point, end: Point) -> Plane:
    """Distance to the line between two points."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    x, y = x - start[0], y - start[1]
    squared = max(dx * dx + dy * dy, 1e-6)
    along = np.minimum(np.maximum(x * (dx / squared) + y * (dy / squared), 0), 1)
    across, up = x - dx * along, y - dy * along
    distance: Plane = np.sqrt(across * across + up * up)
    return distance
