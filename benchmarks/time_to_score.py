"""Minutes to a score, as a section of docs/performance.md and its picture, from docs/benchmarks/curves-*.json."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt  # after the backend

RECIPE = "camvid/scratch"
MARKS = (0.50, 0.55)
TEXT = """\
## Minutes to a score

CamVid's training split from scratch, each side by settings of its own, one after the other on the same machine, with a
schedule that ends with the time. Minutes are wall time of training and of the evaluation that each side does by itself.
The weights of every evaluated epoch were kept, and scored afterwards on CamVid's validation split at the images' original
size by torchmetrics' confusion matrix. One run each. The networks differ, and so does the arithmetic: pixelwise trains
in bf16 where a processor has it, as here, the others in fp32, as they do by default."""


class Contender(NamedTuple):
    """One line of the picture.

    Attributes:
        name: As it is called there.
        settings: What it was trained with.
        color: Of its line.
    """

    name: str
    settings: str
    color: str


SIDES = {
    "pixelwise": Contender("pixelwise", f"`{RECIPE}`, evaluated every 3 passes, `fit.ema_decay=0.999`", "#2b6cb0"),
    "smp": Contender("smp", "its CamVid example: U-Net on ResNet-18, without the published weights", "#dd6b20"),
    "yolo": Contender("Ultralytics", "YOLO26n-sem from its yaml, its defaults, images of 480 pixels", "#718096"),
}


def section(docs: Path) -> list[str]:
    """The section's lines, and its picture drawn; nothing where nothing was measured."""
    found = {side: result for side in SIDES if (result := read(docs / "benchmarks" / f"curves-{side}.json"))}
    if not found:
        return []
    _draw(found, docs / "images" / "curves.png")
    marks = " | ".join(f"to {mark:.2f}, minutes" for mark in MARKS)
    rows = [_row(side, result, found.get("pixelwise")) for side, result in found.items()]
    head = f"| beside | trained by | {marks} | best | minutes, date |"
    return [
        TEXT, "", head, f"|---|---|{'---:|' * len(MARKS)}---:|---|", *rows,
        "", "![Mean IoU over minutes](images/curves.png)",
    ]  # fmt: skip


def reached(curve: list[dict[str, Any]], mark: float) -> float | None:
    """Minutes until the score was first reached."""
    return next((point["minutes"] for point in curve if point["mean_iou"] >= mark), None)


def read(file: Path) -> dict[str, Any] | None:
    """What a program measured; None where it was not run."""
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def _row(side: str, result: dict[str, Any], ours: dict[str, Any] | None) -> str:
    marks = " | ".join(_minutes(result["curve"], mark, ours["curve"] if ours else []) for mark in MARKS)
    best = max(result["curve"], key=lambda point: point["mean_iou"])
    when = f"{best['mean_iou']:.3f} after {best['minutes']:.1f}"
    name, settings, _ = SIDES[side]
    return f"| {name} | {settings} | {marks} | {when} | {result['minutes']:.0f}, {result['date']} |"


def _minutes(curve: list[dict[str, Any]], mark: float, ours: list[dict[str, Any]]) -> str:
    """When a curve reached a mark, or did not, and how many times our minutes that is."""
    end, first = curve[-1]["minutes"], reached(ours, mark)
    here = reached(curve, mark)
    text = f"{here:.1f}" if here else f"not in {end:.0f}"
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
    axes.set(xlabel="minutes of training and evaluation, two cores", ylabel="val mean IoU, 11 classes", ylim=0)
    axes.set_xlim(0, 1.12 * max(result["curve"][-1]["minutes"] for result in found.values()))
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(picture, dpi=120)
    plt.close(figure)
