"""The page of ablations: the change of each record, and its difference to the plain recipe."""

import json
import shutil
from pathlib import Path

import pytest

from pixelwise import recipes
from pixelwise.experiment import Experiment
from pixelwise.run.migrations import VERSION
from pixelwise.training import loop
from pixelwise.training.loop import train
from tools import accuracy, records


def asked(**changes: str) -> Experiment:
    return recipes.get(accuracy.RECIPE).with_values({path.replace("__", "."): value for path, value in changes.items()})


def test_a_change_is_named_as_arguments_of_set_without_seed_and_machine() -> None:
    assert accuracy.change(asked()) == ""
    assert accuracy.change(asked(fit__seed="3", fit__workers="0")) == ""
    assert (
        accuracy.change(asked(fit__ema_decay="0.99", augment__rescale="none"))
        == "augment.rescale=none fit.ema_decay=0.99"
    )


def test_another_network_is_named_with_its_kind_and_the_fields_that_differ_from_its_defaults() -> None:
    assert accuracy.change(asked(model__kind="encoder_unet")) == "model.kind=encoder_unet"
    unet = {"model__kind": "encoder_unet", "model__weights": "none", "model__stride": "4"}
    change = accuracy.change(asked(**unet))
    assert change == "model.kind=encoder_unet model.weights=none model.stride=4"
    assert recipes.get(accuracy.RECIPE).with_values(dict(word.split("=") for word in change.split())) == asked(**unet)


def test_each_change_is_a_row_with_its_difference_to_the_plain_recipe(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs on tiny images with the recipe's name in their experiments and with scores set by hand."""
    monkeypatch.setattr(loop, "draw_predictions", lambda *_: None)
    run = train(tiny, out=tmp_path / "run")
    given = {"plain-seed0": ("", 0.4), "plain-seed1": ("", 0.5), "ema-seed0": ("0.99", 0.5)}
    for name, (ema, score) in given.items():
        record = records.add(run, tmp_path, f"camvid-ablation-{name}")
        experiment = asked(**({"fit__ema_decay": ema} if ema else {}), fit__seed=name[-1])
        (record / "experiment.json").write_text(
            f'{{"version": {VERSION}, "experiment": {experiment.to_json()}}}', encoding="utf-8"
        )
        result = run.results()["val"].model_dump(mode="json") | {"mean_iou": score}
        splits = {split: result | {"split": split} for split in accuracy.SPLITS}
        content = json.dumps({"version": VERSION, "splits": splits})
        (record / "result.json").write_text(content, encoding="utf-8")
    shutil.copytree(run.path, tmp_path / "runs" / "of-another-recipe")
    rows = [line for line in accuracy.page(tmp_path, tmp_path).splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 2
    assert rows[0].startswith("| none (the plain recipe) | 2 | 0.4500 ± 0.0707 |  | 0.4500 ± 0.0707 |  |")
    assert rows[1].startswith("| `fit.ema_decay=0.99` | 1 | 0.5000 | +0.0500 | 0.5000 | +0.0500 |")
    assert "../records/runs/camvid-ablation-ema-seed0/README.md" in rows[1]


def test_a_search_is_a_table_of_its_evaluated_trainings_with_differences_to_the_first(tmp_path: Path) -> None:
    rows = [
        {"set": {}, "mean_iou": {"val": 0.5, "held_out": 0.4}},
        {"set": {"fit.ema_decay": "0.99"}, "mean_iou": {"val": 0.45, "held_out": 0.41}},
        {"set": {}, "besides": "a loss of one's own", "mean_iou": {"val": 0.6, "held_out": 0.3}},
        {"set": {"fit.seed": "1"}, "ended": "by the time limit"},
    ]
    common = {"recipe": "camvid/ablation", "about": "Two changes.", "set": {"fit.val_every": "9"}, "crops": 12345}
    (tmp_path / "searches").mkdir()
    (tmp_path / "runs").mkdir()
    timed = {"recipe": "voc2012/pretrained", "about": "One.", "set": {}, "minutes": 8, "rows": rows[:1]}
    search = {"machine": "a machine", "groups": [common | {"rows": rows}, common | {"rows": rows[3:]}, timed]}
    (tmp_path / "searches" / "a.json").write_text(json.dumps(search), encoding="utf-8")
    page = accuracy.page(tmp_path, tmp_path)
    assert page.count("`camvid/ablation` with `fit.val_every=9`, 12,345 crops per training. Two changes.\n") == 1
    assert "Machine: a machine ([a.json](../records/searches/a.json)).\n" in page
    assert "`voc2012/pretrained`, 8 minutes per training. One.\n" in page
    assert [line for line in page.splitlines() if line.startswith("| ")][1:] == [
        "| change | val mean IoU | difference | held_out mean IoU | difference |",
        "| none | 0.5000 |  | 0.4000 |  |",
        "| `fit.ema_decay=0.99` | 0.4500 | −0.0500 | 0.4100 | +0.0100 |",
        "| a loss of one's own | 0.6000 | +0.1000 | 0.3000 | −0.1000 |",
        "| change | val mean IoU | difference | held_out mean IoU | difference |",
        "| none | 0.5000 |  | 0.4000 |  |",
    ]
