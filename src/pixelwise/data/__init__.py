"""Data sets, one module each; and file reading, preparation, transforms, loading and statistics."""

from typing import Annotated

from pydantic import SerializeAsAny

from pixelwise.core.spec import choice
from pixelwise.data.base import DataSpec, Sample, SegmentationDataset, find_data_root
from pixelwise.data.camvid import CamVid
from pixelwise.data.camvid_original import CamVidOriginal
from pixelwise.data.cityscapes import Cityscapes
from pixelwise.data.folder import Folder
from pixelwise.data.idd import Idd, IddLite
from pixelwise.data.shapes import Shapes
from pixelwise.data.voc import Voc2007, Voc2012

DATASETS: dict[str, type[DataSpec]] = {
    "camvid": CamVid,
    "camvid_original": CamVidOriginal,
    "cityscapes": Cityscapes,
    "folder": Folder,
    "idd": Idd,
    "idd_lite": IddLite,
    "shapes": Shapes,
    "voc2007": Voc2007,
    "voc2012": Voc2012,
}
"""Kind -> spec class of every data set. A new data set needs a module and a line here."""

Data = Annotated[SerializeAsAny[DataSpec], choice("data set", DataSpec, DATASETS)]
"""Type of a field that contains the spec of a data set."""

__all__ = [
    "DATASETS",
    "CamVid",
    "CamVidOriginal",
    "Cityscapes",
    "Data",
    "DataSpec",
    "Folder",
    "Idd",
    "IddLite",
    "Sample",
    "SegmentationDataset",
    "Shapes",
    "Voc2007",
    "Voc2012",
    "find_data_root",
]
