"""The run folder: file names, schema, migrations, typed contents."""

from pixelwise.run.folder import Run

__all__ = ["Run"]
