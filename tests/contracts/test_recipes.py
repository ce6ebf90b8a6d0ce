"""Contract of recipes: docstring, JSON conversion, and one training step."""

from pathlib import Path

import pytest

from pixelwise.core.errors import InvalidSpec
from pixelwise.data import Shapes
from pixelwise.experiment import Experiment
from pixelwise.inference.predictor import Predictor
from pixelwise.recipes import RECIPES, get
from pixelwise.recipes.registry import recipe
from pixelwise.training import loop
from pixelwise.training.schedule import learning_rate

SIZE = (64, 64)
QUICK = {
    "ai-idd/baseline",
    "isayama-voc2012/cosine-annealing",
    "kerr-voc2007/baseline",
    "lian-voc2007/baseline",
    "shapes/scratch",
    "xiang-cityscapes/baseline",
}
"""A recipe of each report and one of ours; the others are slow."""
HUGE = "kerr-voc2007/custom-fcn8"
"""134 million parameters take twenty seconds to draw, step and write."""

every_recipe = pytest.mark.parametrize("name", RECIPES)


def reduced(experiment: Experiment) -> Experiment:
    """The same network, loss, optimizer and schedule for one step on two pictures of 64×64."""
    model = experiment.model
    scratch = {"weights": None, "frozen": False}  # published weights are another test's subject, and not at hand
    model = model.replace(**{name: value for name, value in scratch.items() if name in type(model).model_fields})
    return experiment.replace(
        model=model,
        data=Shapes(size=SIZE, images=2),
        image_size=SIZE if experiment.image_size else None,
        augment=experiment.augment.replace(crop=SIZE) if experiment.augment.crop else experiment.augment,
        fit=experiment.fit.replace(epochs=1, val_every=1, minutes=None, batch_size=2, workers=0, device="cpu"),
        watch=(),
    )


@every_recipe
def test_a_recipe_is_an_experiment_of_its_name_that_comes_back_from_json(name: str) -> None:
    experiment = get(name)
    assert experiment.name == name
    assert Experiment.from_json(experiment.to_json()) == experiment


@every_recipe
def test_a_recipe_says_in_a_sentence_what_it_is(name: str) -> None:
    """The first line of its docstring is what `pixelwise list recipes` shows."""
    first, *rest = (RECIPES[name].__doc__ or "").splitlines() or [""]
    assert first.endswith(".")
    assert not rest or not rest[0].strip()


@every_recipe
def test_a_recipe_names_classes_and_splits_that_its_data_set_has(name: str) -> None:
    experiment = get(name)
    assert {experiment.data.train_split, experiment.data.val_split} <= set(experiment.data.splits)
    if experiment.watch:  # without, the classes may be known to the disk only
        assert set(experiment.watch) <= set(experiment.data.label_space.names)


@pytest.mark.parametrize(
    "name",
    [
        n if n in QUICK else pytest.param(n, marks=pytest.mark.nightly if n == HUGE else pytest.mark.slow)
        for n in RECIPES
    ],
)
def test_a_recipe_trains_a_step_and_writes_a_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for picture in ("draw_curves", "draw_predictions"):  # another test's subject
        monkeypatch.setattr(loop, picture, lambda *_: None)
    experiment = reduced(get(name))
    run = loop.train(experiment, out=tmp_path / "run")
    assert run.experiment == experiment
    (epoch,) = run.history()
    assert epoch.lr == learning_rate(experiment.fit, 0.0)
    assert epoch.train_loss is not None
    assert epoch.train_loss > 0
    assert run.results()["val"].epoch == Predictor.load(run).epoch == 1


def test_two_recipes_cannot_share_a_name() -> None:
    with pytest.raises(ValueError, match="two recipes with the name shapes/fcn"):
        recipe("shapes/fcn")(lambda: get("shapes/fcn"))


def test_a_mistyped_recipe_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(InvalidSpec, match=r"no recipe is called 'shapes/fnc'.*shapes/fcn"):
        get("shapes/fnc")
