"""Label space: raw ids of files, class ids of networks, and their conversion."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pixelwise.core.errors import DataError, InvalidSpec
from pixelwise.core.label_space import IGNORE, LabelSpace


def space_of(raw_ids: list[int], void: list[int]) -> LabelSpace:
    names = tuple(f"class {i}" for i in range(len(raw_ids)))
    colors = tuple((i, 255 - i, i // 2) for i in range(len(raw_ids)))
    return LabelSpace(names=names, colors=colors, raw_ids=tuple(raw_ids), void={v: f"void {v}" for v in void})


@st.composite
def spaces(draw: st.DrawFn) -> LabelSpace:
    """Up to 40 classes and up to 5 void ids anywhere in 0..65535, in any order."""
    ids = draw(st.lists(st.integers(0, 65535) | st.integers(0, 255), unique=True, min_size=1, max_size=45))
    voids = draw(st.integers(0, min(5, len(ids) - 1)))
    return space_of(ids[voids:], ids[:voids])


FIELDS: dict[str, Any] = {
    "names": ("road", "sky"), "colors": ((1, 2, 3), (4, 5, 6)), "raw_ids": (7, 26),
    "void": {255: "edge", 0: "ego car"},
}  # fmt: skip
STREET = LabelSpace(**FIELDS)


@given(space=spaces(), seed=st.integers(0, 9))
def test_raw_to_class_and_back_is_identity_and_void_becomes_the_first_void_id(space: LabelSpace, seed: int) -> None:
    every = [*space.raw_ids, *space.void]
    raw = np.random.default_rng(seed).choice(every, (9, 11))
    classes = space.to_classes(raw)
    meaning = {**{r: k for k, r in enumerate(space.raw_ids)}, **dict.fromkeys(space.void, IGNORE)}
    assert classes.tolist() == [[meaning[int(r)] for r in row] for row in raw]
    back = space.to_raw(classes)
    assert (back == np.where(classes == IGNORE, next(iter(space.void), IGNORE), raw)).all()
    assert np.array_equal(space.to_classes(back), classes)


@given(space=spaces())
@settings(max_examples=30)
def test_class_to_raw_is_as_narrow_as_the_ids_allow(space: LabelSpace) -> None:
    classes = np.arange(space.num_classes, dtype=np.uint8)[None]
    raw = space.to_raw(classes)
    assert raw.tolist() == [list(space.raw_ids)]
    needed = max([*space.raw_ids, *list(space.void)[:1]])
    assert raw.dtype == (np.uint8 if needed < 256 else np.uint16)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64])
def test_ids_of_any_integer_type_mean_the_same(dtype: type) -> None:
    assert STREET.to_classes(np.array([[7, 26, 255, 0]], dtype)).tolist() == [[0, 1, IGNORE, IGNORE]]


def test_255_classes_fit_beside_void_and_256_do_not() -> None:
    full = space_of([*range(255)], [255])
    raw = np.arange(256, dtype=np.uint8)[None]
    assert np.array_equal(full.to_classes(raw), raw)
    assert np.array_equal(full.to_raw(raw), raw)
    with pytest.raises(ValidationError, match="1 to 255 classes, not 256"):
        space_of([*range(256)], [])


@pytest.mark.parametrize("foreign", [5, 254, 256, 65535])
def test_foreign_ids_name_the_file_themselves_and_what_was_expected(foreign: int) -> None:
    raw = np.array([[7, foreign], [26, 0]], np.uint16)
    with pytest.raises(DataError, match=rf"^a\.png: label ids {foreign} are outside .* 0 ego car, 7 road, 26 sky"):
        STREET.to_classes(raw, "a.png")


@pytest.mark.parametrize("wild", [-1, 65536])
def test_ids_that_no_label_file_can_hold_are_refused(wild: int) -> None:
    with pytest.raises(DataError, match=rf"a\.png: label ids must lie in 0\.\.65535, found .*{wild}"):
        STREET.to_classes(np.array([[7, wild]], np.int32), "a.png")


def test_a_picture_full_of_foreign_ids_is_still_one_short_sentence() -> None:
    with pytest.raises(DataError) as error:
        space_of([0], [1]).to_classes(np.arange(300, dtype=np.uint16)[None])
    assert "2, 3, 4, 5, 6, 7, 8, 9, …" in str(error.value)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"raw_ids": (7, 7)}, "appears twice"),
        ({"void": {7: "edge"}}, "appears twice"),
        ({"names": ("road", "road")}, "appears twice"),
        ({"raw_ids": (7, 8, 9)}, "one entry for each class"),
        ({"colors": ((1, 2, 3),)}, "one entry for each class"),
        ({"raw_ids": (-1, 7)}, r"0\.\.65535"),
        ({"raw_ids": (7, 65536)}, r"0\.\.65535"),
        ({"colors": ((1, 2, 300), (4, 5, 6))}, "less than or equal to 255"),
        ({"names": (), "colors": (), "raw_ids": ()}, "1 to 255 classes, not 0"),
        ({"ignored_in_evaluation": ("sky", "see")}, "no class is called 'see'"),
        ({"ignored_in_evaluation": ("edge",)}, "no class is called 'edge'"),  # void is no class
        ({"groups": {"height": {"low": ("road",), "high": ("cloud",)}}}, "no class is called 'cloud'"),
        ({"groups": {"height": {"low": ("road",), "high": ("sky", "road")}}}, "in two groups of 'height'"),
        ({"groups": {"height": {"low": ("road", "road")}}}, "in two groups of 'height'"),
    ],
)
def test_a_space_that_contradicts_itself_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        LabelSpace(**(FIELDS | fields))


def test_spaces_are_equal_by_their_fields_also_after_use() -> None:
    one, other = STREET.replace(), LabelSpace.from_json(STREET.to_json())
    for space in (one, other):
        space.to_raw(space.to_classes(np.array([[7]])))
        assert space.class_colors[0].tolist() == [1, 2, 3]
    assert one == other
    assert one != other.replace(void={255: "edge"})


def test_colors_are_found_by_class_and_by_raw_id() -> None:
    assert STREET.class_colors[[0, 1, IGNORE]].tolist() == [[1, 2, 3], [4, 5, 6], [224, 224, 192]]
    palette = np.array(STREET.raw_palette()).reshape(256, 3)
    assert palette[[7, 26, 0, 255, 1]].tolist() == [[1, 2, 3], [4, 5, 6], [224, 224, 192], [224, 224, 192], [0, 0, 0]]


def test_a_class_is_found_by_name_or_the_near_one_is_offered() -> None:
    assert STREET.class_id("sky") == 1
    with pytest.raises(InvalidSpec, match=r"no class is called 'raod'\. Did you mean 'road'\?"):
        STREET.class_id("raod")


def test_a_class_may_be_in_a_group_of_each_grouping_or_in_none() -> None:
    groups = {"height": {"low": ("road",), "high": ("sky",)}, "color": {"gray": ("road",)}}
    space = LabelSpace(**FIELDS, groups=groups, ignored_in_evaluation=("sky",))
    assert LabelSpace.from_json(space.to_json()) == space != STREET
    assert space.groups == groups
    assert space.num_classes == STREET.num_classes
    assert space.to_classes(np.array([[26]])) == 1, "what is not evaluated is learned"
