"""The command line as a user meets it: in process, with what it prints and the code it exits with."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixelwise.cli import COMMANDS, main
from pixelwise.core.label_space import IGNORE
from pixelwise.data import Shapes
from pixelwise.run import Run

QUICK = [
    "--set", "data.size=[32,32]", "data.images=8", "fit.epochs=1", "fit.batch_size=4", "fit.workers=0",
    "fit.device=cpu", "fit.precision=fp32",
]  # fmt: skip


def fails(argv: list[str], capsys: pytest.CaptureFixture[str], code: int = 2) -> str:
    """Runs a command that must fail with one sentence, and gives the sentence."""
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    last = captured.err.strip().splitlines()[-1]
    return captured.err if "pixelwise:" not in last else last


def printed(argv: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    main(argv)
    return capsys.readouterr().out


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run on shapes."""
    out = tmp_path_factory.mktemp("cli") / "run"
    main(["train", "shapes/fcn", "--out", str(out), "--seed", "3", *QUICK])
    return Run.open(out)


def test_the_commands_and_flags_are_these_and_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    """A new flag is a decision: it is added here, in the README and in the docs."""
    options = {"--device", "--backend", "--precision", "--flip", "--scales", "--window"}
    limits = {"--max-body-mb", "--max-megapixels", "--timeout", "--max-concurrent"}
    expected = {
        "demo": {"--out", "--seed"},
        "train": {"--data-root", "--out", "--seed", "--resume", "--track", "--set"},
        "evaluate": {"--split", "--data-root", *options, "--cross-check", "--json"},
        "predict": {"--out", *options, "--labels-only", "--data-root"},
        "report": {"--split", "--data-root", "--out", *options},
        "compare": {"--split", "--data-root", "--out"},
        "export": {"--to", "--data-root", "--out", *options},
        "serve": {"--host", "--port", "--token", *limits, "--examples", *options},
        "reproduce": {"--data-root", "--out", "--seed", "--set"},
        "data download": {"--data-root"},
        "data stats": {"--data-root", "--split", "--out", "--json", "--set"},
        "list": {"--json"},
    }
    assert set(COMMANDS) == {command.split()[0] for command in expected}
    for command, flags in expected.items():
        with pytest.raises(SystemExit) as stopped:
            main([*command.split(), "--help"])
        assert stopped.value.code == 0
        found = set(re.findall(r"(?<!\S)--[a-z][a-z0-9-]*", capsys.readouterr().out.replace("[", " ")))
        assert found - {"--help"} == flags, command


def test_help_lists_every_command_with_a_line_about_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b +[A-Z]", text), command


def test_help_and_an_unknown_command_answer_without_torch() -> None:
    """Half a second is not a matter of luck when nothing heavy is imported."""
    code = (
        "import sys; from pixelwise.cli import main\ntry: main(sys.argv[1:])\nexcept SystemExit as e: print(e.code)\n"
    )
    code += "print([m for m in ('torch', 'numpy', 'matplotlib', 'pydantic') if m in sys.modules])"
    for argument, exit_code in (("--help", "0"), ("trian", "2")):
        done = subprocess.run([sys.executable, "-c", code, argument], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-2:] == [exit_code, "[]"]


def test_an_unknown_command_names_the_right_one_and_all_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    message = fails(["trian"], capsys)
    commands = "compare, data, demo, evaluate, export, list, predict, report, reproduce, serve, train"
    assert f"no command 'trian'. Did you mean 'train'? Choose from: {commands}." in message


def test_an_unknown_command_below_data_is_answered_alike(capsys: pytest.CaptureFixture[str]) -> None:
    message = fails(["data", "stat"], capsys)
    assert "pixelwise data has no command 'stat'. Did you mean 'stats'? Choose from: download, stats." in message


def test_statistics_are_tables_or_json_and_pictures_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["data", "stats", "shapes", "--set", "images=4", "size=[32,32]", "--split", "train"]
    table = printed(asked, capsys)
    assert all(name in table for name in Shapes().label_space.names)
    assert "test" not in table
    numbers = json.loads(printed([*asked, "--json", "--out", "statistics"], capsys))
    assert numbers["splits"]["train"]["statistics"]["images"] == 4
    assert json.loads(Path("statistics/statistics.json").read_text()) == numbers
    assert {file.name for file in Path("statistics").iterdir()} == {"samples.png", "classes.png", "statistics.json"}
    message = fails([*asked, "--out", "statistics"], capsys)
    assert "statistics is not empty" in message


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["data", "stats", "shappes"], "no data set is called 'shappes'. Did you mean 'shapes'?"),
        (["data", "stats", "shapes", "--set", "imags=4"], "there is no field 'imags'. Did you mean 'images'?"),
        (["data", "stats", "shapes", "--split", "tarin"], "shapes has no split 'tarin'. Did you mean 'train'?"),
        (["data", "download", "voc2013"], "there is no data set 'voc2013'. Did you mean 'voc2012'?"),
        (["data", "download", "shapes"], "shapes is drawn by code: there is nothing to download."),
    ],
)
def test_what_data_cannot_do_is_said_in_a_sentence(
    words: list[str], answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer in fails(words, capsys)


def test_another_data_set_empties_watch_for_its_classes_are_others(capsys: pytest.CaptureFixture[str]) -> None:
    main(["train", "camvid/fcn", "--out", "run", *QUICK, "data.kind=shapes"])
    assert Run.open("run").experiment.watch == ()
    capsys.readouterr()
    message = fails(["train", "camvid/fcn", *QUICK, "data.kind=shapes", 'watch=["bicyclist"]'], capsys)
    assert "no class is called 'bicyclist'" in message


def test_train_writes_a_run_and_prints_its_scores_and_paths(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(["train", "shapes/fcn", "--out", str(tmp_path / "run"), *QUICK], capsys)
    assert "val split, 2 images, epoch 1" in out
    assert re.search(r"run +all [a-z]+", out)
    assert str(tmp_path / "run" / "curves.png") in out
    names = {p.name for p in (tmp_path / "run").iterdir()}
    assert names == {
        "experiment.json", "environment.json", "history.jsonl", "last.safetensors", "best.safetensors", "result.json",
        "confusion_val.npz", "curves.png", "overlays", "log.txt",
    }  # fmt: skip


def test_without_out_a_run_goes_below_runs(capsys: pytest.CaptureFixture[str]) -> None:
    main(["train", "shapes/fcn", "--seed", "7", *QUICK])
    (folder,) = Path("runs/shapes/fcn").iterdir()
    assert folder.name.endswith("_seed7")


def test_set_may_be_repeated_or_take_several_values(tmp_path: Path) -> None:
    repeated = [word for value in QUICK[1:] for word in ("--set", value)]
    for name, flags in (("a", QUICK), ("b", repeated)):
        main(["train", *flags, "--out", str(tmp_path / name), "shapes/fcn"])
    a, b = (Run.open(tmp_path / name).experiment for name in "ab")
    assert a == b
    assert a.fit.epochs == 1


def test_a_loss_with_class_weights_trains(tmp_path: Path) -> None:
    main(
        [
            "train",
            "shapes/fcn",
            "--out",
            str(tmp_path / "run"),
            *QUICK,
            "loss.class_weights=inverse",
            "fit.grad_clip_norm=1",
        ]
    )
    assert Run.open(tmp_path / "run").history()[0].train_loss is not None


def test_evaluate_prints_json_alone_and_stores_the_same(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    result = json.loads(printed(["evaluate", str(run.path), "--split", "test", "--json"], capsys))
    assert result["split"] == "test"
    assert list(result["iou"]) == list(Shapes().label_space.names)
    stored = json.loads((run.path / "result.json").read_text(encoding="utf-8"))["splits"]
    assert stored["test"] == result
    assert {"mean_iou", "pixel_accuracy", "mean_accuracy", "frequency_weighted_iou", "loss"} <= set(result)
    assert {"val", "test"} == set(stored)


def test_evaluate_gives_what_training_saw_at_its_best_epoch(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    result = json.loads(printed(["evaluate", str(run.path), "--json"], capsys))
    record = run.history()[result["epoch"] - 1]
    assert result["mean_iou"] == record.val_mean_iou
    assert result["loss"] == pytest.approx(record.val_loss, rel=1e-6)


def test_per_image_matrices_add_up_to_the_splits(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    result = json.loads(printed(["evaluate", str(run.path), "--split", "test", "--json"], capsys))
    ids, matrices = run.per_image("test")
    assert ids == [f"test_{i:04d}" for i in range(2)]
    assert matrices.dtype == np.int64
    assert matrices.sum(0).tolist() == result["confusion_matrix"]
    space = Shapes(size=(32, 32), images=8, seed=2).build("test", Path())
    valid = sum(int((space[i].labels != IGNORE).sum()) for i in range(2))
    assert matrices.sum() == valid


def test_results_with_tta_and_windows_are_named_and_stored_beside_the_plain_result(
    run: Run, tmp_path: Path, capsys: Any
) -> None:
    asked = ["evaluate", str(shutil.copytree(run.path, tmp_path / "run"))]
    options = ["--flip", "--scales", "1", "0.5", "--window", "32", "48"]
    text = printed([*asked, *options], capsys)
    assert "val split, 2 images, epoch 1; flip, scales 0.5 1, window 32 48" in text
    assert "overlays/val+flip+scales-0.5-1+window-32-48.png" in text
    result = json.loads(printed([*asked, *options, "--json"], capsys))
    stored = json.loads((tmp_path / "run" / "result.json").read_text(encoding="utf-8"))
    assert stored["inference"] == {"val, flip, scales 0.5 1, window 32 48": result}
    assert stored["splits"]["val"]["inference"] == ""
    assert stored["splits"]["val"] == run.results()["val"].model_dump(mode="json")


def test_files_can_be_predicted_with_tta(run: Run, tmp_path: Path, capsys: Any) -> None:
    Image.new("RGB", (40, 50)).save(tmp_path / "a.png")
    asked = ["predict", str(run.path), str(tmp_path / "a.png"), "--out", "out", "--flip", "--scales", "0.5", "1.5"]
    assert re.match(r"1 image in .* images/s\); flip, scales 0.5 1.5\n", printed(asked, capsys))


def test_predict_writes_labels_and_overlays_at_each_images_size(run: Run, tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "photos" / "summer"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, size in (("a b.png", (37, 53)), ("é.jpg", (64, 32))):
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(folder / name)
    out = printed(["predict", str(run.path), str(tmp_path / "photos"), "--out", str(tmp_path / "out")], capsys)
    assert re.match(r"2 images in \d+\.\d s \(\d+\.\d images/s\)\n", out)
    with Image.open(tmp_path / "out/labels/summer/a b.png") as labels:
        assert labels.mode == "P"
        assert labels.size == (53, 37)
        assert set(np.unique(np.array(labels))) <= set(Shapes().label_space.raw_ids)
        assert (labels.getpalette() or [])[3:6] == list(Shapes().label_space.colors[1])
    with Image.open(tmp_path / "out/overlays/summer/é.png") as overlay:
        assert overlay.mode == "RGB"
        assert overlay.width >= 32
        assert overlay.height > 64  # the legend


@pytest.mark.parametrize("what", ["recipes", "models", "losses", "datasets"])
def test_list_names_everything_with_a_line_about_it(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(printed(["list", what, "--json"], capsys))
    assert rows
    assert all(about for about in rows.values())
    table = printed(["list", what], capsys)
    assert all(name in table for name in rows)


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["train", "shapes/fnc"], "Did you mean 'shapes/fcn'?"),
        (["train"], "train needs a recipe or --resume RUN"),
        (["train", "shapes/fcn", "--set", "fit.epoch=3"], "no field 'fit.epoch'. Did you mean 'fit.epochs'?"),
        (["train", "shapes/fcn", "--set", "fit.epochs=many"], "fit.epochs=many does not fit"),
        (["train", "shapes/fcn", "--set", "fit.epochs=0"], "greater than or equal to 1"),
        (["train", "shapes/fcn", "--set", "model.kind=fnc"], "Did you mean 'fcn'?"),
        (["train", "shapes/fcn", "--set", "loss=dize"], "no loss is called 'dize'"),
        (["train", "shapes/fcn", "--set", "fit.epochs"], "--set needs path=value"),
        (["train", "shapes/fcn", "--set", "data.val_split=vall"], "Did you mean 'val'?"),
        (["train", "shapes/fcn", "--set", "watch=[\"hause\"]"], "Did you mean 'house'?"),
        (["train", "shapes/fcn", "--set", "model.kind=no_such_file.py:Net"], "there is no file"),
        (["train", "shapes/fcn", "--set", "fit.device=cuda"], "this machine has no cuda"),
        (["train", "camvid/fcn", "--data-root", "nowhere"], "CamVid was not found"),
        (["train", "--resume", "nowhere"], "there is no run folder nowhere"),
        (["train", "shapes/fcn", "--resume", "nowhere"], "leave out recipe"),
        (["evaluate", "nowhere"], "there is no run folder nowhere"),
        (["predict", "nowhere", "a.png", "--out", "x"], "a.png: there is no such file or folder"),
        (["evaluate", "nowhere", "--scales"], "scales: none is given"),
        (["evaluate", "nowhere", "--scales", "1", "0"], "scales: 0 is not a factor above 0"),
        (["evaluate", "nowhere", "--scales", "-1"], "scales: -1 is not a factor above 0"),
        (["evaluate", "nowhere", "--window", "64"], "window"),
        (["evaluate", "nowhere", "--window", "0", "32"], "window: expected a height and a width in pixels"),
        (["evaluate", "nowhere", "--cross-check", "--flip"], "--cross-check evaluates plain predictions"),
        (["export", "nowhere", "--to", "onnx", "--flip"], "network without flip: leave out --flip"),
        (["export", "nowhere", "--to", "onnx", "--precision", "int8"], "--to onnx does not support int8"),
        (["report", "nowhere", "--backend", "openvino"], "a report shows results of torch in fp32"),
        (["train", "camvid/scratch", "--set", "fit.epochs=30"], "the nearest valid number of epochs is 20 or 40"),
        (["train", "shapes/fcn", "--set", "fit.epochs=3", "fit.minutes=1"], "are both set; set one of them"),
        (["train", "shapes/fcn", "--set", "fit.epochs=none"], "neither epochs nor minutes is set"),
        (["predict", "nowhere", "a.png", "--out", "x", "--scales", "2", "2"], "scales: 2 is given twice"),
        (["list", "colors"], "colors"),
    ],
)  # fmt: skip
def test_a_careless_command_gets_one_sentence(argv: list[str], sentence: str, capsys: Any) -> None:
    if "fit.device=cuda" in argv:
        import torch

        if torch.cuda.is_available():
            pytest.skip("this machine has CUDA")
    message = fails(argv, capsys)
    assert sentence in message
    assert not Path("runs").exists(), "something was half written"


def test_the_expected_tree_is_shown_where_a_data_set_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "voc2012/fcn", "--data-root", "nowhere"])
    message = capsys.readouterr().err
    assert "ImageSets/Segmentation/" in message
    assert "host.robots.ox.ac.uk" in message


def test_the_data_root_is_the_flag_then_the_variable_then_data(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.delenv("PIXELWISE_DATA", raising=False)
    for flags, variable, root in (
        ([], None, "data"),
        ([], "there", "there"),
        (["--data-root", "here"], "there", "here"),
    ):
        if variable:
            monkeypatch.setenv("PIXELWISE_DATA", variable)
        with pytest.raises(SystemExit):
            main(["train", "camvid/fcn", *flags])
        assert f"there is no {Path(root) / 'camvid' / 'train'}" in capsys.readouterr().err


def test_an_output_folder_that_is_not_empty_is_left_alone(run: Run, tmp_path: Path, capsys: Any) -> None:
    keep = tmp_path / "full" / "thesis.txt"
    keep.parent.mkdir()
    keep.write_text("years of work")
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    for argv in (["train", "shapes/fcn", *QUICK], ["predict", str(run.path), str(tmp_path / "a.png")]):
        assert "is not empty" in fails([*argv, "--out", str(keep.parent)], capsys)
        assert [p.name for p in keep.parent.iterdir()] == ["thesis.txt"]
        assert "is a file" in fails([*argv, "--out", str(keep)], capsys)
    assert keep.read_text() == "years of work"


def test_a_folder_without_write_permission_is_refused_before_the_work(capsys: pytest.CaptureFixture[str]) -> None:
    place = Path("/proc/1/pixelwise") if os.geteuid() == 0 else Path("/root-of-nobody")
    assert "cannot write" in fails(["train", "shapes/fcn", "--out", str(place / "run"), *QUICK], capsys)


def spoil(run: Run, folder: Path, name: str, text: str | None) -> Run:
    """A copy of a run with one file removed or replaced."""
    folder.mkdir()
    for file in run.path.iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    (folder / name).unlink()
    if text is not None:
        (folder / name).write_text(text)
    return Run(folder)


def test_a_window_that_the_network_does_not_take_is_refused(run: Run, capsys: Any) -> None:
    message = fails(["evaluate", str(run.path), "--window", "16", "64"], capsys)
    assert message == (
        "pixelwise: a window of 16×64 is too small for fcn, whose minimum is 32×32 pixels; give a larger window."
    )


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("experiment.json", None, "not a complete run folder: it has no experiment.json"),
        ("experiment.json", "{", "is damaged"),
        ("experiment.json", '{"version": 99, "experiment": {}}', "newer than this pixelwise reads"),
        ("environment.json", None, "it has no environment.json"),
        ("environment.json", "{}", "has no machine"),
        ("environment.json", '{"machine": {}, "statistics": {"images": "many"}}', "' is not valid"),
        ("best.safetensors", None, "has no best.safetensors"),
        ("best.safetensors", "not weights", "is damaged"),
    ],
)
def test_an_incomplete_or_newer_run_is_refused(
    run: Run, tmp_path: Path, name: str, text: str | None, sentence: str, capsys: Any
) -> None:
    broken = spoil(run, tmp_path / "broken", name, text)
    before = (broken.path / "result.json").read_bytes()
    assert sentence in fails(["evaluate", str(broken.path)], capsys)
    assert (broken.path / "result.json").read_bytes() == before


def test_a_label_outside_the_space_ends_training_with_file_and_id(tmp_path: Path, capsys: Any) -> None:
    root = tmp_path / "data" / "camvid"
    for split in ("train", "val"):
        for folder, mode in ((split, "RGB"), (f"{split}annot", "L")):
            (root / folder).mkdir(parents=True)
            for name in ("a", "b"):
                Image.new(mode, (64, 64)).save(root / folder / f"{name}.png")
    wrong = root / "trainannot" / "b.png"
    Image.new("L", (64, 64), 77).save(wrong)
    flags = ["--data-root", str(tmp_path / "data"), "--set", "fit.workers=2", "fit.device=cpu"]
    message = fails(["train", "camvid/fcn", *flags], capsys)
    assert f"{wrong}: label ids 77 are outside the label space" in message
    Image.new("L", (64, 60)).save(wrong)
    message = fails(["train", "camvid/fcn", *flags], capsys)
    assert f"{wrong}: labels are 64x60 but their image" in message
    assert not Path("runs").exists()


def test_predict_of_no_image_says_so(run: Run, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "notes.png").write_text("these are notes")
    (tmp_path / "empty").mkdir()
    out = ["--out", str(tmp_path / "out")]
    message = fails(["predict", str(run.path), str(tmp_path / "notes.png"), *out], capsys, code=1)
    assert message.splitlines()[-2:] == [
        "pixelwise: 1 of 1 images cannot be read:",
        f"{tmp_path / 'notes.png'}: is not an image, or has an unsupported format; replace or remove the file.",
    ]
    assert not (tmp_path / "out").exists()
    assert "contains no image" in fails(["predict", str(run.path), str(tmp_path / "empty"), "--out", "other"], capsys)
    assert "no such file" in fails(["predict", str(run.path), "x" * 300 + ".png", "--out", "other"], capsys)
    assert not Path("other").exists()


def test_predict_goes_on_past_broken_images_and_lists_them_at_the_end(run: Run, capsys: Any) -> None:
    Path("-photos").mkdir()
    for name in ("a", "b", "c"):
        Image.new("RGB", (9, 8)).save(f"-photos/{name}.png")
    Path("-photos/b.png").write_bytes(b"")
    with pytest.raises(SystemExit) as stopped:
        main(["predict", str(run.path), "./-photos", "--out", "out"])
    printed = capsys.readouterr()
    assert stopped.value.code == 1
    assert printed.out.startswith("2 images in ")
    assert printed.err == (
        "pixelwise: 1 of 3 images cannot be read:\n-photos/b.png: is empty (0 bytes); replace or remove the file.\n"
    )
    assert {file.name for file in Path("out/labels").iterdir()} == {"a.png", "c.png"}


@pytest.mark.parametrize(("failure", "code"), [(OSError(28, "No space left on device"), 2), (KeyboardInterrupt(), 130)])
def test_a_full_disk_or_ctrl_c_is_no_broken_image(
    run: Run, monkeypatch: pytest.MonkeyPatch, failure: BaseException, code: int, capsys: Any
) -> None:
    def strike(descriptor: int) -> None:
        raise failure

    Image.new("RGB", (9, 8)).save("a.png")
    monkeypatch.setattr(os, "fsync", strike)
    with pytest.raises(SystemExit) as stopped:
        main(["predict", str(run.path), "a.png", "--out", "out"])
    assert stopped.value.code == code
    message = capsys.readouterr().err
    assert message == "" if code == 130 else "cannot write out/labels/a.png: no space left on device" in message
    assert not [file for file in Path("out").rglob("*") if file.is_file()]


def test_a_real_process_ends_with_the_sentence_and_code_2() -> None:
    argv = [sys.executable, "-m", "pixelwise", "train", "shapes/fnc"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("pixelwise: no recipe is called 'shapes/fnc'.")
    assert len(done.stderr.splitlines()) == 1
