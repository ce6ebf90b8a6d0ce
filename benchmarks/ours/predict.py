"""Predicts JPEG files to label files with a run of pixelwise, and prints the speed as JSON.

Usage: predict.py RUN IMAGES BACKEND PRECISION
"""

import json
import sys
import tempfile
from pathlib import Path

from pixelwise.engine.predict import predict

if __name__ == "__main__":
    run, images, backend, precision = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        done = predict(run, [images], Path(folder, "out"), "auto", backend=backend, precision=precision, overlays=False)
        print(json.dumps({"images_per_second": len(done.written) / done.seconds}))
