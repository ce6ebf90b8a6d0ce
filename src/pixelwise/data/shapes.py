"""Shapes: toy photographs with labels, drawn by code. Nothing to download, the same pictures on every machine.

What makes real sets hard is in it, in small: most pixels are background, the commonest class covers many times as many
as the rarest, objects hide each other and leave the frame, and a border of void pixels surrounds every object, as in
PASCAL VOC. Color and texture are drawn without regard to the class, so that only the shape tells it.

An outline is a signed distance: negative inside, zero on the outline, positive outside. Corners are sharp: near them
the distance is the one to the nearer edge's line.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from pydantic import Field

from pixelwise.core.label_space import IGNORE, RGB, LabelSpace
from pixelwise.core.seeding import generator
from pixelwise.data.base import DataSpec, Sample

Plane = Float[np.ndarray, "h w"]
"""One number for each pixel of a window of the picture."""

BORDER = 1.25
"""Void reaches this many pixels to both sides of an outline: about 2.5 pixels in all."""


def disc(x: Plane, y: Plane) -> Plane:
    """Signed distance to a disc of radius 1, like those below in units of the shape's radius."""
    away: Plane = np.sqrt(x * x + y * y) - 1
    return away


def square(x: Plane, y: Plane) -> Plane:
    """Signed distance to a square of half side 0.85."""
    away: Plane = np.maximum(abs(x), abs(y)) - 0.85
    return away


def triangle(x: Plane, y: Plane) -> Plane:
    """Signed distance to an equilateral triangle of inner radius 0.65."""
    away: Plane = np.maximum(y, 3**0.5 / 2 * abs(x) - y / 2) - 0.65
    return away


def ring(x: Plane, y: Plane) -> Plane:
    """Signed distance to a ring between the radii 0.46 and 1.06."""
    away: Plane = abs(np.sqrt(x * x + y * y) - 0.76) - 0.30
    return away


def cross(x: Plane, y: Plane) -> Plane:
    """Signed distance to two crossed bars of half width 0.36 and half length 1.05."""
    long, wide = np.maximum(abs(x), abs(y)), np.minimum(abs(x), abs(y))
    away: Plane = np.maximum(long - 1.05, wide - 0.36)
    return away


def star(x: Plane, y: Plane) -> Plane:
    """Signed distance to a star of five points at radius 1.25, with notches at radius 0.65."""
    turn = np.pi / 5
    angle = abs((np.arctan2(x, y) + turn) % (2 * turn) - turn)  # all ten edges folded onto one
    radius = np.sqrt(x * x + y * y)
    along, down = 0.65 * np.sin(turn), 1.25 - 0.65 * np.cos(turn)  # from the tip to the notch
    away: Plane = (down * radius * np.sin(angle) + along * (radius * np.cos(angle) - 1.25)) / np.hypot(along, down)
    return away


class Kind(NamedTuple):
    """A class of objects.

    Attributes:
        distance: Its outline, in units of its radius.
        color: Its color in label pictures; the photographs do not know it.
        share: How many of all objects it is, 0..1.
        radius: Its mean radius as a part of the picture's shorter side.
    """

    distance: Callable[[Plane, Plane], Plane]
    color: RGB
    share: float
    radius: float


KINDS = (
    Kind(disc, (230, 60, 70), share=0.34, radius=0.26),
    Kind(square, (60, 130, 240), share=0.24, radius=0.25),
    Kind(triangle, (70, 190, 90), share=0.17, radius=0.24),
    Kind(ring, (250, 190, 50), share=0.12, radius=0.22),
    Kind(cross, (170, 80, 210), share=0.08, radius=0.21),
    Kind(star, (40, 205, 205), share=0.05, radius=0.20),
)
"""A long tail, in how often a class appears and in how large it is."""

SPACE = LabelSpace(
    names=("background", *(kind.distance.__name__ for kind in KINDS)),
    colors=((0, 0, 0), *(kind.color for kind in KINDS)),
    raw_ids=tuple(range(len(KINDS) + 1)),
    void={IGNORE: "border"},
)

OBJECTS = (0.30, 0.30, 0.20, 0.12, 0.08)
"""Probability of 1, 2, … objects in a picture."""


class Shapes(DataSpec):
    """The data set `shapes`.

    Attributes:
        size: Height and width of the pictures, each 32 or more.
        images: Pictures to train on; `val` and `test` have a quarter of it each, at least one.
        seed: Decides the pictures.
    """

    kind: Literal["shapes"] = "shapes"
    size: tuple[Annotated[int, Field(ge=32)], Annotated[int, Field(ge=32)]] = (128, 128)
    images: int = Field(default=400, ge=1)
    seed: int = Field(default=0, ge=0)

    splits: ClassVar[tuple[str, ...]] = ("train", "val", "test")

    @property
    def label_space(self) -> LabelSpace:
        """Background and the shapes, the commonest first."""
        return SPACE

    def build(self, split: str, root: Path) -> "ShapesSplit":  # noqa: ARG002 (the contract's; there are no files)
        """Opens one split; `root` is not looked at.

        Raises:
            InvalidSpec: There is no such split.
        """
        self.check_split(split)
        return ShapesSplit(self, split)


class ShapesSplit:
    """One split; each picture is drawn when it is asked for."""

    def __init__(self, spec: Shapes, split: str) -> None:
        count = spec.images if split == "train" else max(1, spec.images // 4)
        self.spec, self.split = spec, split
        self.label_space = SPACE
        self.ids: Sequence[str] = tuple(f"{split}_{index:04d}" for index in range(count))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"{self.split} has the samples 0..{len(self) - 1}, not {index}")
        rng = generator(self.spec.seed, self.spec.splits.index(self.split), index)
        image, labels = _draw(rng, self.spec.size)
        return Sample(torch.from_numpy(image), torch.from_numpy(labels), self.ids[index])


def _draw(
    rng: np.random.Generator, size: tuple[int, int]
) -> tuple[UInt8[np.ndarray, "3 H W"], UInt8[np.ndarray, "H W"]]:
    """Image and class ids of one picture: background, objects from back to front, sensor noise."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    light = rng.uniform(0, 2 * np.pi)  # where the light comes from
    image = _texture(rng, x, y, min(size), saturation=0.35)
    image *= 1 + 0.15 * (np.cos(light) * (x / size[1] - 0.5) + np.sin(light) * (y / size[0] - 0.5))
    labels = np.zeros(size, np.uint8)
    for _ in range(1 + rng.choice(len(OBJECTS), p=OBJECTS)):
        _draw_object(rng, image, labels, light)
    image += rng.uniform(0.005, 0.03) * rng.standard_normal(image.shape, np.float32)
    return np.rint(255 * image.clip(0, 1)).astype(np.uint8), labels


def _draw_object(
    rng: np.random.Generator, image: Float[np.ndarray, "3 H W"], labels: UInt8[np.ndarray, "H W"], light: float
) -> None:
    """Draws one object and its shadow on top of image (0..1) and labels, in place; `light` is an angle in radians."""
    height, width = labels.shape
    chosen = int(rng.choice(len(KINDS), p=[kind.share for kind in KINDS]))
    radius = KINDS[chosen].radius * rng.uniform(0.7, 1.3) * min(height, width)
    centre_y, centre_x = rng.uniform(0.05, 0.95, 2) * (height, width)
    turn = rng.uniform(0, 2 * np.pi)

    reach = 1.7 * radius + BORDER  # the shadow of a triangle's corner ends there
    rows = slice(max(0, int(centre_y - reach)), min(height, int(centre_y + reach) + 1))
    columns = slice(max(0, int(centre_x - reach)), min(width, int(centre_x + reach) + 1))
    y, x = np.mgrid[rows, columns] + 0.5
    y, x = y - centre_y, x - centre_x

    def distance(x: Plane, y: Plane) -> Plane:
        across, along = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
        pixels: Plane = radius * KINDS[chosen].distance(across / radius, along / radius)
        return pixels

    outline = distance(x, y)
    shadow = distance(x + 0.12 * radius * np.cos(light), y + 0.12 * radius * np.sin(light))
    shade = 0.45 * (0.5 - shadow / (0.25 * radius)).clip(0, 1)
    rim = (1 + outline / (0.15 * radius)).clip(0, 1)  # 1 at the outline, 0 further inside
    slope = (x * np.cos(light) + y * np.sin(light)) / radius  # the side towards the light is brighter
    surface = _texture(rng, x, y, min(height, width), saturation=1.0) * (1 + 0.2 * slope - 0.2 * rim)
    cover = (0.5 - outline / 1.5).clip(0, 1)  # 1 inside, 0 outside, 1.5 pixels between them, as a lens draws an edge

    image[:, rows, columns] *= 1 - shade
    image[:, rows, columns] += cover * (surface - image[:, rows, columns])
    labels[rows, columns][outline < BORDER] = IGNORE
    labels[rows, columns][outline <= -BORDER] = chosen + 1


def _texture(rng: np.random.Generator, x: Plane, y: Plane, side: int, saturation: float) -> Float[np.ndarray, "3 h w"]:
    """A surface in two shades of a random color: RGB, about 0..1, at the pixel coordinates x and y.

    `side` is the picture's shorter side, which sets how coarse the pattern is; `saturation` 0..1 is how far from gray
    the color may be.
    """
    pattern = rng.choice(("clouds", "stripes", "patches", "speckle"))
    mix = _clouds(rng, x.shape, rng.uniform(0.15, 0.5) * side)
    if pattern == "stripes":  # bent by the clouds
        angle, length = rng.uniform(0, np.pi), rng.uniform(0.05, 0.15) * side
        mix = 0.5 + 0.5 * np.sin(2 * np.pi * ((x * np.cos(angle) + y * np.sin(angle)) / length + mix))
    elif pattern == "patches":
        mix = (0.5 + 6 * (mix - 0.5)).clip(0, 1)
    elif pattern == "speckle":
        mix = 0.6 * mix + 0.4 * rng.random(x.shape)
    hue, brightness = rng.random(), rng.uniform(0.3, 0.8)
    strength = saturation * rng.uniform(0.4, 1.0)
    first = _color(hue, strength, brightness)
    second = _color(hue + rng.uniform(-0.12, 0.12), strength, brightness + rng.choice([-1, 1]) * rng.uniform(0.1, 0.25))
    rgb: Float[np.ndarray, "3 h w"] = first[:, None, None] + (second - first)[:, None, None] * mix
    return rgb


def _color(hue: float, saturation: float, brightness: float) -> Float[np.ndarray, " 3"]:
    """RGB of a color from the wheel; all arguments 0..1, the hue wraps round."""
    wheel = np.cos(2 * np.pi * (hue - np.array([0, 1 / 3, 2 / 3])))
    rgb: Float[np.ndarray, " 3"] = brightness * (1 + 0.6 * saturation * wheel)
    return rgb


def _clouds(rng: np.random.Generator, shape: tuple[int, ...], cell: float) -> Plane:
    """Value noise of three octaves, 0..1, its coarsest lumps `cell` pixels wide."""
    coarse, middle, fine = (_lumps(rng, shape, cell * scale) for scale in (1, 1 / 2, 1 / 4))
    return (coarse + middle / 2 + fine / 4) / 1.75


def _lumps(rng: np.random.Generator, shape: tuple[int, ...], cell: float) -> Plane:
    """Random numbers 0..1 on a lattice of `cell` pixels, joined smoothly."""
    y, x = (np.arange(length) / cell for length in shape)
    top, left = y.astype(int), x.astype(int)
    down, right = (t * t * (3 - 2 * t) for t in (y - top, x - left))  # no kinks where two cells meet
    lattice = rng.random((top[-1] + 2, left[-1] + 2))
    rows = lattice[top] + down[:, None] * (lattice[top + 1] - lattice[top])
    plane: Plane = rows[:, left] + right * (rows[:, left + 1] - rows[:, left])
    return plane
