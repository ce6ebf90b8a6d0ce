"""IDD: three levels of one hierarchy, labels as PNG or as polygons, frames that share a name; and IDD-Lite."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path as Outline
from PIL import Image

from pixelwise.core.errors import DataError
from pixelwise.core.label_space import IGNORE
from pixelwise.data import Idd, IddLite
from pixelwise.data.idd import draw_polygons
from tests.data.trees import idd, idd_lite, write_image, write_polygons

TRAIN, ALL = Idd().label_space, Idd(classes="all").label_space
LEVELS = {
    "road": (0, 0, 0), "parking": (1, 1, 0), "drivable fallback": (1, 1, 0), "sidewalk": (2, 2, 1),
    "rail track": (3, 3, 1), "non-drivable fallback": (3, 3, 1), "person": (4, 4, 2), "animal": (4, 4, 2),
    "rider": (5, 5, 2), "motorcycle": (6, 6, 3), "bicycle": (7, 6, 3), "autorickshaw": (8, 7, 3), "car": (9, 7, 3),
    "truck": (10, 8, 3), "bus": (11, 8, 3), "caravan": (12, 8, 3), "trailer": (12, 8, 3), "train": (12, 8, 3),
    "vehicle fallback": (12, 8, 3), "curb": (13, 9, 4), "wall": (14, 9, 4), "fence": (15, 10, 4),
    "guard rail": (16, 10, 4), "billboard": (17, 11, 4), "traffic sign": (18, 11, 4), "traffic light": (19, 11, 4),
    "pole": (20, 12, 4), "polegroup": (20, 12, 4), "obs-str-bar-fallback": (21, 12, 4), "building": (22, 13, 5),
    "bridge": (23, 13, 5), "tunnel": (23, 13, 5), "vegetation": (24, 14, 5), "sky": (25, 15, 6),
    "fallback background": (25, 15, 6), "unlabeled": (255, 255, 255), "ego vehicle": (255, 255, 255),
    "rectification border": (255, 255, 255), "out of roi": (255, 255, 255), "license plate": (255, 255, 255),
}  # fmt: skip
"""Every label in the order of IDD's public code, and its ids on the levels 3, 2 and 1."""

WHOLE = [[-1, -1], [9, -1], [9, 9], [-1, 9]]
Corner = tuple[int, int]


def drawn(folder: Path, *objects: dict[str, Any], size: tuple[int, int] = (8, 8)) -> np.ndarray:
    picture: np.ndarray = draw_polygons(write_polygons(folder / "a_gtFine_polygons.json", size, [*objects]))
    return picture


@pytest.mark.parametrize("label", LEVELS)
def test_a_label_has_its_ids_on_every_level(tmp_path: Path, label: str) -> None:
    level_3, level_2, level_1 = LEVELS[label]
    assert (drawn(tmp_path, {"label": label, "polygon": WHOLE}) == level_3).all()
    if level_3 == 255:
        assert 255 in TRAIN.void
        return
    assert TRAIN.raw_ids[level_3] == level_3
    for name, index, count in (("level 2", level_2, 16), ("level 1", level_1, 7)):
        groups = [*TRAIN.groups[name].values()]
        assert len(groups) == count
        assert TRAIN.names[level_3] in groups[index]


def test_every_class_is_named_by_a_label_of_its_own_and_is_in_one_group_of_each_level() -> None:
    assert [LEVELS[name][0] for name in TRAIN.names] == [*range(26)]
    for groups in TRAIN.groups.values():
        assert sorted(name for group in groups.values() for name in group) == sorted(TRAIN.names)


def test_all_has_the_unlabeled_as_a_27th_class_that_is_ignored_in_evaluation() -> None:
    raw = np.array([[0, 25, 255]], np.uint8)
    assert TRAIN.to_classes(raw).tolist() == [[0, 25, IGNORE]]
    assert ALL.to_classes(raw).tolist() == [[0, 25, 26]]
    assert ALL.names == (*TRAIN.names, "unlabeled")
    assert ALL.ignored_in_evaluation == ("unlabeled",)
    assert ALL.groups == TRAIN.groups
    assert len({*ALL.colors, ALL.void_color}) == 28


@given(corners=st.lists(st.tuples(st.integers(-6, 30), st.integers(-6, 30)), min_size=3, max_size=8))
def test_a_polygon_covers_what_matplotlib_calls_inside(
    corners: list[Corner], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Apart from its edge, where conventions differ: pixels nearer to it than one are not asked for."""
    picture = drawn(tmp_path_factory.mktemp("a"), {"label": "car", "polygon": corners}, size=(20, 26))
    rows, columns = np.mgrid[:20, :26]
    points = np.stack([columns, rows], -1).reshape(-1, 2)
    inside = Outline([*corners, corners[0]], closed=True).contains_points(points)
    clear = np.min([distance(points, corners[i - 1], corners[i]) for i in range(len(corners))], axis=0) > 1
    assert np.array_equal(picture.reshape(-1)[clear], np.where(inside, 9, 255)[clear])


def distance(points: np.ndarray, start: Corner, end: Corner) -> np.ndarray:
    """From each point to a line between two corners."""
    origin, along = np.array(start), np.subtract(end, start)
    share = ((points - origin) @ along / max(along @ along, 1)).clip(0, 1)
    nearest: np.ndarray = np.linalg.norm(points - origin - share[:, None] * along, axis=1)
    return nearest


def test_later_objects_cover_earlier_ones_and_the_rest_is_void(tmp_path: Path) -> None:
    left, top = [[0, 0], [3, 0], [3, 7], [0, 7]], [[0, 0], [7, 0], [7, 1], [0, 1]]
    picture = drawn(tmp_path, {"label": "sky", "polygon": left}, {"label": "bus", "polygon": top})
    assert (picture[:2] == 11).all()
    assert (picture[2:, :4] == 25).all()
    assert (picture[2:, 4:] == 255).all()


@pytest.mark.parametrize(
    "nothing",
    [
        {"label": "bus", "polygon": WHOLE, "deleted": 1},
        {"label": "no such label", "polygon": WHOLE, "deleted": 1},
        {"label": "bus", "polygon": [[0, 0], [7, 7]]},
        {"label": "bus", "polygon": []},
    ],
)
def test_deleted_objects_and_those_without_area_leave_no_trace(tmp_path: Path, nothing: dict[str, Any]) -> None:
    sky = {"label": "sky", "polygon": WHOLE, "deleted": 0}
    assert (drawn(tmp_path, sky, nothing) == 25).all()


@pytest.mark.parametrize(("label", "expected"), [("cargroup", 9), ("polegroup", 20)])
def test_a_group_is_drawn_as_its_members(tmp_path: Path, label: str, expected: int) -> None:
    assert (drawn(tmp_path, {"label": label, "polygon": WHOLE}) == expected).all()


@pytest.mark.parametrize("label", ["rode", "rodegroup", "", "group"])
def test_an_unknown_label_names_the_file_and_the_label(tmp_path: Path, label: str) -> None:
    with pytest.raises(DataError, match=rf"a_gtFine_polygons\.json: IDD has no label '{label}'\. .*rider, road,"):
        drawn(tmp_path, {"label": label, "polygon": WHOLE})


HEAD = '"imgHeight": 4, "imgWidth": 6'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "JSON"),
        (f'{{{HEAD}, "objects": [', "JSON"),
        (f"{{{HEAD}}}", "objects"),
        ('{"imgWidth": 6, "objects": []}', "imgHeight"),
        ('{"imgHeight": -4, "imgWidth": 6, "objects": []}', "imgHeight"),
        (f'{{{HEAD}, "objects": [{{"polygon": []}}]}}', r"objects\.0\.label"),
        (f'{{{HEAD}, "objects": [{{"label": "car", "polygon": [[1]]}}]}}', r"objects\.0\.polygon"),
        (f'{{{HEAD}, "objects": [{{"label": "car", "polygon": [[NaN, 1]]}}]}}', r"objects\.0\.polygon"),
        ('{"imgHeight": 99999, "imgWidth": 99999, "objects": []}', "99999x99999 pixels exceed"),
    ],
)
def test_a_damaged_annotation_is_one_sentence_about_the_file(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "a_gtFine_polygons.json"
    path.write_text(text)
    with pytest.raises(DataError, match=rf"{path}: .*{reason}.* replace") as error:
        draw_polygons(path)
    assert "\n" not in str(error.value)


def test_an_annotation_that_vanished_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{tmp_path / 'gone.json'}: cannot be read"):
        draw_polygons(tmp_path / "gone.json")


@pytest.mark.parametrize("folder", ["IDD_Segmentation", "idd20k", "idd20kII", "idd"])
def test_frames_of_one_name_are_told_apart_by_their_sequence(tmp_path: Path, folder: str) -> None:
    idd(tmp_path, folder)
    assert Idd().build("train", tmp_path).ids == ["0_frame0029", "1_frame0029"]
    assert Idd().build("val", tmp_path).ids == ["2_frame0029", "3_frame0029"]


def test_labels_are_the_png_where_there_is_one_and_else_drawn(tmp_path: Path) -> None:
    """The tree's scene: sky, nothing, road, and a car on it."""
    idd(tmp_path)
    split = Idd(classes="all").build("train", tmp_path)
    labels = tmp_path / "IDD_Segmentation/gtFine/train"
    raw = np.array(Image.open(labels / "0/frame0029_gtFine_labellevel3Ids.png"))
    assert np.array_equal(split[0].labels, np.where(raw == 255, 26, raw))
    assert split[1].labels[[2, 7, 7, 11], [12, 5, 12, 12]].tolist() == [25, 9, 26, 0]


def test_a_frame_with_neither_png_nor_polygons_is_named(tmp_path: Path) -> None:
    idd(tmp_path)
    image = write_image(tmp_path / "IDD_Segmentation/leftImg8bit/val/2/frame7_leftImg8bit.png", (12, 16))
    with pytest.raises(DataError, match=f"{image}: an image without labels"):
        Idd().build("val", tmp_path)


def test_polygons_of_another_size_than_their_image_are_refused(tmp_path: Path) -> None:
    idd(tmp_path)
    path = tmp_path / "IDD_Segmentation/gtFine/train/1/frame0029_gtFine_polygons.json"
    write_polygons(path, (16, 12), [])
    with pytest.raises(DataError, match=f"{path}: labels are 12x16 but their image .* is 16x12"):
        Idd().build("train", tmp_path)[1]


def test_instance_labels_are_not_taken_for_labels(tmp_path: Path) -> None:
    """Their names end in `_label.png` too."""
    idd_lite(tmp_path)
    split = IddLite().build("train", tmp_path)
    assert split.ids == ["0_frame0029", "1_frame0029"]
    for (_, labels, _), pair in zip([split[0], split[1]], split.pairs, strict=True):
        assert pair.labels.name == "frame0029_label.png"
        assert np.array_equal(labels, np.array(Image.open(pair.labels)))


def test_lite_has_the_classes_of_level_1() -> None:
    assert IddLite().label_space.names == tuple(TRAIN.groups["level 1"])


def test_an_image_of_lite_without_labels_is_named(tmp_path: Path) -> None:
    idd_lite(tmp_path)
    (tmp_path / "idd20k_lite/gtFine/val/3/frame0029_label.png").unlink()
    with pytest.raises(DataError, match=r"3/frame0029_image\.jpg: an image without labels"):
        IddLite().build("val", tmp_path)
