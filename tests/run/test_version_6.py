"""An interrupted run of schema version 6 is resumed to the weights that it had reached without the migration."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from pixelwise.run import Run
from pixelwise.run.migrations import VERSION, migrate_header
from pixelwise.training.loop import resume

STORED = Path(__file__).parent / "version_6"
"""A run of version 6, stopped after 2 of 4 epochs of 2 passes each, with EMA, one cycle, clipping and early stopping.
`expected` holds the weights of version 6 after all 4 epochs, `data` the images."""


@pytest.fixture
def run() -> Run:
    """A copy of the run; its network is a file of the working directory."""
    shutil.copytree(STORED / "run", "run")
    shutil.copy(STORED / "my_net.py", "my_net.py")
    return Run.open("run")


def as_current(run: Run) -> Run:
    """The same run as the current version writes it: no migration takes part in reading it."""
    shutil.copytree(run.path, "current")
    folder = Path("current")
    experiment = {"version": VERSION, "experiment": json.loads(run.experiment.to_json())}
    (folder / "experiment.json").write_text(json.dumps(experiment), encoding="utf-8")
    history = "".join(record.model_dump_json() + "\n" for record in run.history())
    (folder / "history.jsonl").write_text(history, encoding="utf-8")
    results = {"version": VERSION, "splits": {k: r.model_dump(mode="json") for k, r in run.results().items()}}
    (folder / "result.json").write_text(json.dumps(results | {"inference": {}}), encoding="utf-8")
    for file in (folder / "best.safetensors", folder / "last.safetensors"):
        with safe_open(file, "pt") as stored:
            header = migrate_header(stored.metadata(), run.val_every)
        save_file(load_file(file), file, {"pixelwise": json.dumps({"version": VERSION, **header})})
    return Run.open(folder)


def test_it_reads_as_the_current_version(run: Run) -> None:
    fit = run.experiment.fit
    assert (fit.epochs, fit.val_every, fit.ema_decay, fit.grad_clip_norm, fit.monitor) == (8, 2, 0.9, 1, "val_loss")
    assert run.experiment.image_size == (48, 64)
    assert run.experiment.loss.model_dump()["class_weights"] == "root_inverse"
    assert run.experiment.data.label_space.colors[0] == (16, 16, 16)
    assert [record.epoch for record in run.history()] == [2, 4]
    assert run.results()["val"].epoch == 4


def test_it_is_resumed_to_the_same_weights(run: Run) -> None:
    current = as_current(run)
    migrated, native = (resume(each, data_root=STORED / "data") for each in (run, current))
    assert [record.epoch for record in migrated.history()] == [2, 4, 6, 8]
    assert {name: result.epoch for name, result in migrated.results().items()} == {"val": 8}
    for name in ("best", "last"):
        expected = load_file(STORED / "expected" / f"{name}.safetensors")
        ours, theirs = load_file(getattr(migrated, name)), load_file(getattr(native, name))
        assert ours.keys() == theirs.keys() == expected.keys()
        for key, tensor in ours.items():
            assert torch.equal(tensor, theirs[key]), key
            # Another processor or version of torch adds in another order.
            torch.testing.assert_close(tensor, expected[key], rtol=2e-3, atol=2e-4, msg=key)
