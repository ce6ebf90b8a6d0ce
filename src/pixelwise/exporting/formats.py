"""Writers of the export formats: ONNX, OpenVINO, and `torch.export` archives."""

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
_LIBRARIES = {
    "onnx": ("onnx", "onnxscript", "onnxruntime"),
    "openvino": ("onnx", "onnxscript", "openvino"),
    "torch": (),
}


def check_libraries(to: Format, int8: bool) -> None:
    """Checks that the libraries of a format are installed.

    Args:
        to: The format.
        int8: Whether the export is quantized to int8.

    Raises:
        InvalidSpec: A library is missing; the message has the command that installs it.
    """
    wanted = [*_LIBRARIES[to], *(["nncf"] if int8 else [])]
    if missing := [name for name in wanted if find_spec(name) is None]:
        raise InvalidSpec(f"exporting to {to} needs {', '.join(missing)}: pip install 'pixelwise[export]'.")


def write(
    module: Deployed, to: Format, folder: Path, metadata: dict[str, str], calibration: Sequence[Any] = ()
) -> Path:
    """Writes a module in a format and returns the file.

    Args:
        module: The module, in eval mode, on the CPU.
        to: The format.
        folder: Existing folder for the file.
        metadata: Name -> text, stored in the file.
        calibration: Images `[1, H, W, 3]` for int8; empty writes fp32.

    Raises:
        InvalidSpec: The format does not support the network.
    """
    writers: dict[str, Callable[..., None]] = {"onnx": _onnx, "openvino": _openvino, "torch": _torch}
    file = folder / FILES[to]
    writers[to](module, file, metadata, calibration)
    return file


def _exported_program(module: Deployed) -> ExportedProgram:
    """The module as a program of `torch.export`, for any batch size, height and width that it accepts."""
    dynamic = {0: Dim.DYNAMIC, 1: Dim.DYNAMIC, 2: Dim.DYNAMIC}  # the exporter infers the lower bounds
    side = 2 * max(module.model.min_size, module.model.multiple, 16)
    example = torch.zeros(2, side + 1, side + 3, 3, dtype=torch.uint8)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # the exporter warns of its own calls
            return torch.export.export(module, (example,), dynamic_shapes=(dynamic,))
    except Exception as e:  # the exporter raises errors of many types
        reason = str(e).strip().splitlines()[0]
        raise InvalidSpec(
            f"{type(module.model.network).__name__} cannot be exported by torch.export: {reason}"
        ) from None


def _torch(module: Deployed, file: Path, metadata: dict[str, str], _: Sequence[Any]) -> None:
    program = _exported_program(module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of tensors that share memory, which is harmless here
        torch.export.save(program, file, extra_files=metadata)


def _onnx(module: Deployed, file: Path, metadata: dict[str, str], _: Sequence[Any]) -> None:
    import onnx

    program = _exported_program(module)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                program, (), file, input_names=["images"], output_names=["classes"], external_data=False, verbose=False
            )
    except Exception as e:
        reason = str(e).strip().splitlines()[0]
        raise InvalidSpec(f"{type(module.model.network).__name__} cannot be exported to ONNX: {reason}") from None
    model = onnx.load(file)
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, file)


def _openvino(module: Deployed, file: Path, metadata: dict[str, str], calibration: Sequence[Any]) -> None:
    from pixelwise.inference.backends.openvino import quantized, without_telemetry

    without_telemetry()
    import openvino

    intermediate = file.with_suffix(".onnx")
    try:
        _onnx(module, intermediate, metadata, ())
        model = openvino.Core().read_model(intermediate)
        if calibration:
            model = quantized(model, calibration, lambda image: image)
        for name, text in metadata.items():
            model.set_rt_info(text, [name])
        openvino.save_model(model, file, compress_to_fp16=False)
    finally:
        intermediate.unlink(missing_ok=True)
