"""pixelwise train."""

from pathlib import Path
from typing import Literal

from tyro.conf import Positional, UseAppendAction

from pixelwise.cli._arguments import refuse_with_resume, values_of, with_seed
from pixelwise.cli._output import print_results
from pixelwise.core.errors import InvalidSpec


def command(
    recipe: Positional[str | None] = None,
    data_root: Path | None = None,
    out: Path | None = None,
    seed: int | None = None,
    resume: Path | None = None,
    track: Literal["tensorboard", "mlflow"] | None = None,
    set: UseAppendAction[tuple[str, ...]] = (),  # noqa: A002  # the flag is called --set
) -> None:
    """Train a recipe, or continue a run that was stopped.

    Args:
        recipe: name of the recipe, see `pixelwise list recipes`
        data_root: folder of the data sets; else PIXELWISE_DATA, else ./data
        out: run folder, new or empty; else runs/<recipe>/<time>_seed<n>
        seed: seed of everything random; else the recipe's
        resume: run folder: continue after its last checkpoint
        track: log to TensorBoard (in the run folder) or MLflow (MLFLOW_TRACKING_URI) as well
        set: path=value, changes a field of the recipe, such as fit.epochs=5; may be repeated
    """
    from pixelwise import recipes
    from pixelwise.reporting.tables import scores_table
    from pixelwise.training import loop

    if resume:
        refuse_with_resume(recipe=recipe, out=out, seed=seed, set=set)
        run = loop.resume(resume, data_root=data_root, track=track)
    elif recipe is None:
        raise InvalidSpec(f"train needs a recipe or --resume RUN. Recipes: {', '.join(sorted(recipes.RECIPES))}.")
    else:
        experiment = recipes.get(recipe).with_values(with_seed(values_of(set), seed))
        run = loop.train(experiment, data_root=data_root, out=out, track=track)
    for result in run.results().values():
        print_results(scores_table(result))
    print_results(f"run       {run.path}", f"curves    {run.curves}", f"overlays  {run.overlays}")
