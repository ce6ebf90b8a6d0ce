"""Contact sheets: every picture is there, in its place and its proportions."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixelwise.core.errors import RunError
from pixelwise.core.label_space import IGNORE, LabelSpace
from pixelwise.viz.contact_sheet import SheetRow, save_sheet

SPACE = LabelSpace(
    names=("background", "cat", "dog"),
    colors=((0, 0, 0), (64, 0, 0), (64, 0, 128)),
    raw_ids=(0, 1, 2),
    void={255: "void"},
    void_color=(224, 224, 192),
)
GREEN = (10, 200, 30)


def row(height: int = 300, width: int = 400, labels: bool = True, title: str = "2007_000033") -> SheetRow:
    """A green image; a cat is predicted everywhere, a dog is true, and void at its right."""
    truth = np.full((height, width), 2, np.uint8)
    truth[:, width // 2 :] = IGNORE
    return SheetRow(
        title,
        np.full((height, width, 3), GREEN, np.uint8),
        np.ones((height, width), np.uint8),
        truth if labels else None,
    )


def sheet(tmp_path: Any, *rows: SheetRow, title: str = "") -> np.ndarray:
    save_sheet(rows, SPACE, tmp_path / "sheet.png", title=title)
    with Image.open(tmp_path / "sheet.png") as opened:
        return np.array(opened)


def area(pixels: np.ndarray, color: tuple[int, ...]) -> int:
    return int((pixels == color).all(axis=-1).sum())


def test_a_row_shows_image_prediction_ground_truth_and_void_pixel_by_pixel(tmp_path):
    pixels = sheet(tmp_path, row())
    legend = 600  # at most, for a swatch
    assert area(pixels, GREEN) == 300 * 400
    assert 0 <= area(pixels, SPACE.colors[1]) - 300 * 400 < legend
    assert 0 <= area(pixels, SPACE.colors[2]) - 300 * 200 < legend
    assert 0 <= area(pixels, SPACE.void_color) - 300 * 200 < legend


def test_the_ground_truth_column_goes_where_no_row_has_labels(tmp_path):
    without = sheet(tmp_path, row(labels=False), row(labels=False))
    mixed = sheet(tmp_path, row(labels=False), row())
    assert mixed.shape[1] - without.shape[1] == pytest.approx(400, abs=20)
    assert area(without, SPACE.colors[2]) == area(without, SPACE.void_color) == 0


def test_without_predictions_the_labels_are_shown_and_laid_over_the_image(tmp_path):
    alone = row()._replace(prediction=None)
    pixels = sheet(tmp_path, alone)
    assert area(pixels, SPACE.colors[1]) == 0, "no cat: it was only predicted"
    assert 0 <= area(pixels, SPACE.colors[2]) - 300 * 200 < 2000, "in the ground truth; in the overlay only its rim"
    blended = tuple((g + c + 1) // 2 for g, c in zip(GREEN, SPACE.colors[2], strict=True))
    near = (abs(pixels.astype(int) - blended) <= 1).all(axis=-1).sum()
    assert near == pytest.approx(300 * 200, rel=0.02)
    assert area(pixels, GREEN) == 300 * 400 + 300 * 200, "the input, and the void half of the overlay"


def test_the_prediction_column_goes_where_no_row_has_one(tmp_path):
    without = sheet(tmp_path, row()._replace(prediction=None))
    mixed = sheet(tmp_path, row()._replace(prediction=None), row())
    assert mixed.shape[1] - without.shape[1] == pytest.approx(400, abs=20)


def test_a_row_with_nothing_but_its_image_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"2007_000033.*neither prediction nor labels"):
        sheet(tmp_path, row(labels=False)._replace(prediction=None), row())


def test_pictures_of_any_size_share_columns_and_keep_their_proportions(tmp_path):
    for image in (row(48, 64), row(600, 200), row(900, 1600)):
        green = (sheet(tmp_path, image, row()) == GREEN).all(axis=-1)
        (ys,) = np.nonzero(green.any(axis=1))
        first = green[ys[0] : ys[0] + np.flatnonzero(np.append(np.diff(ys), 9) > 1)[0] + 1]
        wide = int(first.any(axis=0).sum())
        assert first.shape[0] / wide == pytest.approx(image.image.shape[0] / image.image.shape[1], rel=0.02)
        (xs,) = np.nonzero(green.any(axis=0))
        assert np.ptp(xs) <= 640, "all in the first column"


def test_legend_names_only_what_occurs(tmp_path):
    everything = row()
    only_cats = everything._replace(labels=np.ones((300, 400), np.uint8))
    assert area(sheet(tmp_path, only_cats), SPACE.colors[2]) == 0
    assert area(sheet(tmp_path, only_cats), SPACE.void_color) == 0


def test_titles_get_the_room_they_need(tmp_path):
    plain = sheet(tmp_path, row(title=""))
    titled = sheet(tmp_path, row(title="a_file_name_without_any_space_" * 5), title="A title that goes on " * 12)
    assert titled.shape[0] > plain.shape[0]
    assert titled.shape[1] > plain.shape[1]
    for pixels in (plain, titled):
        assert (pixels[[0, -1]] == 255).all(), "no text runs over the upper or lower edge"
        assert (pixels[:, [0, -1]] == 255).all(), "nor over the sides"


def test_a_failed_write_leaves_the_old_sheet(tmp_path, monkeypatch):
    sheet(tmp_path, row())
    old = (tmp_path / "sheet.png").read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("PIL.Image.Image.save", full)
    with pytest.raises(RunError, match="no space left"):
        save_sheet([row()], SPACE, tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["sheet.png"]


def test_a_sheet_without_rows_is_refused(tmp_path):
    with pytest.raises(ValueError, match="row"):
        save_sheet([], SPACE, tmp_path / "sheet.png")
