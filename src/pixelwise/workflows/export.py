"""Export of a run to a file for other programs, with a parity certificate."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.files import check_free, make_folder, write_text
from pixelwise.data import find_data_root
from pixelwise.exporting.deployed import Deployed
from pixelwise.exporting.formats import Format, check_libraries, write
from pixelwise.exporting.parity import Certificate, certify
from pixelwise.inference.exported import ABOUT, ExportedPredictor
from pixelwise.inference.options import InferenceOptions
from pixelwise.inference.predictor import Predictor, calibration_images
from pixelwise.run import Run


class Export(NamedTuple):
    """Result of `export`.

    Attributes:
        folder: Folder of the model file, its description `export.json`, and `certificate.json`.
        certificate: Scores and times of the export and of the run.
    """

    folder: Path
    certificate: Certificate


def export(
    run: Run | Path | str,
    to: Format,
    *,
    data_root: Path | str | None = None,
    out: Path | None = None,
    options: InferenceOptions = InferenceOptions(),
) -> Export:
    """Exports the best checkpoint of a run, and compares the export with the run on the validation split.

    Args:
        run: The run.
        to: `onnx`, `openvino` or `torch`.
        data_root: Folder of the data sets; None takes PIXELWISE_DATA, else ./data.
        out: A new or empty folder; None makes `exports/<format>` in the run folder.
        options: Only `precision` applies: fp32, or int8 with `openvino`, calibrated on training images. An export
            computes on the CPU and has no test-time augmentation or sliding window.

    Raises:
        InvalidSpec: A library is missing, an option does not apply, or the format does not support the network.
        RunError: The run cannot be used, `out` is not empty, or the predictions of the export differ too much from
            those of the run; nothing is written then.
        DatasetNotFound: The data is missing.
        DataError: A file cannot be used.
    """
    _check_options(to, options)
    int8 = options.precision == "int8"
    check_libraries(to, int8)
    run = Run.open(run)
    experiment, root = run.experiment, find_data_root(data_root)
    folder = out or run.path / "exports" / (f"{to}-int8" if int8 else to)
    check_free(folder, "an export")
    predictor = Predictor.load(run, InferenceOptions(device="cpu"))
    data = experiment.data
    dataset = data.build(data.val_split, root)
    about = {
        "recipe": experiment.name, "seed": experiment.fit.seed, "epoch": predictor.epoch, "format": to,
        "label_space": data.label_space.model_dump(mode="json"),
        "input": "images: uint8 [batch, height, width, 3], RGB", "output": "classes: uint8 [batch, height, width]",
    }  # fmt: skip
    make_folder(folder.parent)
    # Written to a temporary folder, which is moved to its final place once the certificate is checked.
    with tempfile.TemporaryDirectory(prefix=".", dir=folder.parent) as temporary:
        work = Path(temporary, "export")
        work.mkdir()
        images = calibration_images(data.build(data.train_split, root), experiment.image_size) if int8 else []
        module = Deployed(predictor.model.eval(), experiment.image_size).eval()
        calibration = [np.asarray(image.permute(0, 2, 3, 1)) for image in images]
        write(module, to, work, {"pixelwise": json.dumps(about)}, calibration)
        write_text(work / ABOUT, json.dumps(about, indent=1) + "\n")
        certificate = certify(
            predictor, ExportedPredictor(work), dataset, to=to, precision=options.precision,
            split=data.val_split, weights=run.best, files=[file for file in work.iterdir() if file.name != ABOUT],
        )  # fmt: skip
        certificate.check()
        write_text(work / "certificate.json", certificate.to_json() + "\n")
        if folder.exists():
            folder.rmdir()
        shutil.move(work, folder)
    return Export(folder, certificate)


def _check_options(to: Format, options: InferenceOptions) -> None:
    """Checks that an export supports the options.

    Raises:
        InvalidSpec: It does not.
    """
    if options.text:
        raise InvalidSpec(
            f"an export contains the network without {options.text}: leave out --flip, --scales and --window."
        )
    if options.device not in ("auto", "cpu") or options.backend != "torch":
        raise InvalidSpec(
            "an export computes on the CPU with the library of its format: leave out --device and --backend."
        )
    if options.precision == "bf16" or (options.precision == "int8" and to != "openvino"):
        raise InvalidSpec(f"--to {to} does not support {options.precision}; use fp32, or int8 with --to openvino.")
