"""The page of data sets: layouts, classes with their colors, and how to get each; made from the code that reads them.

python -m tools.datasets writes docs/datasets.md and its pictures anew.
"""

from pathlib import Path

from pixelwise.core.files import write_text
from pixelwise.core.label_space import LabelSpace
from pixelwise.data import DATASETS, DataSpec
from pixelwise.data.images import write_png
from pixelwise.viz.legend import Entry, legend

HEAD = """\
# Data sets

Made by `python -m tools.datasets` from the code that reads them.

All data sets lie below one folder, the data root: `--data-root`, else the variable `PIXELWISE_DATA`, else `./data`.
`pixelwise data stats KIND` shows what is in one, `pixelwise data download KIND` fetches VOC or says where the others
are, and `--set data.kind=KIND` trains any recipe on it. A folder of your own is `folder`: [own data](own_data.md).

```bash
pixelwise data stats camvid --out camvid_statistics
pixelwise data stats cityscapes --set classes=all --split train --json
pixelwise train voc2012/fcn --set data.kind=idd_lite
```

Files hold *raw ids*; void pixels are in no loss and no score. `predict` writes raw ids too. Where a data set's own
evaluation leaves out classes that were learned, `evaluate` prints its mean IoU as well, "official": true pixels of those
classes do not count, and calling another pixel one of them is a miss. Groups of classes (categories, levels) are scored
with their members taken as one class.

| kind | data set | images as published |
|---|---|---|
"""
SPACES = {"cityscapes": "all", "idd": "all"}
"""Data sets whose page shows what their field `classes` can be set to, not its default."""
NOTES = {
    "camvid": """\
The validation split is seven seconds of one drive (`0016E5`), whose seconds before and after are in the training split;
the test split is another drive (`Seq05VD`) and the second half of one at dusk (`0001TP`). What is chosen on the
validation split alone need not hold on the test split. `--set data.held_out=0006R0` takes one of the training split's
three drives out of it and makes it the split `held_out`, for `pixelwise evaluate RUN --split held_out`."""
}
"""What a user should know of a data set before trusting a number on it."""


def page() -> str:
    """The page's text."""
    rows = [f"| [`{kind}`](#{kind}) | {_name(spec)} | {_sizes(spec)} |" for kind, spec in _shown().items()]
    return HEAD + "\n".join(rows) + "\n" + "".join(_section(kind, spec) for kind, spec in _shown().items())


def write(docs: Path) -> None:
    """Writes the page and a picture of each data set's classes."""
    for kind, spec in _shown().items():
        space = spec.label_space
        entries = [Entry(name, color, 1) for name, color in zip(space.names, space.colors, strict=True)]
        entries += [Entry("void", space.void_color, 1)] if space.void else []
        write_png(docs / "images" / f"classes_{kind}.png", legend(entries, 1000, 22, shares=False))
    write_text(docs / "datasets.md", page())


def _shown() -> dict[str, DataSpec]:
    """The data sets whose classes are known without a look at the disk."""
    kinds = sorted(set(DATASETS) - {"folder"})
    return {k: DATASETS[k].model_validate({"classes": SPACES[k]} if k in SPACES else {}) for k in kinds}


def _section(kind: str, spec: DataSpec) -> str:
    about = " ".join((type(spec).__doc__ or "").split("\n\n")[0].split())
    parts = [f"\n## {kind}\n\n{about}"]
    if spec.tree:
        parts.append(f"From {spec.source.rstrip('.')}. Below the data root:\n\n```\n{spec.tree.rstrip()}\n```")
    if kind in SPACES:
        train = DATASETS[kind].model_validate({}).label_space
        parts.append(
            f"`classes=train`, the default, learns the {train.num_classes} classes that the official evaluation evaluates"
            f" and calls the rest void; `classes=all` learns all {spec.label_space.num_classes}, which are shown here."
        )
    parts += [NOTES[kind]] if kind in NOTES else []
    parts += [f"![Classes of {_name(spec)}](images/classes_{kind}.png)", _table(spec.label_space)]
    return "\n\n".join(parts) + "\n"


def _table(space: LabelSpace) -> str:
    extra = ["evaluated"] if space.ignored_in_evaluation else []
    heads = ["raw id", "class", "color", *extra, *space.groups]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for raw, name, color in zip(space.raw_ids, space.names, space.colors, strict=True):
        evaluated = ["no" if name in space.ignored_in_evaluation else "yes"] if extra else []
        groups = [next((group for group, names in g.items() if name in names), "") for g in space.groups.values()]
        lines.append(f"| {' | '.join([str(raw), name, _hex(color), *evaluated, *groups])} |")
    if space.void:
        ids = ", ".join(map(str, space.void)) if len(space.void) < 4 else f"{len(space.void)} others"
        lines.append(f"| {' | '.join([ids, '*void*', _hex(space.void_color), *[''] * (len(heads) - 3)])} |")
    return "\n".join(lines)


def _name(spec: DataSpec) -> str:
    return spec.title.rstrip(",") or "made by code"


def _sizes(spec: DataSpec) -> str:
    return ", ".join(f"{split} {n}" for split, n in spec.published_sizes.items()) or "as many as asked for"


def _hex(color: tuple[int, int, int]) -> str:
    return "`#{:02x}{:02x}{:02x}`".format(*color)


if __name__ == "__main__":
    write(Path("docs"))
