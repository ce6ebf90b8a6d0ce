"""Data sets: one file each; transforms, loading and statistics beside them."""

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
"""Every data set by its kind. A new one is one file and one line here."""

Data = Annotated[SerializeAsAny[DataSpec], choice("data set", DataSpec, DATASETS)]
"""The type of a field that holds a data set's spec."""

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
