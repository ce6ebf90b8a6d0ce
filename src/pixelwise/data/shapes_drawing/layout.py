"""Places of the objects of a scene: along a street, or around a footpath in a park."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pixelwise.data.shapes_drawing import objects
from pixelwise.data.shapes_drawing.objects import CAR, HOUSE, PERSON, TREE, Draw
from pixelwise.data.shapes_drawing.view import Camera, Point

FAR = 48.0
"""Distance in meters up to which a street that leads ahead has objects."""


class Kind(NamedTuple):
    """A kind of object.

    Attributes:
        class_id: Its class.
        draw: The function that draws it.
        shadow: Width and height in meters of what casts its shadow.
    """

    class_id: int
    draw: Draw
    shadow: tuple[float, float]


HOUSES = Kind(HOUSE, objects.draw_house, (8.0, 6.0))
TREES = Kind(TREE, objects.draw_tree, (3.5, 5.0))
CONIFERS = Kind(TREE, objects.draw_conifer, (2.4, 5.0))
BUSHES = Kind(TREE, objects.draw_bush, (1.8, 0.8))
CROSSING_CARS = Kind(CAR, objects.draw_car, (2.5, 1.0))
COMING_CARS = Kind(CAR, objects.draw_car_front, (1.9, 1.2))
LEAVING_CARS = Kind(CAR, objects.draw_car_rear, (1.9, 1.2))
PEOPLE = Kind(PERSON, objects.draw_person, (0.6, 1.6))


class Thing(NamedTuple):
    """An object of a scene: its kind, its place on the ground, and whether it is drawn mirrored."""

    kind: Kind
    foot: Point
    mirrored: bool


class Street(NamedTuple):
    """A street, or a footpath in a park: a band on the ground that leads away from the camera, or across.

    Attributes:
        ahead: Whether it leads away from the camera.
        offset: Where its center line is: meters to the right, or in front of the camera.
        slope: Meters that the center line moves aside for each meter along.
        bend: Change of the slope for each two meters along.
        road: Half of the road's width; 0 where there is no road.
        path: Width of the footpath on each side.
    """

    ahead: bool
    offset: float
    slope: float
    bend: float
    road: float
    path: float

    @property
    def edge(self) -> float:
        """Distance from the center line to the outer edge of the footpath."""
        return self.road + self.path

    @property
    def sides(self) -> tuple[int, ...]:
        """Sides that have houses and trees: a street that leads across has none between it and the camera."""
        return (-1, 1) if self.ahead else (1,)

    def center(self, along: float) -> float:
        """Place of the center line, at so many meters along."""
        return self.offset + (self.slope + self.bend * along) * along

    def foot(self, along: float, aside: float) -> Point:
        """A place on the ground: meters along the street, and away from its center line."""
        across = self.center(along) + aside
        return (across, along) if self.ahead else (along, across)

    def aside(self, foot: Point) -> float:
        """Distance of a place on the ground from the center line."""
        along, across = reversed(foot) if self.ahead else foot
        return abs(across - self.center(along))


def random_street(rng: np.random.Generator, camera: Camera) -> Street:
    """A street, or a footpath in a park, that the camera sees."""
    ahead, park = bool(rng.random() < 0.55), bool(rng.random() < 0.25)
    road, path = (0.0, rng.uniform(1, 1.6)) if park else (rng.uniform(2.8, 3.6), rng.uniform(1.6, 2.4))
    bend = rng.uniform(-0.004, 0.004)
    if ahead:
        return Street(ahead, rng.uniform(-4, 4), rng.uniform(-0.25, 0.25), bend, road, path)
    offset = camera.nearest + road + path + rng.uniform(0.3, 3)
    return Street(ahead, offset, rng.uniform(-0.12, 0.12), bend, road, path)


class Layout:
    """Collects the objects of a scene.

    Attributes:
        things: The objects so far.
    """

    def __init__(self, rng: np.random.Generator, camera: Camera, street: Street) -> None:
        self.rng, self.camera, self.street = rng, camera, street
        self.near = 0.9 * camera.nearest
        self.things: list[Thing] = []

    def add(self, kind: Kind, foot: Point, *, mirrored: bool = False) -> None:
        """Adds an object if the camera can see it."""
        if foot[1] > self.near and abs(foot[0]) < self.camera.half_width(foot[1]) + 6:
            self.things.append(Thing(kind, foot, mirrored))

    def row(self, aside: float, shortest: float, longest: float) -> Iterator[float]:
        """Places along the part of the street that can be seen, with gaps of random length between them."""
        reach = self.camera.half_width(self.street.offset + aside) + 2
        place, end = (self.near, FAR) if self.street.ahead else (-reach, reach)
        place += self.rng.uniform(0, longest)
        while place < end:
            yield place
            place += self.rng.uniform(shortest, longest)

    def tree(self) -> Kind:
        """A broadleaf tree or a conifer."""
        return CONIFERS if self.rng.random() < 0.25 else TREES

    def add_houses(self) -> None:
        """Houses along the street, a few meters away from it."""
        for side in self.street.sides:
            aside = side * (self.street.edge + self.rng.uniform(*((7, 10) if self.street.ahead else (4, 9))))
            for along in self.row(aside, 10.5, 18.0):
                if not self.street.ahead or along > 11:  # nearer ones would fill the picture
                    self.add(HOUSES, self.street.foot(along, aside))

    def add_roadside(self) -> None:
        """Trees and bushes along the street."""
        for side in self.street.sides:
            aside = self.street.edge + self.rng.uniform(1.5, 3)
            for along in self.row(aside, 7.0, 18.0):
                self.add(self.tree(), self.street.foot(along, side * (aside + self.rng.uniform(-0.5, 1))))
            for along in self.row(aside, 8.0, 26.0):
                self.add(BUSHES, self.street.foot(along, side * (aside + self.rng.uniform(0.5, 2))))

    def add_park(self) -> None:
        """Trees everywhere but on the footpath."""
        for _ in range(int(self.rng.integers(4, 9))):
            distance = self.rng.uniform(9, 40)
            foot = (self.rng.uniform(-1, 1) * self.camera.half_width(distance), distance)
            if self.street.aside(foot) > self.street.edge + 0.8:
                self.add(self.tree(), foot)

    def add_cars(self) -> None:
        """Cars on both lanes; traffic keeps to the right."""
        for lane in (-1, 1):
            aside = lane * self.street.road / 2
            for along in self.row(aside, 7.0, 24.0):
                foot = self.street.foot(along, aside)
                if self.street.ahead:
                    self.add(LEAVING_CARS if lane > 0 else COMING_CARS, foot)
                else:
                    self.add(CROSSING_CARS, foot, mirrored=lane > 0)

    def add_people(self) -> None:
        """One to four people on the footpaths, some in a park on the grass."""
        street, uniform = self.street, self.rng.uniform
        reach = self.camera.half_width(street.offset)
        for _ in range(int(self.rng.integers(1, 5))):
            along = uniform(1.1 * self.near, self.near + 9) if street.ahead else uniform(-reach, reach)
            aside = (-1, 1)[self.rng.integers(2)] * (street.road + uniform(0.35, 0.65) * street.path)
            if not street.road and self.rng.random() < 0.4:
                aside += uniform(-4, 4)
            self.add(PEOPLE, street.foot(along, aside), mirrored=bool(self.rng.random() < 0.5))


def place_things(rng: np.random.Generator, camera: Camera, street: Street) -> list[Thing]:
    """All objects of a scene, the farthest first."""
    layout = Layout(rng, camera, street)
    layout.add_roadside()
    if street.road:
        layout.add_houses()
        layout.add_cars()
    else:
        layout.add_park()
    layout.add_people()
    return sorted(layout.things, key=lambda thing: -thing.foot[1])
