"""What minutes on two cores buy: the recipes that are meant to be good, beside the reports' best and the papers."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pixelwise.metrics.scores import SplitResult
from pixelwise.reporting.pages import number
from pixelwise.run import Run
from tools import records

RECIPES = ("camvid/scratch", "camvid/pretrained", "idd_lite/scratch", "idd_lite/pretrained", "voc2012/pretrained")
REPORTS: Mapping[str, tuple[str, ...]] = {
    "idd_lite": ("ai-idd-weighted-loss-30-minutes",),
    "voc2012": ("isayama-voc2012-resnet34-30-minutes", "isayama-voc2012-resnet34-frozen-30-minutes"),
}
"""Kind of data set -> records of the reports' best networks, trained here as long as the recipes."""


class Paper(NamedTuple):
    """A published mean IoU.

    Attributes:
        network: Its name.
        mean_iou: As printed.
        source: Where.
    """

    network: str
    mean_iou: str
    source: str


CAMVID = (
    Paper("ENet", "0.513", "arXiv 1606.02147"),
    Paper("SegNet", "0.556 to 0.601 by length of training", "TPAMI 2017"),
    Paper("FC-DenseNet103", "0.669", "CVPR workshops 2017"),
    Paper("LETNet", "0.705", "T-ITS 2023"),
    Paper("ECMNet", "0.736", "arXiv 2506.08629"),
)
"""On CamVid's test split, 11 classes, 360×480."""
IDD_LITE = Paper("Eff-UNet, which won its challenge", "0.738", "CVPR workshops 2020")
"""On IDD-Lite's validation split."""

BEGIN, END = "<!-- made by python -m tools.results -->", "<!-- end -->"
"""Between these lines of the README is the table."""

HEAD = """\
| recipe | starts from | minutes, two cores | evaluated on | mean IoU | 95% over images | reports' best, as long | record |
|---|---|---:|---|---:|---|---|---|"""


def table(docs: Path, links: str = "") -> str:
    """The table, from the records there are; empty without any.

    Args:
        docs: The project's `docs`.
        links: What leads to `docs` from where the table stands.
    """
    rows = [row for recipe in RECIPES for run in _runs(docs, recipe) for row in _rows(run, docs, links)]
    return "\n".join([HEAD, *rows]) if rows else ""


def placed(readme: str, docs: Path) -> str:
    """The README with today's table between its two marks; as it was, if it has none."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}\n{table(docs, 'docs/')}\n{end}{after}" if end else readme


def papers() -> str:
    """What was published on the same images."""
    return (
        "Published for CamVid's test split at 360×480, after up to 1000 epochs on GPUs, partly learned from train and"
        f" val together: {'; '.join(map(_published, CAMVID))}. For IDD-Lite's validation split:"
        f" {_published(IDD_LITE)}."
    )


def _published(paper: Paper) -> str:
    return f"{paper.network} {paper.mean_iou} ({paper.source})"


def _runs(docs: Path, recipe: str) -> Iterator[Run]:
    """Records of a recipe, the shorter first."""
    folders = sorted((docs / "runs").glob(f"{recipe.replace('/', '-')}-*"))
    yield from sorted((Run.open(folder) for folder in folders), key=lambda run: records.minutes(run.history()))


def _rows(run: Run, docs: Path, links: str) -> Iterator[str]:
    experiment = run.experiment
    weights = "ImageNet" if getattr(experiment.model, "weights", None) else "nothing"
    record = f"[seed {experiment.fit.seed}]({links}runs/{run.path.name}/README.md)"
    results = run.results()
    shown = [r for split, r in results.items() if split != experiment.data.val_split] or list(results.values())
    for result in [*shown, *(r for r in run.inference_results().values() if r.split == shown[0].split)]:
        cells = [
            f"`{experiment.name}`", weights, f"{records.minutes(run.history()):.0f}", f"{result.name}, {result.size}",
            number(result.mean_iou), "–".join(map(number, result.mean_iou_ci95 or ())),
            _reports(experiment.data.kind, result, docs, links), record,
        ]  # fmt: skip
        yield f"| {' | '.join(cells)} |"


def _reports(kind: str, like: SplitResult, docs: Path, links: str) -> str:
    """The scores of the reports' best networks on the same split, each with its record."""
    folders = [docs / "runs" / name for name in REPORTS.get(kind, ())]
    found: Sequence[tuple[str, SplitResult]] = [
        (folder.name, Run.open(folder).results()[like.split]) for folder in folders if folder.is_dir()
    ]
    return ", ".join(f"[{number(result.mean_iou)}]({links}runs/{name}/README.md)" for name, result in found) or "–"
