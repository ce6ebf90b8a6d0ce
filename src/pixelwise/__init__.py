"""pixelwise: train, judge, compare, explain and ship semantic-segmentation models.

>>> import pixelwise as pw
>>> run = pw.train(pw.recipe("shapes/fcn"))
>>> result = pw.evaluate(run, split="test")
>>> pw.predict(run, ["photo.jpg"], out="predictions")
>>> classes = pw.load(run)(image)
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from pixelwise.engine.evaluate import evaluate as evaluate
    from pixelwise.engine.predict import predict as predict
    from pixelwise.engine.predictor import Predictor as Predictor
    from pixelwise.engine.predictor import load as load
    from pixelwise.engine.train import resume as resume
    from pixelwise.engine.train import train as train
    from pixelwise.engine.views import Views as Views
    from pixelwise.experiment import Experiment as Experiment
    from pixelwise.recipes.registry import get as recipe
    from pixelwise.studies.compare import compare_runs as compare
    from pixelwise.studies.export import export as export
    from pixelwise.studies.report import report as report

_HOMES = {
    "train": "pixelwise.engine.train:train",
    "resume": "pixelwise.engine.train:resume",
    "evaluate": "pixelwise.engine.evaluate:evaluate",
    "predict": "pixelwise.engine.predict:predict",
    "load": "pixelwise.engine.predictor:load",
    "Predictor": "pixelwise.engine.predictor:Predictor",
    "Views": "pixelwise.engine.views:Views",
    "Experiment": "pixelwise.experiment:Experiment",
    "recipe": "pixelwise.recipes:get",
    "report": "pixelwise.studies.report:report",
    "compare": "pixelwise.studies.compare:compare_runs",
    "export": "pixelwise.studies.export:export",
}
__all__ = [
    "Experiment", "Predictor", "Views", "compare", "evaluate", "export", "load", "predict", "recipe", "report",
    "resume", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Imports what is asked for on first use: importing torch takes seconds, `pixelwise --help` must not."""
    if name not in _HOMES:
        raise AttributeError(f"module 'pixelwise' has no attribute '{name}'")
    from importlib import import_module

    module, _, attribute = _HOMES[name].partition(":")
    return getattr(import_module(module), attribute)
