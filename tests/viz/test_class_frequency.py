"""The chart of class shares: every class has its row, and lengths are logarithms."""

from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelwise.core.label_space import LabelSpace
from pixelwise.viz.class_frequency import save_class_frequency


def space(classes: int) -> LabelSpace:
    """Classes of distinct colors, none of which the chart uses for anything else."""
    return LabelSpace(
        names=tuple(f"class {i}" for i in range(classes)),
        colors=tuple((200 - 5 * i, 40 + 5 * i, 99) for i in range(classes)),
        raw_ids=tuple(range(classes)),
    )


def drawn(path: Path, shares: dict[str, list[float]], title: str = "") -> np.ndarray:
    save_class_frequency(shares, space(len(shares["train"])), path / "classes.png", title=title)
    with Image.open(path / "classes.png") as opened:
        return np.array(opened.convert("RGB"))


def bars(pixels: np.ndarray, classes: int) -> list[tuple[float, int] | None]:
    """Middle row and length of each class's bar, None where there is none."""
    found: list[tuple[float, int] | None] = []
    for color in space(classes).colors:
        ys, xs = np.nonzero((pixels == color).all(axis=-1))
        found.append((float(ys.mean()), int(np.ptp(xs))) if len(ys) else None)
    return found


def written(path: Path, shares: dict[str, list[float]], names: LabelSpace) -> list[str]:
    """All texts of the chart, which matplotlib notes beside their outlines in an SVG."""
    save_class_frequency(shares, names, path / "classes.svg", title="title")
    lines = (path / "classes.svg").read_text(encoding="utf-8").splitlines()
    return [unescape(line.strip()[5:-4]) for line in lines if line.strip().startswith("<!-- ")]


def test_bars_are_sorted_and_one_decade_is_as_long_as_the_next(tmp_path):
    found = bars(drawn(tmp_path, {"train": [0.01, 0.1, 0.889, 0.001]}), 4)
    (hundredth, tenth, most, thousandth) = [bar for bar in found if bar]
    assert most[0] < tenth[0] < hundredth[0] < thousandth[0], "from the top"
    assert tenth[1] - hundredth[1] == pytest.approx(hundredth[1] - thousandth[1], abs=3)
    assert tenth[1] == pytest.approx(3 * thousandth[1], rel=0.03), "the scale begins a decade below the smallest"


def test_marks_of_another_split_stand_on_the_same_scale(tmp_path):
    train = [0.9, 0.09, 0.01]
    first = drawn(tmp_path, {"train": train, "val": [0.9, 0.01, 0.09]})
    second = drawn(tmp_path, {"train": train, "val": [0.9, 0.1, 0.09]})
    found = bars(first, 3)
    assert found[1]
    assert found[2]
    row = slice(round(found[1][0]) - 15, round(found[1][0]) + 15)
    columns = np.flatnonzero((first[row] != second[row]).any(axis=(0, 2)))
    left, right = np.split(columns, [np.flatnonzero(np.diff(columns) > 50)[0] + 1])
    decade = (found[1][1] - found[2][1]) / np.log10(9)
    assert np.mean(right) - np.mean(left) == pytest.approx(decade, abs=5)


def test_thirty_four_classes_all_have_a_row_with_their_name(tmp_path):
    shares = np.random.default_rng(0).lognormal(0, 3, 34)
    shares[[3, 20]] = 0
    values = {"train": (shares / shares.sum()).tolist(), "val": [1 / 34] * 34}
    found = bars(drawn(tmp_path, values), 34)
    assert [i for i, bar in enumerate(found) if bar is None] == [3, 20]
    middles = np.sort([bar[0] for bar in found if bar])
    assert np.diff(middles).min() > 40, "rows stay apart, at 200 dots an inch"
    texts = written(tmp_path, values, space(34))
    assert set(space(34).names) <= set(texts)


def test_absent_classes_are_named_as_such(tmp_path):
    shares = {"train": [0.5, 0.5, 0.0, 0.0], "val": [1.0, 0.0, 0.0, 0.0], "test": [0.5, 0.4, 0.1, 0.0]}
    texts = written(tmp_path, shares, space(4))
    for note in ("not in val", "not in train, val", "no pixels"):
        assert texts.count(note) == 1
    assert texts.count("–") == 2, "instead of a share in train"


def test_shares_are_written_out_from_all_to_next_to_nothing(tmp_path):
    rest = 1 - 0.0704 - 1e-3 - 1e-9
    texts = written(tmp_path, {"train": [rest, 0.0704, 1e-3, 1e-9]}, space(4))
    assert {"93%", "7.0%", "0.10%", "<0.0001%"} <= set(texts)
    assert "100%" in written(tmp_path, {"train": [1.0]}, space(1))


def test_a_split_without_a_valid_pixel_is_drawn(tmp_path):
    assert bars(drawn(tmp_path, {"train": [0.0, 0.0]}), 2) == [None, None]


def test_titles_and_names_are_taken_literally(tmp_path):
    odd = LabelSpace(names=("$x_1$", "a\nb"), colors=((200, 0, 0), (0, 200, 0)), raw_ids=(0, 1))
    assert {"$x_1$", "a b"} <= set(written(tmp_path, {"train": [0.6, 0.4]}, odd))


@pytest.mark.parametrize("shares", [{}, {"train": [0.5]}])
def test_every_split_needs_a_share_for_each_class(tmp_path, shares):
    with pytest.raises(ValueError, match="each class"):
        save_class_frequency(shares, space(2), tmp_path / "classes.png", title="")
