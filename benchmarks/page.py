"""docs/performance.md and its picture, from docs/benchmarks/*.json: no number on that page is typed."""

from pathlib import Path
from statistics import mean, median
from typing import Any

import matplotlib as mpl

from benchmarks import minutes
from benchmarks.minutes import read
from benchmarks.rows import ROWS, Row

mpl.use("Agg")
import matplotlib.pyplot as plt  # after the backend
from matplotlib.ticker import FuncFormatter, LogLocator

HEAD = """\
# Performance

How fast pixelwise is beside what a user would otherwise run: the same network, data, crops and batch, on the same
machine, in turn, each run a process of its own. `python -m benchmarks` repeats it; every single figure is in
`docs/benchmarks/`. Machines differ and are rarely quiet: the ratios count, medians over the pairs with their range. A
ratio above 1 says that pixelwise is ahead; *aim* is what was set as the goal before; *the peak* is the machine's own
best at products of bf16 matrices.
"""
LOOKS = ("operators", "scaling", "load", "exports")
"""Programs of pixelwise's side that have no peer."""
UNITS = {"images_per_second": "images/s", "peak_mib": "MiB", "nanoseconds_per_pixel": "ns a pixel"}


def write_page(docs: Path) -> None:
    """Writes the page and its pictures."""
    figures, pictures = docs / "benchmarks", docs / "images"
    found = {name: result for name, row in ROWS.items() if (result := read(figures / f"{row.runs_of or name}.json"))}
    lines = [
        HEAD,
        "| work | beside | pixelwise | the other | ratio | aim | pairs, date |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    lines += [_line(row, found.get(name)) for name, row in ROWS.items()]
    if found:
        lines += ["", "![Ratios of every row](images/performance.png)", "", *_machines(found)]
        lines += ["", *_same_numbers(found)]
        _draw(found, pictures / "performance.png")
    if curves := minutes.section(docs):
        lines += ["", *curves]
    if operators := read(figures / "operators.json"):
        lines += ["", *_operators(operators)]
    if growth := read(figures / "scaling.json"):
        lines += ["", *_growth(growth, pictures / "scaling.png")]
    if load := read(figures / "load.json"):
        lines += ["", *_load(load)]
    if exports := read(figures / "exports.json"):
        lines += ["", *_exports(exports)]
    notes = figures / "notes.md"
    if notes.is_file():
        lines += ["", notes.read_text(encoding="utf-8").strip()]
    (docs / "performance.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _line(row: Row, result: dict[str, Any] | None) -> str:
    if result is None:
        return f"| {row.work} | {row.peer} | not run | not run | – | {row.target:.2f} | |"
    ours, theirs = (median(run[row.figure] for run in result[side]) for side in ("ours", "theirs"))
    ratios, unit = _ratios(row, result), UNITS[row.figure]
    ratio = f"**{median(ratios):.2f}** ({min(ratios):.2f}–{max(ratios):.2f})"
    return (
        f"| {row.work} | {row.peer} | {_short(ours)} {unit}{_share_of_peak(row, result)} | {_short(theirs)} {unit} |"
        f" {ratio} | {row.target:.2f} | {len(ratios)}, {result['date']} |"
    )


def _ratios(row: Row, result: dict[str, Any]) -> list[float]:
    return [row.ratio(ours, theirs) for ours, theirs in zip(result["ours"], result["theirs"], strict=True)]


def _share_of_peak(row: Row, result: dict[str, Any]) -> str:
    """Which share of the machine's best at products of bf16 matrices pixelwise's side computed at."""
    work = result["ours"][0].get("gflop_per_image")
    if not work or row.figure != "images_per_second":
        return ""
    speed = median(run["images_per_second"] for run in result["ours"])
    return f", {speed * work / result['machine']['peak_gflops']['bf16']:.0%} of the peak"


def _same_numbers(found: dict[str, Any]) -> list[str]:
    """That speed did not cost quality: what both sides' networks and label files are worth."""
    lines = []
    for name, result in found.items():
        row = ROWS[name]
        if not row.runs_of and "val_mean_iou" in result["ours"][0]:
            scores = {side: [run["val_mean_iou"] for run in result[side]] for side in ("ours", "theirs")}
            ours, theirs = (
                f"{mean(values):.3f} ({', '.join(f'{value:.3f}' for value in values)})" for values in scores.values()
            )
            lines.append(
                f"- `{name}`: mean IoU on CamVid's validation split after the same epochs, mean over the seeds and"
                f" each: pixelwise {ours}, {row.peer} {theirs}."
            )
        if "mean_iou" in result["ours"][0]:
            ours, theirs = (result[side][0]["mean_iou"] for side in ("ours", "theirs"))
            lines.append(f"- `{name}`: mean IoU by pixelwise {ours:.4f}, by {row.peer} {theirs:.4f}.")
        if "pixels_equal" in result["theirs"][0]:
            equal = min(run["pixels_equal"] for run in result["theirs"])
            scores = result["theirs"][0]
            lines.append(
                f"- `{name}`: {equal:.3%} of the pixels as the other, in fp32, labels them; mean IoU on those test"
                f" images {scores['mean_iou_other']:.4f} instead of {scores['mean_iou']:.4f}."
            )
    return ["## The same numbers", "", *lines] if lines else []


def _operators(result: dict[str, Any]) -> list[str]:
    """Where a training step's time goes."""
    seconds: dict[str, float] = result["found"]
    total = sum(seconds.values())
    rows = [f"| `{name}` | {1000 * value:.0f} ms | {value / total:.1%} |" for name, value in seconds.items()]
    return [
        "## Where a training step's time goes",
        "",
        f"smp's U-Net on ResNet-34, 8 crops of 352×352, by torch's profiler ({result['date']}): {total:.2f} s.",
        "",
        "| operator | time | share |",
        "|---|---:|---:|",
        *rows[:12],
    ]


def _load(result: dict[str, Any]) -> list[str]:
    """A server and many clients."""
    found = result["found"]
    refused = "; ".join(
        f"{kind}: {', '.join(f'{count} × {status}' for status, count in statuses.items())}"
        for kind, statuses in found["answers"].items()
        if kind != "good"
    )
    p50, p95, p99 = (1000 * found["latency"][name] for name in ("p50", "p95", "p99"))
    before, after = found["mib"].values()
    told = (
        f"`pixelwise serve` with the same network, {found['clients']} clients for {found['seconds']} s"
        f" ({result['date']}), every fifth request rubbish: {found['good']} images of 360×480 answered,"
        f" {found['good'] / found['seconds']:.1f} a second, {found['wrong']} answers other than they should be (a label"
        f" map must equal `pixelwise predict`'s file byte for byte). Half of the answers took {p50:.0f} ms or less, 95%"
        f" {p95:.0f} ms, 99% {p99:.0f} ms. The server held {before:.0f} MiB after five seconds and {after:.0f} MiB at"
        f" the end. Rubbish was answered: {refused} (0: refused while it was still being sent)."
    )
    return ["## A server under load", "", told]


def _exports(result: dict[str, Any]) -> list[str]:
    """What exports do beside their run."""
    found = result["found"]
    certificates = found["certificates"]
    one = certificates[0]
    rows = [
        f"| {it['to']}, {it['precision']} | {it['mean_iou_exported']:.4f} | {_share(it['changed_pixels'])} |"
        f" {it['milliseconds_exported']:.1f} | {it['milliseconds']:.1f} |"
        f" **{it['milliseconds'] / it['milliseconds_exported']:.2f}** | {it['bytes_exported'] / 1e6:.1f} |"
        for it in certificates
    ]
    told = (
        f"The certificates of one run, of `{found['recipe']}` after {found['epochs']} epochs, on the {one['images']}"
        f" images of CamVid's {one['split']} split ({result['date']}): mean IoU {one['mean_iou']:.4f},"
        f" {one['bytes_run'] / 1e6:.1f} MB of weights. Each image goes through the run, by torch in fp32, and through"
        f" the export, one after the other; times are medians, on {one['machine']}."
    )
    return [
        "## Exports",
        "",
        told,
        "",
        "| export | mean IoU | pixels of another class | ms an image | the run beside it | ratio | MB |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *rows,
    ]


def _share(part: float) -> str:
    """In percent; 0 only where there is nothing."""
    return "0" if part == 0 else f"{part:.3%}" if part >= 0.000005 else "<0.001%"


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
    curves = result["found"]
    figure, grid = plt.subplots(2, 3, figsize=(9.6, 6), layout="constrained")
    axes = grid.ravel()[: len(curves)]
    for place in grid.ravel()[len(curves) :]:
        place.set_axis_off()
    for place, (name, points) in zip(axes, curves.items(), strict=True):
        sizes, seconds = zip(*points, strict=True)
        place.loglog(sizes, seconds, "o-", color="#2b6cb0")
        place.loglog(sizes, [seconds[-1] * size / sizes[-1] for size in sizes], ":", color="#718096")
        place.set_xticks(sizes, [f"{size / 1000:.0f}k" if size >= 1000 else f"{size:.0f}" for size in sizes])
        place.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        place.yaxis.set_major_formatter(FuncFormatter(lambda second, _: f"{second:g}"))
        place.minorticks_off()
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
        ratios = _ratios(ROWS[name], found[name])
        middle = median(ratios)
        axes.barh(place, middle, color="#2b6cb0", height=0.6)
        axes.plot([min(ratios), max(ratios)], [place, place], color="#1a202c", linewidth=1.5)
        axes.plot([ROWS[name].target] * 2, [place - 0.36, place + 0.36], color="#dd6b20", linewidth=2)
        end = max(*ratios, ROWS[name].target)
        axes.annotate(f"{middle:.2f}×", (end, place), xytext=(6, 0), textcoords="offset points", va="center")
    axes.axvline(1, color="#718096", linewidth=0.8)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlim(0, 1.15 * max(max(_ratios(ROWS[name], found[name])) for name in names))
    axes.set_xlabel("times the other (orange: the aim; black: range over pairs)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=120)
    plt.close(figure)
