"""pixelwise: train, evaluate, compare, explain and deploy semantic segmentation models.

>>> import pixelwise as pw
>>> run = pw.train(pw.recipe("shapes/fcn"))
>>> result = pw.evaluate(run, split="test")
>>> pw.predict(run, ["photo.jpg"], out="predictions")
>>> classes = pw.load(run)(image)
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from pixelwise.evaluation.evaluate import evaluate as evaluate
    from pixelwise.experiment import Experiment as Experiment
    from pixelwise.inference.options import InferenceOptions as InferenceOptions
    from pixelwise.inference.predict import predict as predict
    from pixelwise.inference.predictor import Predictor as Predictor
    from pixelwise.inference.predictor import load as load
    from pixelwise.recipes.registry import get as recipe  # noqa: F401  # its name in _PUBLIC
    from pixelwise.run import Run as Run
    from pixelwise.training.loop import resume as resume
    from pixelwise.training.loop import train as train
    from pixelwise.workflows.compare import compare as compare
    from pixelwise.workflows.demo import demo as demo
    from pixelwise.workflows.export import export as export
    from pixelwise.workflows.report import report as report
    from pixelwise.workflows.reproduce import reproduce as reproduce
    from pixelwise.workflows.serve import serve as serve

_PUBLIC = {
    "Experiment": "pixelwise.experiment",
    "InferenceOptions": "pixelwise.inference.options",
    "Predictor": "pixelwise.inference.predictor",
    "Run": "pixelwise.run",
    "compare": "pixelwise.workflows.compare",
    "demo": "pixelwise.workflows.demo",
    "evaluate": "pixelwise.evaluation.evaluate",
    "export": "pixelwise.workflows.export",
    "load": "pixelwise.inference.predictor",
    "predict": "pixelwise.inference.predict",
    "recipe": "pixelwise.recipes",
    "report": "pixelwise.workflows.report",
    "reproduce": "pixelwise.workflows.reproduce",
    "resume": "pixelwise.training.loop",
    "serve": "pixelwise.workflows.serve",
    "train": "pixelwise.training.loop",
}
"""Public name -> module. No module or package of this level has a public name, which its import would replace."""

__all__ = [*_PUBLIC]  # strings


def __getattr__(name: str) -> Any:
    """Imports a public name on first use: importing torch takes seconds, and `pixelwise --help` does without."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'pixelwise' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_PUBLIC[name]), "get" if name == "recipe" else name)
