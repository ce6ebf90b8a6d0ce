"""Systems side by side: every picture in its place, every number in its panel, published never drawn as measured."""

import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelwise.core.errors import RunError
from pixelwise.core.label_space import IGNORE, LabelSpace
from pixelwise.viz.palettes import SERIES
from pixelwise.viz.qualitative import save_class_iou, save_systems

SPACE = LabelSpace(
    names=("background", "cat", "dog"),
    colors=((0, 0, 0), (64, 0, 0), (64, 0, 128)),
    raw_ids=(0, 1, 2),
    void={255: "void"},
    void_color=(224, 224, 192),
)
GREEN = (10, 200, 30)
LEGEND = 600
"""Pixels that a swatch takes, at most."""

IouBySystem = Mapping[str, Mapping[str, float | None]]


def sheet(folder: Path, predictions: dict[str, np.ndarray], size: tuple[int, int] = (150, 300)) -> np.ndarray:
    """A green image; a dog is true, and void in the right half."""
    labels = np.full(size, 2, np.uint8)
    labels[:, size[1] // 2 :] = IGNORE
    save_systems(np.full((*size, 3), GREEN, np.uint8), labels, predictions, SPACE, folder / "sheet.png")
    with Image.open(folder / "sheet.png") as opened:
        return np.array(opened)


def filled(value: int, size: tuple[int, int] = (150, 300)) -> np.ndarray:
    return np.full(size, value, np.uint8)


def area(pixels: np.ndarray, color: tuple[int, ...]) -> int:
    return int((pixels == color).all(axis=-1).sum())


def test_input_ground_truth_and_each_prediction_are_there_pixel_by_pixel(tmp_path: Path) -> None:
    pixels = sheet(tmp_path, {"fcn": filled(1), "unet": filled(1), "resnet": filled(0)})
    assert area(pixels, GREEN) == 150 * 300
    assert 0 <= area(pixels, SPACE.colors[1]) - 2 * 150 * 300 < LEGEND
    assert 0 <= area(pixels, SPACE.colors[2]) - 150 * 150 < LEGEND
    assert 0 <= area(pixels, SPACE.void_color) - 150 * 150 < LEGEND


def test_four_stand_in_a_row_in_the_order_given(tmp_path: Path) -> None:
    few = sheet(tmp_path, {"a": filled(1), "b": filled(2)})
    more = sheet(tmp_path, {"a": filled(1), "b": filled(2), "c": filled(1), "d": filled(0)})
    assert few.shape[1] == more.shape[1]
    assert more.shape[0] - few.shape[0] == pytest.approx(150, abs=50), "a second row"
    places = [np.argwhere((few == color).all(axis=-1))[:3000].mean(0)[1] for color in (GREEN, *SPACE.colors[1:])]
    assert places[0] < places[1], "the input is at the left"
    (row,) = {tuple(few[60, x]) for x in (310 * 2 + 100,)}
    assert row == SPACE.colors[1], "the first system is the third picture"
    assert tuple(few[60, 310 * 3 + 100]) == SPACE.colors[2]


def test_one_legend_names_what_occurs_in_any_picture(tmp_path: Path) -> None:
    def legend_of(pixels: np.ndarray) -> np.ndarray:
        return pixels[-30:]

    without = legend_of(sheet(tmp_path, {"fcn": filled(0)}))
    with_cat = legend_of(sheet(tmp_path, {"fcn": filled(0), "unet": filled(1)}))
    assert area(without, SPACE.colors[1]) == 0
    assert area(with_cat, SPACE.colors[1]) > 50
    assert area(without, SPACE.colors[2]) > 50, "the dog of the ground truth"


@pytest.mark.parametrize("size", [(1, 1), (900, 60), (40, 1200)])
def test_images_of_any_size_fit_with_names_of_any_length(tmp_path: Path, size: tuple[int, int]) -> None:
    pixels = sheet(tmp_path, {"a system with a name of many words " * 4: filled(1, size)}, size)
    assert max(pixels.shape) < 1700
    assert area(pixels, GREEN) > 0
    assert (pixels[:, [0, -1]] == 255).all(), "nothing runs over the sides"


def written(folder: Path, measured: IouBySystem, published: IouBySystem) -> list[str]:
    """All texts of the chart, which matplotlib notes beside their outlines in an SVG."""
    save_class_iou(measured, published, folder / "classes.svg", title="title")
    lines = (folder / "classes.svg").read_text(encoding="utf-8").splitlines()
    return [unescape(line.strip()[5:-4]) for line in lines if line.strip().startswith("<!-- ")]


def marks(folder: Path) -> int:
    """How many diamonds the chart has, without that of the legend."""
    svg = (folder / "classes.svg").read_text(encoding="utf-8")
    legend = svg[svg.index('<g id="legend') :]
    return len(re.findall(r"<use [^>]*fill: #ffffff", svg)) - len(re.findall(r"<use [^>]*fill: #ffffff", legend))


MEASURED: IouBySystem = {
    "fcn": {"road": 0.81, "sky": 0.25, "cat": None},
    "unet": {"road": 0.5, "sky": 0.0, "cat": 0.33},
}


def test_every_class_has_a_panel_and_every_system_its_value(tmp_path: Path) -> None:
    texts = written(tmp_path, MEASURED, {})
    assert [t for t in texts if t in ("road", "sky", "cat")] == ["road", "sky", "cat"]
    values = [t for t in texts if re.fullmatch(r"\d\.\d\d|–", t)]
    assert values == ["0.81", "0.50", "0.25", "0.00", "–", "0.33"]
    assert texts.count("fcn") == texts.count("unet") == 1, "named once in a row of panels"
    assert "measured" in texts


def test_published_values_are_diamonds_and_change_no_bar(tmp_path: Path) -> None:
    published = {"fcn": {"road": 0.9, "sky": 0.3}, "somebody": {"road": 0.4}}
    assert "published" not in written(tmp_path, MEASURED, {})
    alone = (tmp_path / "classes.svg").read_text(encoding="utf-8").count(f"fill: {SERIES[0].lower()}")
    assert "published" in written(tmp_path, MEASURED, published)
    assert marks(tmp_path) == 2, "of a system that was not measured, there is no row"
    assert (tmp_path / "classes.svg").read_text(encoding="utf-8").count(f"fill: {SERIES[0].lower()}") == alone


def bars(folder: Path, values: list[float]) -> list[int]:
    """Widths of the bars of a single panel, from the top, in pixels."""
    save_class_iou({f"s{i}": {"cat": v} for i, v in enumerate(values)}, {}, folder / "bars.png", title="")
    with Image.open(folder / "bars.png") as opened:
        pixels = np.array(opened.convert("RGB"))
    color = tuple(int(SERIES[0][i : i + 2], 16) for i in (1, 3, 5))
    widths = (pixels == color).all(axis=-1).sum(1)
    starts = np.flatnonzero((widths[1:] > 0) & (widths[:-1] == 0)) + 1
    return [int(widths[start + 3]) for start in starts][: len(values)]


def test_a_bar_is_as_long_as_its_value(tmp_path: Path) -> None:
    full, half, tenth = bars(tmp_path, [1.0, 0.5, 0.1])
    assert half == pytest.approx(full / 2, abs=3)
    assert tenth == pytest.approx(full / 10, abs=3)


def test_many_classes_take_more_rows_each_with_the_systems_names(tmp_path: Path) -> None:
    measured = {name: {f"class {i}": 0.5 for i in range(12)} for name in ("fcn", "unet")}
    texts = written(tmp_path, measured, {})
    assert sum(text.startswith("class ") for text in texts) == 12
    assert texts.count("fcn") == 3


def test_a_chart_of_nothing_is_refused(tmp_path: Path) -> None:
    nothing: list[IouBySystem] = [{}, {"fcn": {}}]
    for measured in nothing:
        with pytest.raises(ValueError, match="needs a system and a class"):
            save_class_iou(measured, {}, tmp_path / "classes.png", title="")


def test_a_failed_write_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot write"):
        sheet(tmp_path / "nowhere", {"fcn": filled(1)})
