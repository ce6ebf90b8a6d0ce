"""Tensor types and the axis legend, once for the whole project.

======  =================================================
axis    meaning
======  =================================================
``B``   images in a batch
``C``   channels of a feature map
``H``   height in pixels, rows from the top
``W``   width in pixels, columns from the left
``h w`` height and width after a change of size
``K``   classes of the label space, without void
======  =================================================
"""

from jaxtyping import Float, Integer, UInt8
from torch import Tensor

Image = UInt8[Tensor, "3 H W"]
"""One RGB image, 0..255."""
ImageLabels = Integer[Tensor, "H W"]
"""Its class ids, 0..K-1 or IGNORE; uint8 or int16."""
SizedImage = UInt8[Tensor, "3 h w"]
"""An image after a change of size."""
SizedLabels = Integer[Tensor, "h w"]
"""Its class ids."""
Images = UInt8[Tensor, "B 3 H W"]
"""A batch of RGB images, 0..255; networks normalize them on their own device."""
Features = Float[Tensor, "B C H W"]
"""A normalized image or a feature map."""
Encoded = Float[Tensor, "B D h w"]
"""A normalized image or a feature map after a change of size."""
Projected = Float[Tensor, "B D H W"]
"""A feature map as large as the one it was made from, with other channels."""
FeatureMap = Float[Tensor, "B _ _ _"]
"""One of several feature maps, of whatever size and number of channels."""
Logits = Float[Tensor, "B K H W"]
"""Class scores before the softmax, which belongs to the loss."""
AuxiliaryLogits = Float[Tensor, "B K _ _"]
"""Class scores that training alone looks at; their size is that of the images or an integer fraction of it."""
Labels = Integer[Tensor, "B H W"]
"""Class ids of a batch, 0..K-1 or IGNORE."""
PixelCounts = Integer[Tensor, " K"]
"""Pixels of each class in a split, void not counted."""
ClassWeights = Float[Tensor, " K"]
"""One weight for each class, 0 or more."""
