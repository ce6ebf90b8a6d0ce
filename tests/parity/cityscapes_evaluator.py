"""Cityscapes' official evaluation, run in an environment of its own: it does not work with NumPy 2.4 and newer.

    python cityscapes_evaluator.py prediction.png labels.png [prediction.png labels.png …]

Prints JSON: its table of labels and, where files are given, its scores of all pairs together. Undefined is NaN.
"""

import importlib
import json
import sys
from typing import Any


def table() -> list[dict[str, Any]]:
    """The labels that a file can hold."""
    labels = importlib.import_module("cityscapesscripts.helpers.labels").labels
    return [label._asdict() for label in labels if label.id >= 0]


def scores(predicted: list[str], labels: list[str]) -> dict[str, Any]:
    """IoU of classes and categories, without instances."""
    evaluation = importlib.import_module("cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling")
    evaluation.args.evalInstLevelScore = False
    evaluation.args.JSONOutput = False
    evaluation.args.quiet = True
    found = evaluation.evaluateImgLists(predicted, labels, evaluation.args)
    names = ("classScores", "averageScoreClasses", "categoryScores", "averageScoreCategories")
    return {name: found[name] for name in names}


if __name__ == "__main__":
    files = sys.argv[1:]
    json.dump({"labels": table(), "scores": scores(files[::2], files[1::2]) if files else None}, sys.stdout)
