"""Real processes: killed, interrupted, and gone on with."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pixelwise.run import Run
from pixelwise.training.loop import resume, train

SIZE = ["--set", "data.size=[32,32]", "data.images=16", "fit.batch_size=4", "fit.device=cpu", "fit.precision=fp32"]
SIZE += [f"model={Path(__file__).parents[1] / 'networks.py'}:Small", "fit.memory_format=channels_last"]


def started(out: Path, epochs: int, workers: int) -> "subprocess.Popen[str]":
    """A training in a process group of its own, as a terminal starts it."""
    argv = [sys.executable, "-m", "pixelwise", "train", "shapes/fcn", "--out", str(out), *SIZE]
    argv += [f"fit.epochs={epochs}", f"fit.workers={workers}"]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_for_epoch(process: "subprocess.Popen[str]", run: Run, epoch: int) -> None:
    deadline = time.monotonic() + 120
    while len(run.history()) < epoch:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "training did not get that far"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_process_is_gone_on_with_to_the_same_weights(tmp_path: Path) -> None:
    process = started(tmp_path / "cut", epochs=12, workers=0)
    wait_for_epoch(process, Run(tmp_path / "cut"), 2)
    process.kill()
    process.communicate()
    cut = Run.open(tmp_path / "cut")
    assert 2 <= len(cut.history()) < 12
    whole = train(cut.experiment, out=tmp_path / "whole")
    resume(cut)
    ours, theirs = load_file(cut.last), load_file(whole.last)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert [r.val_loss for r in cut.history()] == [r.val_loss for r in whole.history()]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_on_a_terminal_ends_in_one_sentence_workers_included(tmp_path: Path) -> None:
    process = started(tmp_path / "run", epochs=500, workers=2)
    wait_for_epoch(process, Run(tmp_path / "run"), 1)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert f"--resume {tmp_path / 'run'}" in err.splitlines()[-1]
