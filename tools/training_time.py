"""The table of results by training time: our recipes beside the best networks of the reports, and published scores."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pixelwise.metrics.scores import SplitResult
from pixelwise.reporting.pages import number
from pixelwise.run import Run
from pixelwise.workflows.describe import minutes
from tools.records import RECORDS, hardware

RECIPES = ("camvid/scratch", "camvid/pretrained", "idd_lite/scratch", "idd_lite/pretrained", "voc2012/pretrained")
REPORTS: Mapping[str, tuple[str, ...]] = {
    "idd_lite": ("ai-idd-weighted-loss-30-minutes",),
    "voc2012": ("isayama-voc2012-resnet34-30-minutes", "isayama-voc2012-resnet34-frozen-30-minutes"),
}
"""Kind of data set -> records of the reports' best networks, trained here for the same time as the recipes."""


class Paper(NamedTuple):
    """A published mean IoU.

    Attributes:
        network: Name of the network.
        mean_iou: The number as printed.
        source: Where it was published.
    """

    network: str
    mean_iou: str
    source: str


CAMVID = (
    Paper("ENet", "0.513", "arXiv 1606.02147"),
    Paper("SegNet", "0.556 to 0.601, depending on the length of training", "TPAMI 2017"),
    Paper("FC-DenseNet103", "0.669", "CVPR workshops 2017"),
    Paper("LETNet", "0.705", "T-ITS 2023"),
    Paper("ECMNet", "0.736", "arXiv 2506.08629"),
)
"""On CamVid's test split, 11 classes, 360×480."""
IDD_LITE = Paper("Eff-UNet (winner of the challenge)", "0.738", "CVPR workshops 2020")
"""On IDD-Lite's validation split."""

BEGIN, END = "<!-- made by python -m tools.results -->", "<!-- end -->"
"""Lines of the README that enclose the table."""

HEAD = """\
| recipe | initial weights | training time (minutes, 2 cores) | evaluated on | mean IoU | 95% CI | \
best of the reports in the same time | record |
|---|---|---:|---|---:|---|---|---|"""

HARDWARE = """\
All of these networks were trained and evaluated on the CPU ({machines}). An NVIDIA H200 was used only to search for \
recipes ([scores]({docs}accuracy.md#longer-trainings), [record]({records}searches/2026-11-26-gpu.json))."""


def table(root: Path = RECORDS, links: str = "") -> str:
    """The table, from the records that exist; empty without any.

    Args:
        root: Folder of all records.
        links: Path of that folder seen from the page, with a slash at its end.
    """
    rows = [row for run in _shown(root) for row in _rows(run, root, links)]
    return "\n".join([HEAD, *rows]) if rows else ""


def hardware_used(root: Path = RECORDS, *, records: str, docs: str) -> str:
    """The hardware of the table's trainings and of the search for the recipes.

    Args:
        root: Folder of all records.
        records: Path of that folder seen from the page, with a slash at its end.
        docs: The same of the documentation.
    """
    machines = dict.fromkeys(hardware(run.environment) for run in _shown(root))
    return HARDWARE.format(machines=" or ".join(machines), records=records, docs=docs)


def placed(readme: str, root: Path = RECORDS) -> str:
    """The README with the current table between its two marks; unchanged if it has none.

    Args:
        readme: Text of the README.
        root: Folder of all records.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    made = f"{table(root, 'records/')}\n\n{hardware_used(root, records='records/', docs='docs/')}"
    return f"{before}{begin}\n{made}\n{end}{after}" if end else readme


def papers() -> str:
    """Published scores on the same images."""
    return (
        "Published scores on CamVid's test split at 360×480, after up to 1000 epochs on GPUs and partly trained on the"
        f" training and validation splits together: {'; '.join(map(_published, CAMVID))}. On IDD-Lite's validation"
        f" split: {_published(IDD_LITE)}."
    )


def _published(paper: Paper) -> str:
    return f"{paper.network} {paper.mean_iou} ({paper.source})"


def _shown(root: Path) -> list[Run]:
    """Records of the recipes, of each recipe the shorter trainings first."""
    found = []
    for recipe in RECIPES:
        folders = sorted((root / "runs").glob(f"{recipe.replace('/', '-')}-*"))
        found += sorted((Run.open(folder) for folder in folders), key=lambda run: minutes(run.history()))
    return found


def _rows(run: Run, root: Path, links: str) -> Iterator[str]:
    experiment = run.experiment
    weights = "ImageNet" if experiment.model.is_pretrained else "random"
    record = f"[seed {experiment.fit.seed}]({links}runs/{run.path.name}/README.md)"
    results = run.results()
    shown = [r for split, r in results.items() if split != experiment.data.val_split] or list(results.values())
    for result in [*shown, *(r for r in run.inference_results().values() if r.split == shown[0].split)]:
        cells = [
            f"`{experiment.name}`", weights, f"{minutes(run.history()):.0f}", f"{result.name}, {result.size}",
            number(result.mean_iou), "–".join(map(number, result.mean_iou_ci95 or ())),
            _best_of_reports(experiment.data.kind, result, root, links), record,
        ]  # fmt: skip
        yield f"| {' | '.join(cells)} |"


def _best_of_reports(kind: str, like: SplitResult, root: Path, links: str) -> str:
    """Scores of the reports' best networks on the same split, each with a link to its record."""
    folders = [root / "runs" / name for name in REPORTS.get(kind, ())]
    found = [(folder.name, Run.open(folder).results()[like.split]) for folder in folders if folder.is_dir()]
    return ", ".join(f"[{number(result.mean_iou)}]({links}runs/{name}/README.md)" for name, result in found) or "–"
