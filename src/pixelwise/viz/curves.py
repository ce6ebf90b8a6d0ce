"""Learning curves of a run: loss, mean IoU, pixel accuracy and the IoU of some classes, in one figure."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from pixelwise.core.errors import InvalidSpec, did_you_mean
from pixelwise.core.files import write_atomic
from pixelwise.viz.lines import End, Values, label_ends, mark_empty, plot_line, widen_range
from pixelwise.viz.palettes import HAIRLINE, MUTED, SERIES, style

_PANELS = (("loss", "Loss"), ("mean_iou", "Mean IoU"), ("pixel_accuracy", "Pixel accuracy"))
_VALIDATION, _TRAINING = SERIES[0], SERIES[4]
_NAMED = 5  # number of classes that are selected for the last panel


def save_curves(history: Sequence[Mapping[str, Any]], path: Path, *, title: str, classes: Sequence[str] = ()) -> None:
    """Draws the history of a run, in the format of the path's suffix (.png at 200 dpi, .pdf, .svg).

    A value that is missing, None or not finite leaves a gap. The last epoch with `best` is marked in every panel.

    Args:
        history: Record of each validation: `epoch` from 1, `train_` and `val_` `loss`, `mean_iou` and
            `pixel_accuracy`, `lr`, `val_iou` (class name -> 0..1 or None), `best`.
        path: File to create or replace.
        title: Title of the figure, usually the name of the run.
        classes: Classes that are named in the last panel; empty selects them by `select_classes`. The other classes are
            pale lines without a name.

    Raises:
        InvalidSpec: A class is in no record, although some records have classes.
        RunError: The file cannot be written.
        ValueError: The history is empty.
    """
    if not history:
        raise ValueError("an empty history has no curves")
    epochs = np.array([record["epoch"] for record in history], float)
    ious = _class_values(history)
    for name in classes:
        if ious and name not in ious:
            raise InvalidSpec(f"no class is called '{name}'.{did_you_mean(name, ious)}")
    best = max((i for i, record in enumerate(history) if record.get("best")), default=None)
    with style():
        figure = Figure(figsize=(7.6, 5.6), layout="constrained")
        # Two subfigures, because the names of the classes reduce the width of the lower one.
        upper, lower = figure.subfigures(2, 1, squeeze=False).flat
        panels = [*upper.subplots(1, 3), lower.subplots()]
        for axes in panels:
            _frame(axes, epochs, best)
        for axes, (key, heading) in zip(panels, _PANELS, strict=False):
            axes.set_title(heading)
            train, val = _values(history, f"train_{key}"), _values(history, f"val_{key}")
            _both_splits(axes, epochs, train, val)
            if key == "loss":
                _logarithmic(axes)
            else:
                _limit_to_scores(axes)
            if best is not None and np.isfinite(val[best]):
                _mark(axes, float(epochs[best]), val[best])
        panels[3].set_title("IoU by class, validation")
        _by_class(panels[3], epochs, ious, list(classes) or select_classes(ious))
        _head(figure, title, _rates(_values(history, "lr")), None if best is None else int(epochs[best]))
        write_atomic(path, lambda temp: figure.savefig(temp))


def select_classes(ious: Mapping[str, Values]) -> list[str]:
    """Selects the classes with the highest and the lowest latest IoU, and three evenly spaced between them.

    Args:
        ious: Class name -> IoU of each epoch, 0..1 or NaN.
    """
    latest = {name: finite[-1] for name, values in ious.items() if (finite := values[np.isfinite(values)]).size}
    ranked = sorted(latest, key=lambda name: -latest[name])
    steps = np.linspace(0, len(ranked) - 1, min(_NAMED, len(ranked)))
    return [ranked[round(i)] for i in steps]


def _values(history: Sequence[Mapping[str, Any]], key: str) -> Values:
    return np.array([_number(record.get(key)) for record in history])


def _number(value: Any) -> float:
    return float(value) if value is not None and math.isfinite(value) else math.nan


def _class_values(history: Sequence[Mapping[str, Any]]) -> dict[str, Values]:
    records = [record.get("val_iou") or {} for record in history]
    names = dict.fromkeys(name for record in records for name in record)
    return {name: np.array([_number(record.get(name)) for record in records]) for name in names}


def _frame(axes: Axes, epochs: Values, best: int | None) -> None:
    first, last = epochs.min(), epochs.max()
    margin = 0.5 if first == last else 0.03 * (last - first)
    axes.set_xlim(first - min(margin, 0.9), last + margin)  # there is no epoch 0
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.margins(y=0.24 if first == last else 0.14)
    if best is not None:
        axes.axvline(epochs[best], color=HAIRLINE, linewidth=1.0, zorder=1)


def _both_splits(axes: Axes, epochs: Values, train: Values, val: Values) -> None:
    values = np.concatenate([train, val])
    values = values[np.isfinite(values)]
    if not values.size:
        mark_empty(axes)
        return
    plot_line(axes, epochs, train, color=_TRAINING, linewidth=1.3)
    plot_line(axes, epochs, val, color=_VALIDATION)
    widen_range(axes, 0.1 * float(np.abs(values).max()))


def _mark(axes: Axes, epoch: float, value: float) -> None:
    """Marks the best epoch with a dot and writes its value beside the heading, where no line crosses it."""
    axes.plot(epoch, value, "o", color=_VALIDATION, markersize=6, markeredgecolor="white", zorder=5)
    axes.set_title(f"{value:.3f}", loc="right", color=_VALIDATION, weight="bold")


def _by_class(axes: Axes, epochs: Values, ious: Mapping[str, Values], named: Sequence[str]) -> None:
    if not any(np.isfinite(values).any() for values in ious.values()):
        mark_empty(axes)
        return
    others = [values for name, values in ious.items() if name not in named]
    for values in others:
        # Paler with more classes, so that 150 lines do not hide the named ones.
        alpha = min(0.42, max(0.12, 6 / len(others)))
        plot_line(axes, epochs, values, color="#8A8A8A", alpha=alpha, linewidth=0.8, markersize=2.0, zorder=1.5)
    ends = []
    for i, name in enumerate(dict.fromkeys(named)):
        color, dashes = SERIES[i % len(SERIES)], ("-", "--", ":")[i // len(SERIES) % 3]
        plot_line(axes, epochs, ious[name], color=color, linestyle=dashes, linewidth=1.5)
        defined = np.flatnonzero(np.isfinite(ious[name]))
        if defined.size:
            last, short = defined[-1], name if len(name) <= 24 else name[:23] + "…"
            ends.append(End(epochs[last], ious[name][last], f"{short}  {ious[name][last]:.2f}", color))
    _limit_to_scores(axes)
    label_ends(axes, ends)


def _logarithmic(axes: Axes) -> None:
    """Sets a logarithmic scale if the values differ by a factor of more than 30."""
    if axes.dataLim.y0 > 0 and axes.dataLim.y1 > 30 * axes.dataLim.y0:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")


def _limit_to_scores(axes: Axes) -> None:
    """Limits the y axis to the range of scores, 0..1, with a small margin."""
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, -0.03), min(high, 1.03))


def _rates(rates: Values) -> str:
    """Formats the learning rates as text: first rate, maximum if it is another one, last rate."""
    finite = rates[np.isfinite(rates)]
    if not finite.size:
        return ""
    shown = [finite[0], *([finite.max()] if finite.max() > max(finite[0], finite[-1]) else []), finite[-1]]
    shown = shown[:1] if finite.max() == finite.min() else shown
    return "learning rate " + " → ".join(f"{rate:.2g}" for rate in shown)


def _head(figure: Figure, title: str, rates: str, best: int | None) -> None:
    """Draws title, legend and learning rate above the panels."""
    lines = wrap(title, 84)
    inches = 1 / figure.get_figheight()
    top, band = 1 - 0.1 * inches, (0.2 * len(lines) + 0.42) * inches
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(rect=(0, 0, 1, 1 - band), w_pad=0.07, h_pad=0.06)
    figure.text(0.012, top, "\n".join(lines), va="top", fontsize=11, weight="bold")
    row = top - (0.2 * len(lines) + 0.13) * inches
    handles = [
        Line2D([], [], color=_TRAINING, linewidth=1.3, label="training"),
        Line2D([], [], color=_VALIDATION, label="validation"),
    ]
    if best is not None:
        dot = Line2D([], [], color=_VALIDATION, linestyle="none", marker="o", markersize=6, markeredgecolor="white")
        dot.set_label(f"best epoch ({best})")
        handles.append(dot)
    figure.legend(
        handles=handles,
        loc="center left",
        bbox_to_anchor=(0.012, row),
        ncols=3,
        columnspacing=1.6,
        handlelength=1.6,
        borderpad=0,
        borderaxespad=0,
    )
    figure.text(0.988, row, rates, ha="right", va="center", color=MUTED)
