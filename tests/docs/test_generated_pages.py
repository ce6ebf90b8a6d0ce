"""Generated pages match the records and the code that they are made from."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from benchmarks.page import write_page

from pixelwise import recipes
from pixelwise.reporting.comparison import Comparison
from pixelwise.run import Run
from tests.data.trees import TREES
from tools import accuracy, datasets, records, results, training_time

ROOT = Path(__file__).parents[2]
DOCS, RECORDS = ROOT / "docs", ROOT / "records"


def test_the_results_pages_match_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert (DOCS / "results.md").read_text(encoding="utf-8") == results.page()
    assert (DOCS / "accuracy.md").read_text(encoding="utf-8") == accuracy.page()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert training_time.BEGIN in readme
    assert training_time.placed(readme) == readme


@pytest.mark.parametrize("folder", sorted((RECORDS / "runs").iterdir()), ids=lambda folder: folder.name)
def test_the_page_of_a_record_matches_its_files_and_its_command_gives_its_experiment(folder: Path) -> None:
    run = Run.open(folder)
    page = (folder / records.PAGE).read_text(encoding="utf-8")
    assert page == records.page(run)
    (command,) = re.findall(r"^```bash\n(.*?)\n```$", page, re.M | re.S)
    words = [word for word in shlex.split(command) if word != "--set"]
    assert words[:2] == ["pixelwise", "train"]
    assert words[3] == "--seed"
    values = dict(word.split("=", 1) for word in words[5:])
    assert recipes.get(words[2]).with_values({"fit.seed": words[4], **values}) == run.experiment


@pytest.mark.parametrize("split", ["val", "test"])
def test_the_comparison_of_losses_is_of_the_recorded_runs(split: str) -> None:
    file = RECORDS / results.COMPARISON.format(split=split)
    compared = Comparison.from_json(file.read_text(encoding="utf-8"))
    assert compared.columns[0].name == results.REFERENCE
    assert {column.name for column in compared.columns} == {n for n in recipes.RECIPES if n.startswith(results.STUDY)}
    for column in compared.columns:
        recorded = [RECORDS / "runs" / f"{column.name.replace('/', '-')}-seed{seed}" for seed in column.seeds]
        scores = [Run.open(folder).results()[split].mean_iou or 0.0 for folder in recorded]
        assert column.mean_iou.value == pytest.approx(np.mean(scores))


def test_the_data_sets_page_matches_the_code() -> None:
    assert (DOCS / "datasets.md").read_text(encoding="utf-8") == datasets.page()
    for kind in TREES.keys() - {"folder"}:
        assert (DOCS / "images" / f"classes_{kind}.png").is_file()


def test_the_performance_page_matches_the_records(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    write_page(RECORDS / "benchmarks", tmp_path)
    assert (DOCS / "performance.md").read_text("utf-8") == (tmp_path / "performance.md").read_text("utf-8")


def test_the_logs_numbers_match_its_records() -> None:
    rows = [line for line in (DOCS / "log.md").read_text(encoding="utf-8").splitlines() if "|" in line]
    for folder in (RECORDS / "log_runs").iterdir():
        name = re.sub(r"\d{4}-\d\d-\d\d-(demo|voc2012|camvid)-", "", folder.name)
        (row,) = (line for line in rows if f"`{name}`" in line)
        assert f"| {Run.open(folder).results()['val'].mean_iou:.3f} |" in row, name


def test_links_of_records_lead_somewhere() -> None:
    for page in sorted(RECORDS.rglob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page}: {target}"


def test_every_picture_of_a_record_is_shown() -> None:
    for picture in sorted(RECORDS.rglob("*.png")):
        assert f"]({picture.name})" in (picture.parent / records.PAGE).read_text(encoding="utf-8"), picture
