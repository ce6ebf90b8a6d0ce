"""Learning curves: any history gives a whole picture, and matplotlib stays as the caller left it."""

import math
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pixelwise.core.errors import InvalidSpec, RunError
from pixelwise.viz.curves import save_curves, select_classes
from pixelwise.viz.lines import separate
from pixelwise.viz.palettes import SERIES, style


def history(epochs: int) -> list[dict[str, Any]]:
    return [
        {
            "epoch": e,
            "train_loss": 1 / e,
            "val_loss": 1.2 / e,
            "train_mean_iou": 0.8 - 0.5 / e,
            "val_mean_iou": 0.7 - 0.5 / e,
            "train_pixel_accuracy": 0.95 - 0.2 / e,
            "val_pixel_accuracy": 0.9 - 0.2 / e,
            "lr": 0.01 / e,
            "val_iou": {"sky": 0.9, "road": 0.8 - 0.3 / e, "pole": 0.1, "sign": None},
            "best": e % 2 == 1,
        }
        for e in range(1, epochs + 1)
    ]


def picture(path: Path) -> np.ndarray:
    with Image.open(path) as opened:
        assert opened.format == "PNG"
        return np.array(opened.convert("RGB"))


def has(pixels: np.ndarray, color: str) -> bool:
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return bool((pixels == wanted).all(axis=-1).any())


@pytest.mark.parametrize("epochs", [1, 2, 40])
def test_a_history_of_any_length(tmp_path, epochs):
    save_curves(history(epochs), tmp_path / "curves.png", title="shapes/unet")
    pixels = picture(tmp_path / "curves.png")
    height, width, _ = pixels.shape
    assert 1000 <= height <= width <= 2500
    for color in SERIES[:3]:  # validation and the named classes
        assert has(pixels, color)
    assert [p.name for p in tmp_path.iterdir()] == ["curves.png"]


def test_gaps(tmp_path):
    records = history(8)
    records[2]["val_loss"] = None
    records[3]["val_mean_iou"] = math.nan
    records[4] |= {"train_loss": math.inf, "val_iou": None}
    records[5]["val_iou"] = {"sky": math.nan}
    del records[6]["lr"]
    save_curves(records, tmp_path / "curves.png", title="gaps", classes=["sky", "sign"])
    assert has(picture(tmp_path / "curves.png"), SERIES[0])


def test_a_history_without_validation(tmp_path):
    records = [{"epoch": e, "train_loss": math.exp(-e), "val_loss": None} for e in range(1, 15)]
    save_curves(records, tmp_path / "curves.png", title="", classes=["sky"])
    assert has(picture(tmp_path / "curves.png"), SERIES[4])


def test_titles_and_names_are_taken_literally(tmp_path):
    """A dollar sign opens a formula in matplotlib, which fails on a lone backslash or brace."""
    records = history(3)
    for record in records:
        record["val_iou"] = {r"$\frac{$": 0.5, "très long " * 9: 0.6}
    save_curves(records, tmp_path / "curves.png", title=r"$x_{$ " + "a long title " * 20)
    assert has(picture(tmp_path / "curves.png"), SERIES[1])


def test_pdf_for_papers(tmp_path):
    save_curves(history(3), tmp_path / "curves.pdf", title="shapes/unet")
    assert (tmp_path / "curves.pdf").read_bytes().startswith(b"%PDF")


def test_the_same_history_gives_the_same_picture_whatever_the_users_settings(tmp_path):
    save_curves(history(3), tmp_path / "one.png", title="t")
    with mpl.rc_context({"font.size": 20, "figure.facecolor": "red", "axes.grid": False}):
        save_curves(history(3), tmp_path / "two.png", title="t")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_matplotlib_is_left_as_it_was(tmp_path):
    loaded = "matplotlib.pyplot" in sys.modules
    with mpl.rc_context({"lines.linewidth": 7.5}):
        before = dict(mpl.rcParams.copy())
        save_curves(history(2), tmp_path / "curves.png", title="t")
        with pytest.raises(KeyError), style():
            raise KeyError
        assert dict(mpl.rcParams.copy()) == before
    assert ("matplotlib.pyplot" in sys.modules) == loaded


def test_threads_do_not_mix_their_settings(tmp_path):
    before = dict(mpl.rcParams.copy())
    paths = [tmp_path / f"{i}.png" for i in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda path: save_curves(history(2), path, title="t"), paths))
    assert len({path.read_bytes() for path in paths}) == 1
    assert dict(mpl.rcParams.copy()) == before


def test_a_failed_write_leaves_the_old_picture(tmp_path, monkeypatch):
    path = tmp_path / "curves.png"
    save_curves(history(1), path, title="old")
    old = path.read_bytes()

    def full(self: Any, file: Path, **_: Any) -> None:
        Path(file).write_bytes(b"half a pic")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
    with pytest.raises(RunError, match="no space left"):
        save_curves(history(2), path, title="new")
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_class_lists_the_known_ones(tmp_path):
    with pytest.raises(InvalidSpec, match=r"Did you mean 'pole'.*road, sign, sky"):
        save_curves(history(2), tmp_path / "curves.png", title="t", classes=["poles"])


def test_an_empty_history_is_refused(tmp_path):
    with pytest.raises(ValueError, match="empty"):
        save_curves([], tmp_path / "curves.png", title="t")


def test_named_classes_span_the_latest_scores():
    ious = {f"c{i}": np.array([0.5, i / 100]) for i in range(101)}
    ious["never"] = np.array([math.nan, math.nan])
    assert select_classes(ious) == ["c100", "c75", "c50", "c25", "c0"]
    ious["best before a gap"] = np.array([1.1, math.nan])
    assert select_classes(ious)[0] == "best before a gap"
    assert select_classes({"a": np.array([0.1]), "b": np.array([0.3])}) == ["b", "a"]
    assert select_classes({}) == []


@given(st.lists(st.floats(0, 1), max_size=12).map(sorted), st.floats(0.01, 0.2))
def test_names_keep_their_distance_and_their_order(wanted, gap):
    placed = separate(wanted, gap)
    assert len(placed) == len(wanted)
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(placed))
    assert sum(placed) == pytest.approx(sum(wanted), abs=1e-6), "names move up as much as down"


def test_names_with_room_stay_where_they_are():
    assert separate([0.1, 0.5, 0.9], 0.1) == [0.1, 0.5, 0.9]
