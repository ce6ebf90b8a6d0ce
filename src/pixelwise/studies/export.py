"""A run as a file that other programs run, with a certificate of what it does."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pixelwise.core.errors import InvalidSpec
from pixelwise.core.files import check_free, make_folder, write_text
from pixelwise.data import find_data_root
from pixelwise.engine.exported import ABOUT, ExportedPredictor
from pixelwise.engine.predictor import Predictor, typical_images
from pixelwise.experiment import Experiment
from pixelwise.export.deployed import Deployed
from pixelwise.export.formats import Format, check_libraries, write
from pixelwise.export.parity import Certificate, certify
from pixelwise.runs import Run


class Export(NamedTuple):
    """What was written.

    Attributes:
        folder: Holds the model, what it is, and its certificate.
        certificate: What it was measured to do.
    """

    folder: Path
    certificate: Certificate


def export(
    run: Run | Path | str,
    to: Format,
    *,
    int8: bool = False,
    data_root: Path | str | None = None,
    out: Path | None = None,
) -> Export:
    """Exports the best checkpoint of a run, and measures the export on the run's own validation split.

    Args:
        run: The run.
        to: `onnx`, `openvino` or `torch`.
        int8: Whether convolutions are in int8, calibrated on training images; OpenVINO only.
        data_root: Where the data sets lie; None takes PIXELWISE_DATA, else ./data.
        out: A new or empty folder; None makes `exports/<format>` in the run's folder.

    Raises:
        InvalidSpec: A library is missing, or the network cannot be exported so.
        RunError: The run cannot be used, `out` is not empty, or the export does not do what the run does: nothing is
            kept then.
        DatasetNotFound: The data is not there.
        BadData: A file cannot be used.
    """
    if int8 and to != "openvino":
        raise InvalidSpec("int8 is OpenVINO's: use --to openvino.")
    check_libraries(to, int8)
    run = Run.open(run.path if isinstance(run, Run) else run)
    experiment, root = Experiment.from_json(run.experiment_json()), find_data_root(data_root)
    folder = out or run.path / "exports" / (f"{to}-int8" if int8 else to)
    check_free(folder, "an export")
    predictor = Predictor.load(run, "cpu")
    data = experiment.data
    dataset = data.build(data.val_split, root)
    about = {
        "recipe": experiment.name, "seed": experiment.fit.seed, "epoch": predictor.epoch, "format": to,
        "label_space": data.label_space.model_dump(mode="json"),
        "input": "images: uint8 [batch, height, width, 3], RGB", "output": "classes: uint8 [batch, height, width]",
    }  # fmt: skip
    make_folder(folder.parent)
    # Beside its place, and moved there when it is proven.
    with tempfile.TemporaryDirectory(prefix=".", dir=folder.parent) as place:
        work = Path(place, "export")
        work.mkdir()
        images = typical_images(data.build(data.train_split, root), experiment.size) if int8 else []
        module = Deployed(predictor.model.eval(), experiment.size).eval()
        calibration = [np.asarray(image.permute(0, 2, 3, 1)) for image in images]
        write(module, to, work, {"pixelwise": json.dumps(about)}, calibration)
        write_text(work / ABOUT, json.dumps(about, indent=1) + "\n")
        certificate = certify(
            predictor, ExportedPredictor(work), dataset, to=to, precision="int8" if int8 else "fp32",
            split=data.val_split, weights=run.best, files=[file for file in work.iterdir() if file.name != ABOUT],
        )  # fmt: skip
        certificate.check()
        write_text(work / "certificate.json", certificate.to_json() + "\n")
        if folder.exists():
            folder.rmdir()
        shutil.move(work, folder)
    return Export(folder, certificate)
