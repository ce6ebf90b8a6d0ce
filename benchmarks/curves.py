"""Minutes to a score: `python -m benchmarks.curves [SIDE …] --minutes 60 --data-root data`.

CamVid from scratch by pixelwise's recipe and by peers with settings of their own, one after the other on a machine that
does nothing else, each for the same wall time. Every epoch's weights are kept, and scored afterwards by torchmetrics'
confusion matrix at the images' original size. docs/benchmarks/curves-<side>.json and docs/images/curves.png.
"""

import argparse
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.__main__ import HERE, peers_python
from benchmarks.machine import describe

mpl.use("Agg")
import matplotlib.pyplot as plt  # after the backend

RECIPE = "camvid/scratch"
SIDES = {
    "pixelwise": f"pixelwise, {RECIPE}",
    "smp": "smp's CamVid example, U-Net on ResNet-18",
    "yolo": "Ultralytics YOLO26n-sem",
}
COLOURS = {"pixelwise": "#2b6cb0", "smp": "#dd6b20", "yolo": "#718096"}
MARKS = (0.50, 0.55)


def measure(side: str, minutes: float, data_root: Path, out: Path) -> None:
    """Trains one side for so long, then scores each of its epochs into `out/curve.json`."""
    if side == "pixelwise":
        programs = [[sys.executable, HERE / "ours" / "curve.py", data_root, out, str(minutes), RECIPE]]
    else:
        python = peers_python()
        programs = [
            [python, HERE / "peers" / f"curve_{side}.py", data_root, out, str(minutes)],
            [python, HERE / "peers" / "curve_score.py", side, data_root, out],
        ]
    for program in programs:
        subprocess.run(program, check=True, cwd=HERE / (".work"))


def reached(curve: list[dict[str, Any]], mark: float) -> float | None:
    """Minutes until the score was first reached."""
    return next((point["minutes"] for point in curve if point["mean_iou"] >= mark), None)


def draw(docs: Path) -> None:
    """All sides that were measured, in one picture."""
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for side, name in SIDES.items():
        file = docs / "benchmarks" / f"curves-{side}.json"
        if file.is_file():
            curve = json.loads(file.read_text(encoding="utf-8"))["curve"]
            minutes, scores = [p["minutes"] for p in curve], [p["mean_iou"] for p in curve]
            axes.plot(minutes, scores, color=COLOURS[side], linewidth=2, label=name)
    for mark in MARKS:
        axes.axhline(mark, color="#a0aec0", linewidth=0.8, linestyle="--")
    axes.set(xlabel="minutes of training and judging, two cores", ylabel="val mean IoU, 11 classes", xlim=0, ylim=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(docs / "images" / "curves.png", dpi=120)
    plt.close(figure)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.curves", description=__doc__)
    parser.add_argument("sides", nargs="*", metavar="SIDE", help=f"some of {', '.join(SIDES)}; else all")
    parser.add_argument("--minutes", type=float, default=60, help="of each side (60)")
    parser.add_argument("--data-root", type=Path, default=Path(os.environ.get("PIXELWISE_DATA") or "data"))
    asked = parser.parse_args()
    if unknown := [side for side in asked.sides if side not in SIDES]:
        parser.error(f"no side is called {unknown[0]}; choose from {', '.join(SIDES)}")
    docs = HERE.parent / "docs"
    for side in asked.sides or SIDES:
        out = HERE / ".work" / f"curve-{side}"
        out.mkdir(parents=True, exist_ok=True)
        measure(side, asked.minutes, asked.data_root.resolve(), out)
        curve = json.loads((out / "curve.json").read_text(encoding="utf-8"))
        result = {"side": side, "date": date.today().isoformat(), "minutes": asked.minutes, "machine": describe()}
        text = json.dumps({**result, "curve": curve}, indent=1) + "\n"
        (docs / "benchmarks" / f"curves-{side}.json").write_text(text, encoding="utf-8")
        print(side, {mark: reached(curve, mark) for mark in MARKS}, flush=True)
    draw(docs)


if __name__ == "__main__":
    main()
