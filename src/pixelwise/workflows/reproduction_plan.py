"""Plan of a reproduction: its experiments and existing runs, with all checks that are possible before training."""

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
    """Experiments and existing runs of a reproduction that passed all checks.

    Attributes:
        experiments: System -> experiment, in the order of training.
        existing: System -> run, for all runs in the folder.
    """

    experiments: dict[str, Experiment]
    existing: dict[str, Run]


def plan(key: str, systems: Sequence[str], values: Values, root: Path, folder: Path) -> ReproductionPlan:
    """Checks a reproduction and plans it. See `reproduce` for the arguments and the errors."""
    if key not in published():
        raise InvalidSpec(f"no report is called '{key}'.{did_you_mean(key, published())}")
    known = systems_of(key)
    for name in systems:
        if name not in known:
            raise InvalidSpec(f"{key} has no system '{name}'.{did_you_mean(name, known)}")
    names = tuple(dict.fromkeys(systems)) or tuple(published()[key].systems)
    planned = {name: e.replace(data=e.data.resolve(root)) for name, e in experiments(key, names, values).items()}
    _check_folder(folder, key)
    existing = runs_in(folder, key)
    data = planned[names[0]].data
    for name, run in existing.items():
        stored = run.experiment
        if stored.name != f"{key}/{name}" or stored.data.kind != data.kind:
            raise RunError(
                f"{run.path} contains {stored.name} on {stored.data.kind}, not {key}/{name} on {data.kind}: choose"
                " another --out."
            )
        _check_same(run, planned.get(name, stored.replace(data=data)))
    for name in [name for name in planned if name not in existing]:
        _preflight(f"{key}/{name}", planned[name], root)
    return ReproductionPlan(planned, existing)


def experiments(key: str, names: Iterable[str], values: Values) -> dict[str, Experiment]:
    """Experiments of a report's systems: the recipes, with each change applied to the systems that have its field.

    Args:
        key: Key of the report.
        names: Names of the systems.
        values: Dotted path -> text.

    Raises:
        InvalidSpec: No system has the field of a change, or a value does not fit.
    """
    plain = {name: recipes.get(f"{key}/{name}") for name in names}
    # A change of a component changes the valid fields, so that the fields are looked up with the new components.
    kinds = {path: text for path, text in values.items() if path.removesuffix(".kind") in COMPONENTS}
    with_kinds = {name: experiment.with_values(kinds) for name, experiment in plain.items()}
    for path in values:
        if not any(_has(experiment, path) for experiment in with_kinds.values()):
            paths = {path for experiment in with_kinds.values() for path in experiment.paths()}
            raise InvalidSpec(f"none of these systems has a field '{path}'.{did_you_mean(path, paths)}")
    changed = {}
    for name, experiment in plain.items():
        try:
            changed[name] = experiment.with_values({p: t for p, t in values.items() if _has(with_kinds[name], p)})
        except InvalidSpec as e:
            raise InvalidSpec(f"{key}/{name}: {e}") from None
    return changed


def systems_of(key: str) -> list[str]:
    """Systems of a report that have a recipe: those in its table, then the others."""
    recipe_names = [name.removeprefix(f"{key}/") for name in recipes.RECIPES if name.startswith(f"{key}/")]
    return list(dict.fromkeys([*published()[key].systems, *recipe_names]))


def runs_in(folder: Path, key: str) -> dict[str, Run]:
    """System -> run, for all runs in the folder of a reproduction.

    Raises:
        RunError: The folder of a system contains something else.
    """
    runs = {}
    for name in systems_of(key):
        if (folder / name).is_dir() and any((folder / name).iterdir()):
            try:
                runs[name] = Run.open(folder / name)
            except RunError as e:
                raise RunError(f"{e} Move the folder away, or choose another --out.") from None
    return runs


def _has(spec: Spec, path: str) -> bool:
    """Whether a spec has a field at a dotted path."""
    name, _, rest = path.partition(".")
    if name not in type(spec).model_fields:
        return False
    value = getattr(spec, name)
    return not rest or (isinstance(value, Spec) and _has(value, rest))


def _preflight(name: str, experiment: Experiment, root: Path) -> None:
    """Finds errors that would stop the training of a system before its first step."""
    try:
        preflight(experiment, resolve_runtime(experiment.fit), *open_splits(experiment.data, root))
    except InvalidSpec as e:
        raise InvalidSpec(f"{name}: {e}") from None


def _check_folder(folder: Path, key: str) -> None:
    """Checks that a folder is new, empty, or that of an earlier reproduction of the same report."""
    own = {*systems_of(key), PICTURES, *FILES}
    if not folder.is_dir() or any(p.name not in own and not p.name.startswith(".") for p in folder.iterdir()):
        check_free(folder, f"a reproduction of {key}")


def _check_same(run: Run, experiment: Experiment) -> None:
    """Checks that a run has the planned experiment."""
    stored, planned = (e.model_dump(mode="json") for e in (run.experiment, experiment))
    for path, (old, new) in changes(stored, planned).items():
        raise RunError(f"{run.path} was trained with {path}={old}, not {new}: choose another --out or the same value.")
