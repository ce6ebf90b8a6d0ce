"""Time to a given mean IoU: `python -m benchmarks.curves [SIDE …] --minutes 60 --data-root data`.

CamVid from scratch with pixelwise's recipe and with other tools and their own settings, one after the other on an
otherwise idle machine, each for the same wall time. The weights of every validated epoch are kept and scored afterwards
with torchmetrics' confusion matrix at the original size of the images. The scores are written to
records/benchmarks/curves-<side>.json and shown in docs/performance.md.
"""

import argparse
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

from benchmarks.__main__ import DOCS, HERE, RECORDS, peers_python
from benchmarks.machine import describe
from benchmarks.page import write_page
from benchmarks.time_to_score import MARKS, RECIPE, SIDES, reached


def measure(side: str, minutes: float, data_root: Path, out: Path) -> None:
    """Trains one side for some minutes, then writes the score of each of its epochs to `out/curve.json`."""
    if side == "pixelwise":
        programs = [[sys.executable, HERE / "ours" / "curve.py", data_root, out, str(minutes), RECIPE]]
    else:
        python = peers_python()
        programs = [
            [python, HERE / "peers" / f"curve_{side}.py", data_root, out, str(minutes)],
            [python, HERE / "peers" / "curve_score.py", side, data_root, out],
        ]
    for program in programs:
        subprocess.run(program, check=True, cwd=HERE / ".work")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.curves", description=__doc__)
    parser.add_argument(
        "sides", nargs="*", metavar="SIDE", help=f"sides to measure: {', '.join(SIDES)}; all of them by default"
    )
    parser.add_argument("--minutes", type=float, default=60, help="training time of each side (60)")
    parser.add_argument("--data-root", type=Path, default=Path(os.environ.get("PIXELWISE_DATA") or "data"))
    asked = parser.parse_args()
    if unknown := [side for side in asked.sides if side not in SIDES]:
        parser.error(f"there is no side {unknown[0]}; choose from {', '.join(SIDES)}")
    for side in asked.sides or SIDES:
        out = HERE / ".work" / f"curve-{side}"
        out.mkdir(parents=True, exist_ok=True)
        measure(side, asked.minutes, asked.data_root.resolve(), out)
        curve = json.loads((out / "curve.json").read_text(encoding="utf-8"))
        result = {"side": side, "date": date.today().isoformat(), "minutes": asked.minutes, "machine": describe()}
        text = json.dumps({**result, "curve": curve}, indent=1) + "\n"
        (RECORDS / f"curves-{side}.json").write_text(text, encoding="utf-8")
        print(side, {mark: reached(curve, mark) for mark in MARKS}, flush=True)
    write_page(RECORDS, DOCS)


if __name__ == "__main__":
    main()
