"""Section of docs/performance.md on the time to a given mean IoU, from records/benchmarks/curves-*.json."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt  # after the backend

RECIPE = "camvid/scratch"
MARKS = (0.50, 0.55)
TEXT = """\
## Time to a given mean IoU

Training from scratch on CamVid's training split. Each tool uses its own settings, with a schedule that ends at the time
limit; the tools were run one after the other on the same machine. Minutes are the wall time of training and of the
validation that each tool does itself. The weights of every validated epoch were kept. They were scored afterwards on
CamVid's validation split, at the original size of the images, with torchmetrics' confusion matrix. Each tool was run
once. The networks differ, and so does the precision: pixelwise trains in bf16 if the processor computes in it, as here;
the other tools train in fp32, their default. In brackets: ratio to pixelwise's time."""


class Contender(NamedTuple):
    """One tool, a line of the picture.

    Attributes:
        name: Name of the tool.
        settings: Network and settings of the training.
        color: Color of the line.
    """

    name: str
    settings: str
    color: str


SIDES = {
    "pixelwise": Contender("pixelwise", f"`{RECIPE}` with `fit.val_every=3` and `fit.ema_decay=0.999`", "#2b6cb0"),
    "smp": Contender("smp", "CamVid example of smp: U-Net on ResNet-18, without pretrained weights", "#dd6b20"),
    "yolo": Contender(
        "Ultralytics", "YOLO26n-sem from its YAML file, default settings, images of 480 pixels", "#718096"
    ),
}


def section(records: Path, docs: Path) -> list[str]:
    """Draws the picture and returns the lines of the section; empty without measurements."""
    found = {side: result for side in SIDES if (result := read(records / f"curves-{side}.json"))}
    if not found:
        return []
    _draw(found, docs / "images" / "curves.png")
    marks = " | ".join(f"minutes to {mark:.2f}" for mark in MARKS)
    rows = [_row(side, result, found.get("pixelwise")) for side, result in found.items()]
    head = f"| tool | network and settings | {marks} | best mean IoU | time limit, date |"
    return [
        TEXT, "", head, f"|---|---|{'---:|' * len(MARKS)}---:|---|", *rows,
        "", "![Validation mean IoU by training time](images/curves.png)",
    ]  # fmt: skip


def reached(curve: list[dict[str, Any]], mark: float) -> float | None:
    """Minutes until the score was first reached."""
    return next((point["minutes"] for point in curve if point["mean_iou"] >= mark), None)


def read(file: Path) -> dict[str, Any] | None:
    """A measurement; None if it was not run."""
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def _row(side: str, result: dict[str, Any], ours: dict[str, Any] | None) -> str:
    marks = " | ".join(_minutes(result["curve"], mark, ours["curve"] if ours else []) for mark in MARKS)
    best = max(result["curve"], key=lambda point: point["mean_iou"])
    when = f"{best['mean_iou']:.3f} after {best['minutes']:.1f} min"
    name, settings, _ = SIDES[side]
    return f"| {name} | {settings} | {marks} | {when} | {result['minutes']:.0f} min, {result['date']} |"


def _minutes(curve: list[dict[str, Any]], mark: float, ours: list[dict[str, Any]]) -> str:
    """Minutes until a curve reached a mark, and their ratio to pixelwise's."""
    end, first = curve[-1]["minutes"], reached(ours, mark)
    here = reached(curve, mark)
    text = f"{here:.1f}" if here else f"not within {end:.0f}"
    if first is None or curve is ours:
        return text
    return f"{text} ({'' if here else 'over '}{(here or end) / first:.1f}×)"


def _draw(found: dict[str, dict[str, Any]], picture: Path) -> None:
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for side, result in found.items():
        minutes, scores = zip(*((point["minutes"], point["mean_iou"]) for point in result["curve"]), strict=True)
        axes.plot(minutes, scores, color=SIDES[side].color, linewidth=2)
        axes.annotate(
            SIDES[side].name, (minutes[-1], scores[-1]), xytext=(6, 0), textcoords="offset points",
            color=SIDES[side].color, va="center",
        )  # fmt: skip
    for mark in MARKS:
        axes.axhline(mark, color="#a0aec0", linewidth=0.8, linestyle="--")
    axes.set(xlabel="minutes of training and validation, two cores", ylabel="validation mean IoU, 11 classes", ylim=0)
    axes.set_xlim(0, 1.12 * max(result["curve"][-1]["minutes"] for result in found.values()))
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(picture, dpi=120)
    plt.close(figure)
