"""pixelwise predict."""

import sys
from pathlib import Path

from tyro.conf import Positional

from pixelwise.cli._output import print_note, print_results
from pixelwise.inference.options import InferenceOptions


def command(
    run: Positional[Path],
    paths: Positional[tuple[Path, ...]],
    out: Path,
    labels_only: bool = False,
    data_root: Path | None = None,
    options: InferenceOptions = InferenceOptions(),
) -> None:
    """Predict images: a label PNG and an overlay with a legend for each, at its own size.

    Args:
        run: run folder
        paths: image files, and folders that are searched for images
        out: folder of the output, new or empty
        labels_only: write no overlays
        data_root: folder of the data sets, for int8; else PIXELWISE_DATA, else ./data
        options: how predictions are computed
    """
    from pixelwise.inference.predict import predict

    done = predict(run, paths, out, options=options, overlays=not labels_only, data_root=data_root)
    if done.written:
        overlays = [] if labels_only else [f"overlays  {out / 'overlays'}"]
        print_results(done.speed, f"labels    {out / 'labels'}", *overlays)
    if done.broken:
        print_note(f"pixelwise: {len(done.broken)} of {len(done.broken) + len(done.written)} images cannot be read:")
        for image in done.broken:
            print_note(image.why)
        sys.exit(1)
