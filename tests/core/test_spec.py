"""Specs: JSON conversion, values from text, and errors that state the remedy."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, SerializeAsAny, ValidationError

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.spec import Spec, choice
from pixelwise.data import DATASETS, Shapes, Voc2007
from pixelwise.experiment import EarlyStop, Experiment
from pixelwise.models import Fcn
from tests import networks


class Shape(Spec):
    kind: str


class Disc(Shape):
    kind: Literal["disc"] = "disc"
    radius: Annotated[float, Field(gt=0)] = 1.0


class Box(Shape):
    kind: Literal["box"] = "box"
    sides: tuple[int, int] = (2, 3)


class Pen(Spec):
    width: int = 1
    label: str | None = None


class Drawing(Spec):
    title: str = "untitled"
    zoom: float = 1.0
    visible: bool = True
    size: tuple[int, int] | None = None
    pen: Pen | None = None
    tool: Pen = Pen()
    shape: Annotated[SerializeAsAny[Shape], choice("shape", Shape, {"disc": Disc, "box": Box})] = Disc()


integers = st.integers(-(2**40), 2**40)
finite = st.floats(allow_nan=False, allow_infinity=False)
pens = st.builds(Pen, width=integers, label=st.none() | st.text())
drawings = st.builds(
    Drawing,
    title=st.text(),
    zoom=finite,
    visible=st.booleans(),
    size=st.none() | st.tuples(integers, integers),
    pen=st.none() | pens,
    tool=pens,
    shape=st.builds(Disc, radius=st.floats(min_value=1e-300, max_value=1e300))
    | st.builds(Box, sides=st.tuples(integers, integers)),
)


@given(drawing=drawings)
def test_json_gives_an_equal_spec_back(drawing: Drawing) -> None:
    again = Drawing.from_json(drawing.to_json())
    assert again == drawing
    assert type(again.shape) is type(drawing.shape)
    assert again.to_json() == drawing.to_json()


@given(text=st.text())
def test_a_text_field_takes_every_text_as_it_stands(text: str) -> None:
    """`2012` stays a name, `true` a word and `[1]` three characters."""
    assert Drawing().with_values({"title": text}).title == text


def test_a_field_of_one_component_cannot_hide_in_another() -> None:
    with pytest.raises(InvalidSpec, match=r"there is no field 'shape\.sides'"):
        Drawing.from_json('{"shape": {"kind": "disc", "sides": [1, 2]}}')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"zom": 1}', r"there is no field 'zom' in Drawing\. Did you mean 'zoom'\?"),
        ('{"tool": {"wdth": 1}}', r"there is no field 'tool\.wdth'"),
        ('{"tool": {"width": "thick"}}', r"tool\.width: .*valid integer.*'thick'"),
        ('{"shape": {"kind": "disk"}}', r"no shape is called 'disk'\. Did you mean 'disc'\? Choose from: box, disc\."),
        ('{"shape": 7}', r"expected a shape or its kind\. Choose from: box, disc\."),
        ("{", "invalid JSON"),
    ],
)
def test_json_that_does_not_fit_is_one_sentence_naming_the_field(text: str, reason: str) -> None:
    with pytest.raises(InvalidSpec, match=reason) as error:
        Drawing.from_json(text)
    assert "\n" not in str(error.value)


def test_specs_are_frozen_all_the_way_down() -> None:
    drawing = Drawing()
    for spec, field in ((drawing, "zoom"), (drawing.tool, "width"), (drawing.shape, "radius")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(spec, field, 2)


def test_a_replaced_field_leaves_the_original_and_is_validated_like_a_new_one() -> None:
    drawing = Drawing()
    assert drawing.replace(zoom=2.0).zoom == 2.0
    assert drawing.zoom == 1.0
    with pytest.raises(InvalidSpec, match="there is no field 'zom'"):
        drawing.replace(zom=2.0)
    with pytest.raises(InvalidSpec, match="zoom"):
        drawing.replace(zoom="wide")


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("tool.width", "12", 12),
        ("tool.width", "1e3", 1000),
        ("zoom", "1e-3", 0.001),
        ("zoom", "3", 3.0),
        ("size", "[32, 48]", (32, 48)),
        ("size", "none", None),
        ("size", "None", None),
        ("visible", "false", False),
        ("visible", "0", False),
        ("title", "2012", "2012"),
        ("title", "1e3", "1e3"),
        ("title", "true", "true"),
        ("title", "none", "none"),  # a title cannot be absent
        ("tool.label", "none", None),  # a label can
        ("tool.label", "007", "007"),
        ("shape", "box", Box()),
        ("shape.kind", "box", Box()),
        ("shape", '{"kind": "box", "sides": [1, 1]}', Box(sides=(1, 1))),
        ("shape.radius", "2", 2.0),
        ("pen", '{"width": 4}', Pen(width=4)),
    ],
)
def test_a_text_is_read_by_the_fields_type(path: str, text: str, value: Any) -> None:
    found: Any = Drawing(size=(1, 2)).with_values({path: text})
    for step in path.removesuffix(".kind").split("."):
        found = getattr(found, step)
    assert found == value
    assert type(found) is type(value)


@given(drawing=drawings)
def test_every_listed_path_takes_its_own_value(drawing: Drawing) -> None:
    for path in drawing.paths():
        value: Any = drawing
        for step in path.split("."):
            value = getattr(value, step)
        if path == "shape.kind" or (isinstance(value, str) and value.lower() == "none"):
            continue  # a kind brings its defaults; the word none is null where null is allowed
        text = value if isinstance(value, str) else repr(list(value) if isinstance(value, tuple) else value)
        assert drawing.with_values({path: text}) == drawing


def test_values_are_set_in_the_order_given() -> None:
    assert Drawing().with_values({"shape.kind": "box", "shape.sides": "[4,4]"}).shape == Box(sides=(4, 4))
    assert Drawing().with_values({"pen": "{}", "pen.width": "7"}).pen == Pen(width=7)


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("zom", "zoom"),
        ("tool.wdth", "tool.width"),
        ("tol.width", "tool.width"),
        ("shape.raduis", "shape.radius"),
        ("shape.sides", None),  # that is the box's
        ("", None),
        ("tool.", None),
    ],
)
def test_an_unknown_path_lists_the_valid_ones_and_the_closest(path: str, hint: str | None) -> None:
    with pytest.raises(InvalidSpec, match=f"there is no field '{path}'") as error:
        Drawing().with_values({path: "1"})
    text = str(error.value)
    assert all(valid in text for valid in ("shape.kind", "shape.radius", "size", "tool.label", "tool.width", "zoom"))
    assert (f"Did you mean '{hint}'?" in text) if hint else ("shape.radius" in text)


def test_a_path_into_a_component_that_is_not_set_says_so() -> None:
    with pytest.raises(InvalidSpec, match=r"no field 'pen\.width': 'pen' is not set\."):
        Drawing().with_values({"pen.width": "2"})


def test_a_path_into_a_plain_value_says_so() -> None:
    with pytest.raises(InvalidSpec, match=r"no field 'zoom\.level': 'zoom' is 1\.0 and has no fields\."):
        Drawing().with_values({"zoom.level": "2"})


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("tool.width", "thick", "valid integer"),
        ("tool.width", "1.5", "valid integer"),
        ("tool.width", "none", "valid integer"),
        ("shape.radius", "-1", "greater than 0"),
        ("visible", "perhaps", "valid boolean"),
        ("size", "[1, 2, 3]", "at most 2 items"),
        ("size", '[1, "x"]', "1: .*valid integer"),
        ("shape", "disk", "Did you mean 'disc'"),
        ("shape", '{"kind": "disc", "radius": -1}', "radius: .*greater than 0"),
    ],
)
def test_a_value_that_does_not_fit_names_path_value_and_what_was_expected(path: str, text: str, expected: str) -> None:
    with pytest.raises(InvalidSpec, match=expected) as error:
        Drawing().with_values({path: text})
    assert str(error.value).startswith(f"{path}={text} does not fit: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("path", ["data", "data.kind"])
@pytest.mark.parametrize("kind", DATASETS)
def test_switching_the_data_set_brings_its_own_defaults(tiny: Experiment, path: str, kind: str) -> None:
    changed = tiny.replace(data=Voc2007(train_split="trainval")).with_values({path: kind})
    assert changed.data == DATASETS[kind](kind=kind)
    assert changed.model == tiny.model


def test_an_optional_component_is_switched_on_and_off(tiny: Experiment) -> None:
    on = tiny.with_values({"fit.early_stop": '{"patience": 3}', "fit.early_stop.monitor": "val_mean_iou"})
    assert on.fit.early_stop == EarlyStop(patience=3, monitor="val_mean_iou")
    assert on.with_values({"fit.early_stop": "none"}) == tiny


@pytest.mark.parametrize("path", [f"{networks.__file__}:Small", "tests.networks:Small"])
def test_a_network_of_the_users_own_comes_in_by_its_import_path(tiny: Experiment, path: str) -> None:
    gray = {"mean": (0.5, 0.5, 0.5), "std": (0.2, 0.2, 0.2)}
    for experiment in (tiny.with_values({"model.kind": path}), tiny.with_values({"model": path})):
        assert experiment.model.kind == path
    experiment = experiment.replace(model={"kind": path, **gray})
    assert experiment.model.mean == gray["mean"]
    again = Experiment.from_json(experiment.to_json())
    assert again == experiment
    assert type(again.model) is type(experiment.model)
    assert sum(p.numel() for p in again.model.build(5).parameters()) > 1000


GOOD = "from pixelwise.models import ModelSpec\nclass Net(ModelSpec):\n    kind: str\n    depth: int = 3\n"


def test_fields_of_the_users_own_network_are_checked_like_ours(tiny: Experiment) -> None:
    Path("net.py").write_text(GOOD)
    experiment = tiny.with_values({"model.kind": "net.py:Net", "model.depth": "5"})
    assert experiment.model.model_dump()["depth"] == 5
    with pytest.raises(InvalidSpec, match=r"there is no field 'model\.dpth'\. Did you mean 'model\.depth'\?"):
        experiment.with_values({"model.dpth": "5"})
    with pytest.raises(InvalidSpec, match=r"model\.depth"):
        Experiment.from_json(experiment.to_json().replace('"depth": 5', '"depth": "deep"'))


@pytest.mark.parametrize(
    ("kind", "content", "reason"),
    [
        ("absent.py:Net", None, r"there is no file .*absent\.py"),
        ("no.such.module:Net", None, "cannot be imported: ModuleNotFoundError: No module named 'no'"),
        (":Net", None, "cannot be imported"),
        ("net.py:Missing", GOOD, r"net\.py has no 'Missing'"),
        ("math:sqrt", None, "is not a model"),
        ("net.py:", GOOD, r"net\.py has no ''"),
        ("net.py:Net", "class Net: pass\n", r"is not a model: derive it from pixelwise's ModelSpec"),
        ("net.py:Net", "Net = 3\n", r"is not a model: derive it from pixelwise's ModelSpec"),
        ("net.py:Net", "class Net(:\n", r"cannot be imported: SyntaxError: .*net\.py, line 1"),
        (
            "net.py:Net",
            "1 / 0\n",
            r"cannot be imported: net\.py, line 1, in <module>: ZeroDivisionError",
        ),
        (
            "net.py:Net",
            "import nowhere\n",
            r"imported: net\.py, line 1, in <module>: ModuleNotFoundError",
        ),
    ],
)
def test_an_import_path_that_leads_nowhere_is_one_sentence(
    tiny: Experiment, kind: str, content: str | None, reason: str
) -> None:
    if content is not None:
        Path("net.py").write_text(content)
    for _ in range(2):  # the second import must not find an incomplete module
        with pytest.raises(InvalidSpec, match=reason) as error:
            tiny.with_values({"model.kind": kind})
        assert str(error.value).startswith(f"model.kind={kind} does not fit: ")
        assert "\n" not in str(error.value)
    with pytest.raises(InvalidSpec, match=reason):
        Experiment.from_json(tiny.to_json().replace(tiny.model.kind, kind))


def test_a_corrected_file_is_imported_again(tiny: Experiment) -> None:
    Path("net.py").write_text("class Net(:\n")
    with pytest.raises(InvalidSpec):
        tiny.with_values({"model.kind": "net.py:Net"})
    Path("net.py").write_text(GOOD)
    assert tiny.with_values({"model.kind": "net.py:Net"}).model.kind == "net.py:Net"


def test_values_that_only_fit_together_are_set_together() -> None:
    values = {"mean": "[0.5,0.5,0.5]", "std": "[0.2,0.2,0.2]"}
    assert Fcn().with_values(values).std == (0.2, 0.2, 0.2)
    with pytest.raises(InvalidSpec, match=r"^mean: mean and std are given together"):
        Fcn().with_values({"mean": values["mean"]})


def test_a_kind_and_the_fields_of_its_component_go_together_in_any_order() -> None:
    experiment = Experiment(name="a/b", data=Shapes(), model=Fcn())
    for paths in (("data.kind", "data.images"), ("data.images", "data.kind")):
        values = {"data.kind": "shapes", "data.images": "7"}
        changed = experiment.with_values({path: values[path] for path in paths})
        assert changed.data == Shapes(images=7)


def test_a_rate_is_a_finite_number() -> None:
    with pytest.raises(InvalidSpec, match=r"fit\.optimizer\.lr=inf does not fit"):
        Experiment(name="a/b", data=Shapes(), model=Fcn()).with_values({"fit.optimizer.lr": "inf"})
