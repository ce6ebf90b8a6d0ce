"""A whole scene: sky, ground, shadows and objects, from back to front, and the labels of all pixels."""

import numpy as np
from jaxtyping import Bool, Float, UInt8, UInt16

from pixelwise.core.label_space import IGNORE
from pixelwise.data.shapes_drawing.canvas import Brush, Canvas, line_distance
from pixelwise.data.shapes_drawing.layout import Street, Thing, place_things, random_street
from pixelwise.data.shapes_drawing.objects import CLASSES, GRASS, PATH, ROAD, TREE, pick
from pixelwise.data.shapes_drawing.view import CLEAR, Camera, Color, Light, Plane, noise, rgb

MEADOWS = ((0.42, 0.56, 0.22), (0.36, 0.53, 0.22), (0.50, 0.56, 0.26))
STONES = ((0.70, 0.66, 0.60), (0.66, 0.66, 0.66), (0.72, 0.62, 0.52))
ASPHALT = ((0.33, 0.34, 0.36), (0.38, 0.38, 0.39), (0.29, 0.30, 0.33))
CURB = (0.80, 0.79, 0.76)
MARKING = (0.88, 0.88, 0.85)
FOREST = (0.20, 0.34, 0.20)


def draw_scene(
    rng: np.random.Generator, size: tuple[int, int]
) -> tuple[UInt8[np.ndarray, "3 H W"], UInt8[np.ndarray, "H W"]]:
    """Image and class ids of a random scene."""
    horizon, focal = rng.uniform(0.36, 0.5) * size[0], rng.uniform(0.75, 0.95) * max(size)
    camera = Camera(size, horizon, focal, height=rng.uniform(2.4, 3.4))
    street = random_street(rng, camera)
    things = place_things(rng, camera, street)
    canvas = Canvas(rng, size)
    for class_id in range(len(CLASSES)):  # the parts of the background have the numbers of their classes
        canvas.new_object(class_id)
    light = draw_sky(canvas, camera, rng)
    draw_forest(canvas, camera, light, rng)
    draw_ground(canvas, camera, light, street, rng)
    draw_shadows(canvas, camera, light, things)
    for thing in things:
        brush = Brush(canvas, camera, light, thing.foot, thing.kind.class_id, mirrored=thing.mirrored)
        thing.kind.draw(brush, rng)
    image = canvas.image + rng.uniform(0.02, 0.05) * (rng.random((3, *size), np.float32) - 0.5)  # a camera's noise
    labels = np.array(canvas.classes, np.uint8)[canvas.owner]
    labels[borders(canvas.owner)] = IGNORE
    return np.rint(255 * image.clip(0, 1)).astype(np.uint8), labels


def borders(owner: UInt16[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    """Pixels beside an object that is in front of theirs: outlines one pixel wide."""
    around = np.pad(owner, 1)
    beside = np.maximum(around[1:-1, :-2], around[1:-1, 2:])
    above = np.maximum(around[:-2, 1:-1], around[2:, 1:-1])
    covered: Bool[np.ndarray, "H W"] = np.maximum(beside, above) > owner
    return covered


def draw_sky(canvas: Canvas, camera: Camera, rng: np.random.Generator) -> Light:
    """Draws sky and clouds down to the horizon, and returns the light that belongs to them."""
    sun = rng.uniform(-1, 1)
    weather = rng.random()
    top: Color
    low: Color
    cloud: Color
    if weather < 0.55:  # sunny
        top, low, cloud = (0.25, 0.50, 0.85), (0.74, 0.87, 0.96), (1.0, 1.0, 1.0)
        light = Light((1.08, 1.05, 0.98), (0.70, 0.80, 0.86), sun, shadow=0.5, lamps=False)
    elif weather < 0.75:  # overcast
        top, low, cloud = (0.62, 0.67, 0.73), (0.83, 0.86, 0.88), (0.93, 0.94, 0.95)
        light = Light((0.88, 0.91, 0.94), (0.74, 0.77, 0.79), 0.2 * sun, shadow=0.18, lamps=False)
    else:  # dusk
        top, low, cloud = (0.30, 0.30, 0.55), (0.99, 0.70, 0.42), (0.98, 0.60, 0.52)
        light = Light((0.80, 0.66, 0.64), (0.80, 0.56, 0.46), sun, shadow=0.3, lamps=True)
    y, x, width = canvas.y[: int(camera.horizon) + 2], canvas.x, canvas.size[1]
    down = np.minimum(y / camera.horizon, 1)
    down = down * (0.6 + 0.4 * down)
    sky = rgb(top) * (1 - down) + rgb(low) * down
    if light.lamps:
        sunset = (width * (0.5 + 0.45 * sun), camera.horizon)
        glow = (1 - line_distance(x, y, sunset, sunset) / (0.5 * width)).clip(0, 1)
        sky = sky + rgb((0.25, 0.18, 0.05)) * glow * glow
    unit = 0.5 * (camera.horizon + width / 2)
    coarse, middle, fine = (noise(rng, y / (0.35 * cell * unit), x / (cell * unit)) for cell in (0.7, 0.3, 0.13))
    thickness = 0.55 * coarse + 0.3 * middle + 0.15 * fine - rng.uniform(0.42, 0.62)
    shaded = rgb(cloud) * (1 - (0.6 * thickness).clip(0, 0.18))
    canvas.image[:, : len(y)] = sky + (6 * thickness).clip(0, 0.85) * (shaded - sky)
    return light


def draw_forest(canvas: Canvas, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    """Draws the edge of a forest at the horizon."""
    x, line = canvas.x / canvas.size[1], np.zeros((1, 1), np.float32)
    hills, groups, trees = (noise(rng, line, number * x) for number in (3, 12, 40))
    rise = 0.25 + 0.6 * hills + 0.25 * groups + 0.25 * trees
    top = camera.horizon - canvas.size[0] * rng.uniform(0.05, 0.13) * rise
    rows = slice(max(0, int(top.min()) - 1), int(camera.horizon) + 2)
    cover = (canvas.y[rows] - top + 0.5).clip(0, 1)
    leaves = rgb(light.on(FOREST, rng.uniform(60, 140))) * (1 + 0.15 * canvas.texture[rows])
    canvas.image[:, rows] += cover * (leaves - canvas.image[:, rows])
    canvas.owner[rows][cover > 0.5] = TREE


def draw_ground(canvas: Canvas, camera: Camera, light: Light, street: Street, rng: np.random.Generator) -> None:
    """Draws grass, and the street on it."""
    start = int(camera.horizon) + 1
    image, owner, texture = canvas.image[:, start:], canvas.owner[start:], canvas.texture[start:]
    below = canvas.y[start:] - camera.horizon
    z = camera.focal * camera.height / below  # in front of the camera
    x = (canvas.x - camera.size[1] / 2) / camera.focal * z  # to its right
    along, across = (z, x) if street.ahead else (x, z)
    along = along.clip(-80, 80)
    distance = abs(across - street.offset - (street.slope + street.bend * along) * along)
    turn = street.slope + 2 * street.bend * along
    pixel = z / camera.focal * (1 if street.ahead else abs(turn)) + abs(across - turn * along) / below
    clear = CLEAR / (CLEAR + np.minimum(z, 90))
    patches = noise(rng, 0.9 * np.sqrt(below), 6 * canvas.x / canvas.size[1])

    def paint(cover: Plane | float, color: Color, shade: Plane | float = 1.0) -> None:
        lit = rgb(color) * rgb(light.color) * (clear * shade) + (1 - clear) * rgb(light.haze)
        image[:] += cover * (lit - image)

    def within(half: float, distance: Plane = distance) -> Plane:
        """Share of each pixel that is nearer than so many meters."""
        share: Plane = ((half - distance) / pixel + 0.5).clip(0, 1) * np.minimum(1, 2 * half / pixel)
        return share

    paint(1.0, pick(rng, MEADOWS), 0.78 + 0.25 * patches + 0.16 * texture)
    owner[:] = GRASS
    joints = (along % 1.2 < 0.12) * (1 - 2 * pixel).clip(0, 1)
    paint(within(street.edge), pick(rng, STONES), 1 - 0.13 * joints + 0.05 * texture)
    owner[distance < street.edge] = PATH
    if street.road:
        paint(within(street.road + 0.18), CURB)
        paint(within(street.road), pick(rng, ASPHALT), 0.9 + 0.1 * patches + 0.06 * texture)
        paint(within(0.09) * (along % 5 < 2.6) + within(0.06, abs(distance - street.road + 0.35)), MARKING)
        owner[distance < street.road] = ROAD


def draw_shadows(canvas: Canvas, camera: Camera, light: Light, things: list[Thing]) -> None:
    """Darkens the ground where objects keep the sun off."""
    shade: Float[np.ndarray, "H W"] = np.zeros(canvas.size, np.float32)
    for thing in things:
        width, height = thing.kind.shadow
        column, row, scale = camera.project(thing.foot)
        flat = scale * camera.height / thing.foot[1]  # pixels of a meter towards the horizon
        tip = (-0.9 * light.sun * height, 0.25 * height)
        left, right = column + scale * (min(0, tip[0]) - width), column + scale * (max(0, tip[0]) + width)
        top, bottom = row - flat * (tip[1] + width), row + flat * width
        rows = slice(max(int(camera.horizon) + 1, int(top)), max(0, int(bottom) + 1))
        columns = slice(max(0, int(left)), max(0, int(right) + 1))
        area = shade[rows, columns]
        if area.size:
            across, back = (canvas.x[:, columns] - column) / scale, (row - canvas.y[rows]) / flat
            distance = line_distance(across, back, (0, 0), tip)
            np.maximum(area, 1.5 - 2 * distance / width, out=area)
    canvas.image *= 1 - light.shadow * np.minimum(shade, 1)
