"""Tensor types of the package, and the legend of their axes.

======  =================================================
axis    meaning
======  =================================================
``B``   images in a batch
``C``   channels of a feature map
``H``   height in pixels, rows from the top
``W``   width in pixels, columns from the left
``h w`` height and width after a resize
``K``   classes of the label space, without void
======  =================================================
"""

from jaxtyping import Float, Integer, UInt8
from torch import Tensor

Image = UInt8[Tensor, "3 H W"]
"""One RGB image, 0..255."""
ImageLabels = Integer[Tensor, "H W"]
"""Class ids of one image, 0..K-1 or IGNORE; uint8 or int16."""
SizedImage = UInt8[Tensor, "3 h w"]
"""One RGB image after a resize."""
SizedLabels = Integer[Tensor, "h w"]
"""Class ids of one image after a resize."""
Images = UInt8[Tensor, "B 3 H W"]
"""A batch of RGB images, 0..255. `Segmenter` normalizes them on the device of the network."""
Features = Float[Tensor, "B C H W"]
"""Normalized images or a feature map."""
Encoded = Float[Tensor, "B D h w"]
"""Normalized images or a feature map after a resize."""
Projected = Float[Tensor, "B D H W"]
"""A feature map of the same height and width as its input, with other channels."""
FeatureMap = Float[Tensor, "B _ _ _"]
"""One of several feature maps, of any size and number of channels."""
Logits = Float[Tensor, "B K H W"]
"""Class scores before the softmax."""
AuxiliaryLogits = Float[Tensor, "B K _ _"]
"""Class scores of an auxiliary head, in training only. Their size is that of the images divided by an integer."""
Labels = Integer[Tensor, "B H W"]
"""Class ids of a batch, 0..K-1 or IGNORE."""
PixelCounts = Integer[Tensor, " K"]
"""Number of pixels of each class in a split, without void."""
ClassWeights = Float[Tensor, " K"]
"""Weight of each class, 0 or larger."""
