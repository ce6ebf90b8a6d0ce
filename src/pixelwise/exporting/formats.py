"""The files that an export can be: ONNX, OpenVINO, a `torch.export` archive."""

import logging
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import torch
from torch.export import Dim, ExportedProgram

from pixelwise.core.errors import InvalidSpec
from pixelwise.exporting.deployed import Deployed

Format = Literal["onnx", "openvino", "torch"]
FILES = {"onnx": "model.onnx", "openvino": "model.xml", "torch": "model.pt2"}
_NEEDS = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "openvino": ("onnx", "onnxscript", "openvino"), "torch": ()}


def check_libraries(to: Format, int8: bool) -> None:
    """Checks that what a format needs is installed.

    Raises:
        InvalidSpec: Something is missing; the text says how to get it.
    """
    wanted = [*_NEEDS[to], *(["nncf"] if int8 else [])]
    if missing := [name for name in wanted if find_spec(name) is None]:
        raise InvalidSpec(f"exporting to {to} needs {', '.join(missing)}: pip install 'pixelwise[export]'.")


def write(
    module: Deployed, to: Format, folder: Path, metadata: dict[str, str], calibration: Sequence[Any] = ()
) -> Path:
    """Writes the module as a file.

    Args:
        module: What is exported, in eval, on the processor.
        to: Which format.
        folder: Where the file goes; it exists.
        metadata: Texts that travel in the file.
        calibration: Images `[1, H, W, 3]` for int8; empty keeps fp32.

    Raises:
        InvalidSpec: The network cannot be held by the format.
    """
    writers: dict[str, Callable[..., None]] = {"onnx": _onnx, "openvino": _openvino, "torch": _torch}
    file = folder / FILES[to]
    writers[to](module, file, metadata, calibration)
    return file


def _exported(module: Deployed) -> ExportedProgram:
    """The module as torch's exporter holds it, for every batch, height and width that it takes."""
    free = {0: Dim.DYNAMIC, 1: Dim.DYNAMIC, 2: Dim.DYNAMIC}  # from where on, the exporter finds out by itself
    side = 2 * max(module.model.min_size, module.model.multiple, 16)
    example = torch.zeros(2, side + 1, side + 3, 3, dtype=torch.uint8)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of what the exporter itself calls
            return torch.export.export(module, (example,), dynamic_shapes=(free,))
    except Exception as e:  # whatever the exporter stumbles over
        reason = str(e).strip().splitlines()[0]
        raise InvalidSpec(f"{type(module.model.network).__name__} cannot be exported: {reason}") from None


def _torch(module: Deployed, file: Path, metadata: dict[str, str], _: Sequence[Any]) -> None:
    program = _exported(module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tensors that share memory, which is nobody's concern here
        torch.export.save(program, file, extra_files=metadata)


def _onnx(module: Deployed, file: Path, metadata: dict[str, str], _: Sequence[Any]) -> None:
    import onnx

    program = _exported(module)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                program, (), file, input_names=["images"], output_names=["classes"], external_data=False, verbose=False
            )
    except Exception as e:
        reason = str(e).strip().splitlines()[0]
        raise InvalidSpec(f"ONNX cannot hold {type(module.model.network).__name__}: {reason}") from None
    held = onnx.load(file)
    onnx.helper.set_model_props(held, metadata)
    onnx.save(held, file)


def _openvino(module: Deployed, file: Path, metadata: dict[str, str], calibration: Sequence[Any]) -> None:
    from pixelwise.inference.backends.openvino import quantized, without_telemetry

    without_telemetry()
    import openvino

    between = file.with_suffix(".onnx")
    try:
        _onnx(module, between, metadata, ())
        model = openvino.Core().read_model(between)
        if calibration:
            model = quantized(model, calibration, lambda image: image)
        for name, text in metadata.items():
            model.set_rt_info(text, [name])
        openvino.save_model(model, file, compress_to_fp16=False)
    finally:
        between.unlink(missing_ok=True)
