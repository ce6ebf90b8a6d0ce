"""ExportedPredictor: predictions by an exported file, without the network's code."""

import json
import logging
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from pixelwise.core.errors import InvalidSpec, RunError
from pixelwise.core.label_space import LabelSpace
from pixelwise.inference.predictor import Segmented
from pixelwise.run.migrations import migrate_label_space

FILES = {"model.onnx": "onnxruntime", "model.xml": "openvino", "model.pt2": "torch"}
"""File of an export -> library that runs it."""
ABOUT = "export.json"
"""Description of the export: its label space and its run."""


class ExportedPredictor:
    """An export as a function from images to class maps.

    Args:
        folder: Folder that `pixelwise export` wrote.

    Attributes:
        name: Recipe of the run and format of the export.
        run: Function of the file: RGB images, all of one size, to their class ids.

    Raises:
        RunError: The folder holds no export, or a damaged one.
        InvalidSpec: The library that runs it is not installed.
    """

    def __init__(self, folder: Path) -> None:
        found = next((folder / name for name in FILES if (folder / name).is_file()), None)
        if found is None or not (folder / ABOUT).is_file():
            raise RunError(f"{folder} holds no export; give the folder that `pixelwise export` printed.")
        try:
            about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
            self.label_space = LabelSpace.model_validate(migrate_label_space(about["label_space"]))
            self.epoch = int(about["epoch"])
            self.name = f"{about['recipe']}, {about['format']}"
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RunError(f"{folder / ABOUT} is damaged; export the run again.") from None
        library = FILES[found.name]
        if find_spec(library) is None:
            raise InvalidSpec(f"{found} is run by {library}, which is not installed: pip install {library}.")
        self.run: Callable[[UInt8[np.ndarray, "B H W 3"]], UInt8[np.ndarray, "B H W"]]
        try:
            self.run = {"onnxruntime": _onnxruntime, "openvino": _openvino, "torch": _torch}[library](found)
        except Exception:  # each library has errors of its own for damaged bytes
            raise RunError(f"{found} is damaged: {library} cannot load it; export the run again.") from None

    def __call__(self, image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W"]:
        """Class ids of an RGB image, at its own size."""
        return self.classes([image])[0]

    def classes(self, images: list[UInt8[np.ndarray, "_ _ 3"]]) -> list[UInt8[np.ndarray, "_ _"]]:
        """Class ids of several RGB images, each at its own size."""
        return [found.classes for found in self.segment(images)]

    def segment(
        self,
        images: list[UInt8[np.ndarray, "_ _ 3"]],
        confidence: bool = False,  # noqa: ARG002  # the interface of `Predictor`
    ) -> list[Segmented]:
        """See `Predictor.segment`. An export gives classes only, so the confidence is always None."""
        return [Segmented(self.run(np.ascontiguousarray(image)[None])[0], None) for image in images]


def _onnxruntime(file: Path) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images})[0]


def _openvino(file: Path) -> Any:
    from pixelwise.inference.backends.openvino import without_telemetry

    without_telemetry()
    import openvino

    # In the precision of the certificate, also on processors with bf16.
    network = openvino.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda images: network(images)[0]


def _torch(file: Path) -> Any:
    logging.getLogger("torch.export").setLevel(logging.ERROR)  # it logs damage before it raises
    program = torch.export.load(file).module()

    def run(images: UInt8[np.ndarray, "B H W 3"]) -> UInt8[np.ndarray, "B H W"]:
        try:
            with torch.inference_mode():
                found: UInt8[np.ndarray, "B H W"] = program(torch.from_numpy(images)).numpy()
        except AssertionError as e:  # a guard of the archive
            height, width = images.shape[1:3]
            raise RunError(f"{file} takes no image of {width}x{height} pixels ({e}); give a larger one.") from None
        return found

    return run
