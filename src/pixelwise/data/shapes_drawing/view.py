"""Camera and light of a scene, and what all drawing has in common: colors, points, noise."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Plane = Float[np.ndarray, "h w"]
"""One float32 number for each pixel of a part of the picture."""
Color = tuple[float, float, float]
"""RGB, 0..1."""
Point = tuple[float | int, float | int]
"""A place in meters: (to the right of the camera, in front of it) on the ground, or (across, up) on an object."""

CLEAR = 150.0
"""Distance in meters at which haze hides half of a surface's color."""


class Camera(NamedTuple):
    """A pinhole camera above flat ground.

    Attributes:
        size: Height and width of the picture in pixels.
        horizon: Row of the horizon.
        focal: Focal length in pixels.
        height: Height above the ground in meters.
    """

    size: tuple[int, int]
    horizon: float
    focal: float
    height: float

    @property
    def nearest(self) -> float:
        """Distance in meters of the ground at the bottom of the picture."""
        return self.focal * self.height / (self.size[0] - self.horizon)

    def half_width(self, distance: float) -> float:
        """Half of the width in meters that the picture shows at a distance."""
        return 0.5 * self.size[1] * distance / self.focal

    def project(self, foot: Point) -> tuple[float, float, float]:
        """Column and row of a place on the ground, and the number of pixels that a meter has there."""
        scale = self.focal / foot[1]
        return self.size[1] / 2 + foot[0] * scale, self.horizon + self.height * scale, scale


class Light(NamedTuple):
    """Light of a scene.

    Attributes:
        color: Factor on the color of every surface.
        haze: Color that distant surfaces fade to.
        sun: Direction of the sun, from -1 (left) to 1 (right).
        shadow: Darkness of shadows, 0..1.
        lamps: Whether windows and lamps are lit.
    """

    color: Color
    haze: Color
    sun: float
    shadow: float
    lamps: bool

    def on(self, color: Color, distance: float) -> Color:
        """A surface's color as it looks in this light at a distance."""
        clear = CLEAR / (CLEAR + distance)
        red, green, blue = (
            clear * own * light + (1 - clear) * haze
            for own, light, haze in zip(color, self.color, self.haze, strict=True)
        )
        return red, green, blue


def rgb(color: Color) -> Float[np.ndarray, "3 1 1"]:
    """A color as an array that spreads over a picture."""
    return np.array(color, np.float32)[:, None, None]


def noise(rng: np.random.Generator, y: Float[np.ndarray, "h 1"], x: Float[np.ndarray, "1 w"]) -> Plane:
    """Smooth noise, 0..1: random numbers at whole coordinates, joined smoothly. Coordinates are 0 or more."""
    top, left = y[:, 0].astype(int), x[0].astype(int)
    down, right = (t * t * (3 - 2 * t) for t in (y - top[:, None], x - left))  # no kinks at whole coordinates
    lattice = rng.random((int(top.max()) + 2, int(left.max()) + 2), np.float32)
    lattice = lattice[top] + down.astype(np.float32) * (lattice[top + 1] - lattice[top])
    start = lattice[:, left]
    plane: Plane = start + right.astype(np.float32) * (lattice[:, left + 1] - start)
    return plane
