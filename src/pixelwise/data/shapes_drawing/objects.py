"""Classes of the scenes, and their objects: trees, bushes, houses, cars and people, each drawn by one function."""

from collections.abc import Callable

import numpy as np

from pixelwise.data.shapes_drawing.canvas import Brush, Paint
from pixelwise.data.shapes_drawing.view import Color, Point

CLASSES = ("sky", "house", "tree", "grass", "road", "path", "car", "person")
SKY, HOUSE, TREE, GRASS, ROAD, PATH, CAR, PERSON = range(len(CLASSES))

Draw = Callable[[Brush, np.random.Generator], None]

LEAVES = ((0.30, 0.47, 0.16), (0.22, 0.42, 0.17), (0.38, 0.50, 0.18), (0.27, 0.45, 0.24))
AUTUMN_LEAVES = ((0.72, 0.52, 0.16), (0.68, 0.36, 0.14))
NEEDLES = ((0.13, 0.29, 0.17), (0.17, 0.33, 0.21))
BARK = (0.33, 0.24, 0.17)
WALLS = (
    (0.93, 0.90, 0.84), (0.90, 0.82, 0.62), (0.72, 0.42, 0.33), (0.85, 0.70, 0.58), (0.70, 0.76, 0.80),
    (0.88, 0.88, 0.88), (0.79, 0.60, 0.45),
)  # fmt: skip
ROOFS = ((0.58, 0.27, 0.20), (0.45, 0.24, 0.20), (0.33, 0.33, 0.37), (0.42, 0.32, 0.27))
DOORS = ((0.35, 0.22, 0.15), (0.16, 0.30, 0.24), (0.50, 0.15, 0.13), (0.20, 0.25, 0.38))
WHITE = (0.95, 0.94, 0.92)
GLASS = (0.30, 0.38, 0.45)
LIT_WINDOW = Paint((1.0, 0.82, 0.45), slope=(0, 0.2), glows=True)
CARS = (
    (0.80, 0.12, 0.12), (0.12, 0.27, 0.62), (0.90, 0.90, 0.90), (0.16, 0.17, 0.19), (0.62, 0.65, 0.68),
    (0.93, 0.72, 0.12), (0.10, 0.45, 0.42), (0.85, 0.40, 0.10),
)  # fmt: skip
RUBBER = (0.07, 0.07, 0.08)
METAL = (0.62, 0.63, 0.65)
HEADLIGHT = Paint((1.0, 0.97, 0.85), glows=True)
TAILLIGHT = (0.85, 0.08, 0.06)
COATS = (
    (0.88, 0.20, 0.20), (0.16, 0.35, 0.75), (0.95, 0.75, 0.15), (0.92, 0.92, 0.90), (0.55, 0.20, 0.55),
    (0.95, 0.48, 0.12), (0.15, 0.60, 0.62), (0.90, 0.45, 0.60),
)  # fmt: skip
TROUSERS = ((0.14, 0.17, 0.30), (0.12, 0.12, 0.13), (0.35, 0.30, 0.24), (0.25, 0.32, 0.45))
SKIN = ((0.93, 0.74, 0.62), (0.80, 0.58, 0.43), (0.52, 0.35, 0.25))
HAIR = ((0.14, 0.10, 0.08), (0.36, 0.22, 0.12), (0.76, 0.60, 0.34), (0.60, 0.58, 0.56))


def pick(rng: np.random.Generator, colors: tuple[Color, ...]) -> Color:
    """One of the colors, a little lighter or darker."""
    return times(colors[rng.integers(len(colors))], rng.uniform(0.9, 1.08))


def times(color: Color, factor: float) -> Color:
    """A lighter or darker color."""
    return factor * color[0], factor * color[1], factor * color[2]


def draw_tree(brush: Brush, rng: np.random.Generator) -> None:
    """A broadleaf tree."""
    height, width = rng.uniform(4.5, 8), rng.uniform(3.2, 5)
    leaves = pick(rng, AUTUMN_LEAVES if rng.random() < 0.1 else LEAVES)
    trunk = rng.uniform(0.22, 0.34) * height
    bark = Paint(BARK, texture=0.3)
    brush.polygon([(-0.2, 0), (0.2, 0), (0.14, trunk + 1), (-0.14, trunk + 1)], bark)
    brush.line((0, trunk), (0.22 * width, trunk + 0.25 * height), 0.16, bark, both=True)
    _draw_crown(brush, rng, (0, (trunk + height) / 2), (width / 2, (height - trunk) / 2), leaves)


def draw_bush(brush: Brush, rng: np.random.Generator) -> None:
    """A bush: a crown on the ground."""
    height, width = rng.uniform(0.7, 1.3), rng.uniform(1.4, 3)
    _draw_crown(brush, rng, (0, 0.4 * height), (width / 2, 0.6 * height), pick(rng, LEAVES))


def draw_conifer(brush: Brush, rng: np.random.Generator) -> None:
    """A conifer: three cones on a trunk."""
    height, width = rng.uniform(5, 9), rng.uniform(2.4, 3.4)
    needles = Paint(pick(rng, NEEDLES), texture=0.35, slope=(0.3 * brush.sun, 0.35), rough=0.14)
    brush.box((-0.15, 0), (0.15, 1), Paint(BARK))
    for low, high, share in ((0.08, 0.5, 1.0), (0.3, 0.75, 0.75), (0.55, 1.0, 0.5)):
        half = share * width / 2
        brush.polygon([(-half, low * height), (half, low * height), (0, high * height)], needles)


def _draw_crown(brush: Brush, rng: np.random.Generator, center: Point, radii: Point, leaves: Color) -> None:
    """Eight balls of leaves around a center, brighter on the sides towards the sun and the sky."""
    count, small = 8, min(radii)
    radius = (rng.uniform(0.38, 0.52, count) * small).astype(np.float32)
    angle = 2.4 * np.arange(count) + rng.uniform(0, 6)  # the golden angle spreads them evenly
    away = np.sqrt(np.arange(count) / count) * rng.uniform(0.6, 0.75, count)
    x = (center[0] + radii[0] * away * np.cos(angle)).astype(np.float32)
    y = (center[1] + radii[1] * away * np.sin(angle)).astype(np.float32)
    low = float((x - radius).min()), float((y - radius).min())
    window = brush.window(low, (float((x + radius).max()), float((y + radius).max())))
    if window is None:
        return
    columns = (window.across.T - x).T ** 2
    rows = (window.up - y).T ** 2 - (radius * radius)[:, None]
    bulge = -(rows[:, :, None] + columns[:, None]).min(0)  # squared meters, positive inside of a ball
    pixel = brush.scale / small
    shade = np.ones_like(bulge)
    shade[:, 1:] -= 0.1 * pixel * brush.light.sun * (bulge[:, 1:] - bulge[:, :-1])
    shade[1:] += 0.12 * pixel * (bulge[1:] - bulge[:-1])
    paint = Paint(leaves, texture=0.3, slope=(0.15 * brush.sun, 0.22), rough=0.09 * small)
    brush.fill(window, -bulge / small, paint, shade)


def draw_house(brush: Brush, rng: np.random.Generator) -> None:
    """A detached house with one or two floors, a pitched roof, windows and a door."""
    floors, half, depth = int(rng.integers(1, 3)), rng.uniform(3.5, 5), rng.uniform(7, 9)
    eaves = 0.4 + 2.7 * floors
    ridge = eaves + rng.uniform(2, 3.2)
    wall, roof = pick(rng, WALLS), pick(rng, ROOFS)
    front, tiles = Paint(wall, texture=0.06, slope=(0.05 * brush.sun, 0.05)), Paint(roof, texture=0.2, slope=(0, 0.12))
    if rng.random() < 0.6:
        brush.box((0.4 * half, ridge - 1.6), (0.4 * half + 0.7, ridge + 0.5), Paint(times(roof, 0.8)))
    if rng.random() < 0.5:  # the gable is at the front
        _draw_side(brush, rng, half, (eaves, eaves), depth, wall)
        edge, top = (half + 0.35 if brush.vanishing[0] > 0 else -half - 0.35, eaves - 0.25), (0, ridge)
        slope = [edge, top, brush.behind(top, depth), brush.behind(edge, depth)]
        brush.polygon(slope, tiles._replace(color=times(roof, 0.85)))
        brush.polygon([(-half, 0), (half, 0), (half, eaves), (0, ridge), (-half, eaves)], front)
        brush.line((0, ridge + 0.1), (half + 0.4, eaves - 0.2), 0.35, tiles, both=True)
        _draw_windows(brush, rng, 1, 1.0, eaves + 0.35 * (ridge - eaves))
    else:
        _draw_side(brush, rng, half, (eaves, ridge), depth, wall)
        brush.box((-half, 0), (half, eaves), front)
        top_edge = [brush.behind((across, ridge), depth / 2) for across in (half + 0.2, -half - 0.2)]
        brush.polygon([(-half - 0.35, eaves - 0.15), (half + 0.35, eaves - 0.15), *top_edge], tiles)
    for floor in range(floors):
        _draw_windows(brush, rng, 3 if floor == 0 else 4, half / 2.2, 1.75 + 2.7 * floor)
    door = (-1, 1)[rng.integers(2)] * half / 4.4
    brush.box((door - 0.55, 0), (door + 0.55, 2.1), Paint(pick(rng, DOORS)))


def _draw_side(
    brush: Brush, rng: np.random.Generator, half: float, tops: tuple[float, float], depth: float, wall: Color
) -> None:
    """The side wall of a house that faces the middle of the picture, with heights of its edges and of its center."""
    if abs(brush.vanishing[0]) <= half:
        return  # the front hides it
    edge, (eaves, ridge) = (half if brush.vanishing[0] > 0 else -half), tops

    def at(share: float, up: float) -> Point:
        return brush.behind((edge, up), share * depth)

    sunny = 0.14 * brush.light.sun * (1 if edge > 0 else -1)
    paint = Paint(times(wall, 0.8 + sunny), texture=0.06, slope=(0, 0.05))
    brush.polygon([at(0.0, 0.0), at(0.0, eaves), at(0.5, ridge), at(1.0, eaves), at(1.0, 0.0)], paint)
    for up in (1.1, 3.8)[: round(eaves / 2.7)]:
        for share in (0.22, 0.66):
            pane = [at(share, up), at(share, up + 1.3), at(share + 0.13, up + 1.3), at(share + 0.13, up)]
            brush.polygon(pane, LIT_WINDOW if brush.light.lamps and rng.random() < 0.4 else Paint(GLASS))


def _draw_windows(brush: Brush, rng: np.random.Generator, count: int, pitch: float, up: float) -> None:
    """A row of windows, `pitch` meters apart, with their centers `up` meters above the ground."""
    brush.boxes(count, pitch, up, (0.62, 0.75), Paint(WHITE))
    brush.boxes(count, pitch, up, (0.48, 0.6), Paint(GLASS, slope=(0, 0.4)))
    for number in range(count):
        if brush.light.lamps and rng.random() < 0.55:
            across = (number - (count - 1) / 2) * pitch
            brush.box((across - 0.48, up - 0.6), (across + 0.48, up + 0.6), LIT_WINDOW)


def draw_car(brush: Brush, rng: np.random.Generator) -> None:
    """A car from its right side: a hatchback, a sedan or a van."""
    body, glass = Paint(pick(rng, CARS), slope=(0, 0.22)), Paint(GLASS, slope=(0, 0.45))
    roof, sill, height = (  # rear and front end of the roof, and of the lower edge of the windows
        ((-1.9, 0.5), (-2.0, 1.15), 1.45), ((-1.0, 0.45), (-1.75, 1.1), 1.4), ((-1.95, 1.0), (-2.05, 1.7), 1.95),
    )[rng.integers(3)]  # fmt: skip
    brush.box((-1.9, 0.12), (1.9, 0.4), Paint(RUBBER))
    brush.polygon([(sill[0], 0.85), (sill[1], 0.85), (roof[1], height), (roof[0], height)], body, rounded=0.07)
    brush.polygon([(-2.05, 0.4), (2.05, 0.4), (2.08, 0.72), (1.85, 0.88), (-2.05, 0.92)], body, rounded=0.07)
    for start, end in ((0.06, 0.47), (0.53, 0.93)):  # two panes, as shares of the length
        low = [(sill[0] + share * (sill[1] - sill[0]), 0.95) for share in (start, end)]
        high = [(roof[0] + share * (roof[1] - roof[0]), height - 0.04) for share in (end, start)]
        brush.polygon([*low, *high], glass)
    brush.ellipse((1.28, 0.34), (0.36, 0.36), Paint(RUBBER), both=True)
    brush.ellipse((1.28, 0.34), (0.19, 0.19), Paint(METAL), both=True)
    brush.ellipse((2.02, 0.68), (0.14, 0.1), HEADLIGHT)
    brush.ellipse((-2.05, 0.74), (0.1, 0.13), Paint(TAILLIGHT, glows=brush.light.lamps))


def draw_car_front(brush: Brush, rng: np.random.Generator) -> None:
    """A car that comes towards the camera."""
    _draw_car_end(brush, rng, HEADLIGHT)


def draw_car_rear(brush: Brush, rng: np.random.Generator) -> None:
    """A car that drives away from the camera."""
    _draw_car_end(brush, rng, Paint(TAILLIGHT, glows=brush.light.lamps))


def _draw_car_end(brush: Brush, rng: np.random.Generator, lights: Paint) -> None:
    """The end of a car, and the side of it that faces the middle of the picture."""
    color, height = pick(rng, CARS), (1.42, 1.42, 1.85)[rng.integers(3)]
    body, flank = Paint(color, slope=(0, 0.2)), Paint(times(color, 0.72), slope=(0, 0.1))
    glass, rubber = Paint(GLASS, slope=(0, 0.4)), Paint(RUBBER)
    side = 1 if brush.vanishing[0] > 0 else -1
    low, high = 0.93, height - 0.12

    def quad(*corners: tuple[float, float, float]) -> list[Point]:
        return [brush.behind((side * across, up), depth) for across, up, depth in corners]

    brush.polygon(quad((0.88, 0.12, 0.0), (0.88, 0.5, 0.0), (0.88, 0.5, 3.9), (0.88, 0.12, 3.9)), rubber)
    brush.polygon(quad((0.9, 0.3, 0.0), (0.9, 0.88, 0.0), (0.9, 0.88, 4.0), (0.9, 0.3, 4.0)), flank)
    brush.polygon(quad((-0.88, 0.88, 0.0), (0.88, 0.88, 0.0), (0.88, 0.88, 4.0), (-0.88, 0.88, 4.0)), body)
    brush.polygon(quad((0.85, 0.85, 0.0), (0.64, height, 0.3), (0.64, height, 2.6), (0.85, 0.85, 3.2)), flank)
    brush.polygon(quad((0.83, low, 0.4), (0.68, high, 0.6), (0.68, high, 2.3), (0.83, low, 2.8)), glass)
    roof = quad((-0.62, height, 0.1), (0.62, height, 0.1), (0.62, height, 2.6), (-0.62, height, 2.6))
    brush.polygon(roof, Paint(times(color, 1.1)), rounded=0.05)
    brush.box((0.55, 0), (0.81, 0.45), rubber, both=True)
    brush.polygon([(-0.78, 0.8), (0.78, 0.8), (0.6, height), (-0.6, height)], body, rounded=0.07)
    brush.box((-0.84, 0.33), (0.84, 0.84), body, rounded=0.07)
    brush.polygon([(-0.7, 0.9), (0.7, 0.9), (0.57, height - 0.06), (-0.57, height - 0.06)], glass)
    brush.box((-0.8, 0.26), (0.8, 0.4), rubber)
    brush.box((-0.26, 0.44), (0.26, 0.56), Paint(WHITE))
    brush.ellipse((0.7, 0.68), (0.17, 0.11), lights, both=True)


def draw_person(brush: Brush, rng: np.random.Generator) -> None:
    """A person who stands or walks: an adult or, less often, a child."""
    size = (rng.uniform(1.6, 1.9) if rng.random() < 0.85 else rng.uniform(1.15, 1.4)) / 1.75
    coat, trousers, skin, hair = (pick(rng, colors) for colors in (COATS, TROUSERS, SKIN, HAIR))
    stride, swing = rng.uniform(0.1, 0.26), rng.uniform(0.02, 0.14)

    def at(across: float, up: float) -> Point:
        return size * across, size * up

    brush.line(at(0.1, 0.86), at(stride, 0.07), 0.2 * size, Paint(trousers), both=True)
    brush.ellipse(at(stride + 0.03, 0.05), at(0.13, 0.07), Paint(RUBBER), both=True)
    brush.line(at(0.22, 1.36), at(0.25 + swing, 0.86), 0.15 * size, Paint(times(coat, 0.8)), both=True)
    torso = [at(-0.16, 0.82), at(0.16, 0.82), at(0.17, 1.4), at(-0.17, 1.4)]
    brush.polygon(torso, Paint(coat, slope=(0.15 * brush.sun, 0.12)), rounded=0.06 * size)
    brush.ellipse(at(0.0, 1.62), at(0.14, 0.17), Paint(skin))
    brush.ellipse(at(0.0, 1.71), at(0.15, 0.1), Paint(hair))
