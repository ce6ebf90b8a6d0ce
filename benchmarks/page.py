"""docs/performance.md and its picture, from docs/benchmarks/*.json: no number on that page is typed."""

import json
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl

from benchmarks.rows import ROWS, Row

mpl.use("Agg")
import matplotlib.pyplot as plt  # after the backend

HEAD = """\
# Performance

How fast pixelwise is beside what a user would otherwise run: the same network, data, crops and batch, on the same
machine, in turn, each run a process of its own. `python -m benchmarks` repeats it; every single figure is in
`docs/benchmarks/`. Machines differ and are rarely quiet: the ratios count, medians over the pairs with their range. A
ratio above 1 says that pixelwise is ahead; *aim* is what was set as the goal before.
"""
SCALING = "scaling"
UNITS = {"images_per_second": "images/s", "peak_mib": "MiB", "nanoseconds_per_pixel": "ns a pixel"}


def write_page(docs: Path) -> None:
    """Writes the page and its picture."""
    found = {
        name: json.loads(file.read_text(encoding="utf-8"))
        for name in ROWS
        if (file := docs / "benchmarks" / f"{name}.json").is_file()
    }
    lines = [
        HEAD,
        "| work | beside | pixelwise | the other | ratio | aim | pairs, date |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    lines += [_line(row, found.get(name)) for name, row in ROWS.items()]
    if found:
        lines += ["", "![Ratios of every row](images/performance.png)", "", *_machines(found)]
        _draw(found, docs / "images" / "performance.png")
    growth = docs / "benchmarks" / f"{SCALING}.json"
    if growth.is_file():
        lines += ["", *_growth(json.loads(growth.read_text(encoding="utf-8")), docs / "images" / "scaling.png")]
    notes = docs / "benchmarks" / "notes.md"
    if notes.is_file():
        lines += ["", notes.read_text(encoding="utf-8").strip()]
    (docs / "performance.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _line(row: Row, result: dict[str, Any] | None) -> str:
    if result is None:
        return f"| {row.work} | {row.peer} | not run | not run | – | {row.target:.2f} | |"
    ours, theirs = (median(run[row.figure] for run in result[side]) for side in ("ours", "theirs"))
    ratios, unit = result["ratios"], UNITS[row.figure]
    ratio = f"**{median(ratios):.2f}** ({min(ratios):.2f}–{max(ratios):.2f})"
    return (
        f"| {row.work} | {row.peer} | {_short(ours)} {unit} | {_short(theirs)} {unit} | {ratio} | {row.target:.2f} |"
        f" {len(ratios)}, {result['date']} |"
    )


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _machines(found: dict[str, Any]) -> list[str]:
    """A line for each machine that rows ran on."""
    lines = {}
    for result in found.values():
        machine = result["machine"]
        peaks = machine["peak_gflops"]
        name = f"{machine.get('gpu') or machine['processor']}, {machine['cores']} cores, torch {machine['torch']}"
        lines.setdefault(name, []).append(peaks)
    return [
        f"Measured on {name}; products of 2048×2048 matrices beside the rows:"
        f" {median(p['fp32'] for p in peaks):.0f} GFLOP/s in fp32, {median(p['bf16'] for p in peaks):.0f} in bf16."
        for name, peaks in lines.items()
    ]


def _growth(result: dict[str, Any], file: Path) -> list[str]:
    """How the cost grows: a picture, and a sentence on each curve."""
    curves = result["curves"]
    figure, axes = plt.subplots(1, len(curves), figsize=(3.2 * len(curves), 3), layout="constrained")
    for place, (name, points) in zip(axes, curves.items(), strict=True):
        sizes, seconds = zip(*points, strict=True)
        place.loglog(sizes, seconds, "o-", color="#2b6cb0")
        place.loglog(sizes, [seconds[-1] * size / sizes[-1] for size in sizes], ":", color="#718096")
        place.set_xlabel(name)
        place.set_ylabel("seconds")
        place.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=110)
    plt.close(figure)
    rows = [
        f"| {name} | {points[0][0]} to {points[-1][0]} | {points[0][1]:.3f} s to {points[-1][1]:.3f} s |"
        for name, points in curves.items()
    ]
    head = [
        "## How the cost grows",
        "",
        "A training step of the reports' FCN, and opening CamVid's images; dotted: in proportion.",
        "",
    ]
    return [
        *head,
        "| with | from, to | cost |",
        "|---|---|---|",
        *rows,
        "",
        "![How the cost grows](images/scaling.png)",
    ]


def _draw(found: dict[str, Any], file: Path) -> None:
    """A bar for each row: its ratio, the range over pairs, and the aim."""
    names = list(found)[::-1]
    figure, axes = plt.subplots(figsize=(8, 0.5 * len(names) + 1.2), layout="constrained")
    for place, name in enumerate(names):
        ratios = found[name]["ratios"]
        middle = median(ratios)
        axes.barh(place, middle, color="#2b6cb0", height=0.6)
        axes.plot([min(ratios), max(ratios)], [place, place], color="#1a202c", linewidth=1.5)
        axes.plot([ROWS[name].target] * 2, [place - 0.36, place + 0.36], color="#dd6b20", linewidth=2)
        axes.annotate(f"{middle:.2f}×", (max(ratios), place), xytext=(6, 0), textcoords="offset points", va="center")
    axes.axvline(1, color="#718096", linewidth=0.8)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlim(0, 1.15 * max(max(result["ratios"]) for result in found.values()))
    axes.set_xlabel("times the other (orange: the aim; black: range over pairs)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=120)
    plt.close(figure)
