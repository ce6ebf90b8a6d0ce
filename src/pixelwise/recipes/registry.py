"""Names of recipes."""

from collections.abc import Callable

from pixelwise.core.errors import InvalidSpec, did_you_mean
from pixelwise.experiment import Experiment

Recipe = Callable[[], Experiment]

RECIPES: dict[str, Recipe] = {}
"""Every recipe by its name."""


def recipe(name: str) -> Callable[[Callable[[], Experiment]], Recipe]:
    """Decorator that registers a function which returns an experiment. The experiment gets the recipe's name."""

    def register(function: Callable[[], Experiment]) -> Recipe:
        if name in RECIPES:
            raise ValueError(f"two recipes are called {name}")

        def named() -> Experiment:
            return function().replace(name=name)

        named.__doc__ = function.__doc__
        RECIPES[name] = named
        return named

    return register


def get(name: str) -> Experiment:
    """The experiment of a recipe.

    Raises:
        InvalidSpec: No recipe has that name.
    """
    if name not in RECIPES:
        raise InvalidSpec(f"no recipe is called '{name}'.{did_you_mean(name, RECIPES)}")
    return RECIPES[name]()
