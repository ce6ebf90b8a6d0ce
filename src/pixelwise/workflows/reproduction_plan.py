"""What a reproduction is asked, and everything about it that can be found wrong before anything is trained."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pixelwise import recipes
from pixelwise.core.errors import InvalidSpec, RunError, did_you_mean
from pixelwise.core.files import check_free
from pixelwise.core.spec import Spec
from pixelwise.data.prepare import open_splits
from pixelwise.experiment import Experiment
from pixelwise.inference.runtime import resolve_runtime
from pixelwise.reporting.changes import changes
from pixelwise.reporting.published import published
from pixelwise.run import Run
from pixelwise.training.preflight import preflight

PICTURES, FILES = "pictures", ("report.md", "report.html", "report.json")
COMPONENTS = ("data", "model", "loss")

Values = Mapping[str, str]


class ReproductionPlan(NamedTuple):
    """A reproduction that can begin.

    Attributes:
        asked: System -> experiment, in the order of training.
        begun: System -> run, for all that lie in the folder.
    """

    asked: dict[str, Experiment]
    begun: dict[str, Run]


def plan(key: str, systems: Sequence[str], values: Values, root: Path, folder: Path) -> ReproductionPlan:
    """What is to be trained, and what is there; see `reproduce`, whose errors these are."""
    if key not in published():
        raise InvalidSpec(f"no report is called '{key}'.{did_you_mean(key, published())}")
    known = systems_of(key)
    for name in systems:
        if name not in known:
            raise InvalidSpec(f"{key} has no system '{name}'.{did_you_mean(name, known)}")
    names = tuple(dict.fromkeys(systems)) or tuple(published()[key].systems)
    asked = {name: e.replace(data=e.data.resolve(root)) for name, e in experiments(key, names, values).items()}
    _check_folder(folder, key)
    begun = runs_in(folder, key)
    data = asked[names[0]].data
    for name, run in begun.items():
        there = run.experiment
        if there.name != f"{key}/{name}" or there.data != data:
            raise RunError(f"{run.path} is {there.name} on {there.data.kind}, not as asked now: choose another --out.")
        if name in asked:
            _check_same(run, asked[name])
    for name in [name for name in asked if name not in begun]:
        _preflight(f"{key}/{name}", asked[name], root)
    return ReproductionPlan(asked, begun)


def experiments(key: str, names: Iterable[str], values: Values) -> dict[str, Experiment]:
    """A report's recipes, each with the changes whose field it has.

    Raises:
        InvalidSpec: No system has a change's field, or a value does not fit one that has.
    """
    plain = {name: recipes.get(f"{key}/{name}") for name in names}
    # Another component has other fields: who has a field is asked of the experiment with that component.
    kinds = {path: text for path, text in values.items() if path.removesuffix(".kind") in COMPONENTS}
    chosen = {name: experiment.with_values(kinds) for name, experiment in plain.items()}
    for path in values:
        if not any(_has(experiment, path) for experiment in chosen.values()):
            paths = {path for experiment in chosen.values() for path in experiment.paths()}
            raise InvalidSpec(f"no system that was asked for has a field '{path}'.{did_you_mean(path, paths)}")
    changed = {}
    for name, experiment in plain.items():
        try:
            changed[name] = experiment.with_values({p: t for p, t in values.items() if _has(chosen[name], p)})
        except InvalidSpec as e:
            raise InvalidSpec(f"{key}/{name}: {e}") from None
    return changed


def systems_of(key: str) -> list[str]:
    """Every system of a report that has a recipe: those in its table, then the others."""
    named = [name.removeprefix(f"{key}/") for name in recipes.RECIPES if name.startswith(f"{key}/")]
    return list(dict.fromkeys([*published()[key].systems, *named]))


def runs_in(folder: Path, key: str) -> dict[str, Run]:
    """System -> run, for those that lie in a reproduction's folder.

    Raises:
        RunError: Something else lies in a run's place.
    """
    found = {}
    for name in systems_of(key):
        if (folder / name).is_dir() and any((folder / name).iterdir()):
            try:
                found[name] = Run.open(folder / name)
            except RunError as e:
                raise RunError(f"{e} Move the folder away, or choose another --out.") from None
    return found


def _has(spec: Spec, path: str) -> bool:
    """Whether a spec has a field of that path."""
    name, _, rest = path.partition(".")
    if name not in type(spec).model_fields:
        return False
    value = getattr(spec, name)
    return not rest or (isinstance(value, Spec) and _has(value, rest))


def _preflight(name: str, experiment: Experiment, root: Path) -> None:
    """Finds mistakes that would end a system's training before its first step."""
    try:
        preflight(experiment, resolve_runtime(experiment.fit), *open_splits(experiment.data, root))
    except InvalidSpec as e:
        raise InvalidSpec(f"{name}: {e}") from None


def _check_folder(folder: Path, key: str) -> None:
    """Checks that a folder is new, empty, or that of an earlier call."""
    own = {*systems_of(key), PICTURES, *FILES}
    if not folder.is_dir() or any(p.name not in own and not p.name.startswith(".") for p in folder.iterdir()):
        check_free(folder, f"a reproduction of {key}")


def _check_same(run: Run, experiment: Experiment) -> None:
    """Checks that a run was asked what is asked now."""
    asked, wanted = (e.model_dump(mode="json") for e in (run.experiment, experiment))
    for path, (there, now) in changes(asked, wanted).items():
        raise RunError(f"{run.path} was asked {path}={there}, not {now}: choose another --out, or ask the same.")
