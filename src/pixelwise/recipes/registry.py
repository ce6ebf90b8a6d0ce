"""Registry of recipes."""

from collections.abc import Callable

from pixelwise.core.errors import InvalidSpec, did_you_mean
from pixelwise.experiment import Experiment

Recipe = Callable[[], Experiment]

RECIPES: dict[str, Recipe] = {}
"""Name -> recipe."""


def recipe(name: str) -> Callable[[Callable[[], Experiment]], Recipe]:
    """Decorator that registers a function as a recipe. The experiment that it returns gets the recipe's name.

    Args:
        name: Name of the recipe, `<data set>/<variant>` or `<report>/<system>`.
    """

    def register(function: Callable[[], Experiment]) -> Recipe:
        if name in RECIPES:
            raise ValueError(f"there are two recipes with the name {name}; rename one of them")

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
