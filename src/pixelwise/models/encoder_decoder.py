"""What the networks on timm's encoders have in common: encoder, decoder, classifier, and a head that helps training.

Paper: for the auxiliary head, Zhao, Shi, Qi, Wang, Jia, "Pyramid Scene Parsing Network", CVPR 2017.

Departures: the head is that of an FCN on a quarter of the features' channels, evaluated at their own resolution; the paper
brings its scores to the image's size first.
"""

from torch import nn

from pixelwise.core.types import AuxiliaryLogits, FeatureMap, Features, Logits
from pixelwise.models.blocks import conv_norm_act, kaiming_init, resized


class Decoder(nn.Module):
    """Base of the decoders.

    Attributes:
        channels: Of what it gives.
    """

    channels: int

    def forward(self, features: list[FeatureMap]) -> FeatureMap:
        """Features from fine to deep to the one map that classes are told from, of whatever size."""
        raise NotImplementedError


class EncoderDecoder(nn.Module):
    """An encoder, a decoder, a 1×1 classifier, and bilinear to the image's size.

    Args:
        encoder: Gives features from fine to deep; the last but one are at a sixteenth of the image's size.
        channels: Of each of them.
        decoder: Makes one map of them.
        num_classes: K.
        auxiliary: Whether there is a head on the features at a sixteenth, which only training computes.
    """

    def __init__(
        self, encoder: nn.Module, channels: tuple[int, ...], decoder: Decoder, num_classes: int, *, auxiliary: bool
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.classifier = classifier(decoder.channels, num_classes)
        kaiming_init(self.decoder)
        self.auxiliary = nn.ModuleList([fcn_head(channels[-2], num_classes)] if auxiliary else [])

    def forward(self, images: Features) -> Logits:
        """Normalized images, both sides multiples of the deepest features' stride, to logits of the same size."""
        return self._decoded(self.encoder(images), images)

    def forward_train(self, images: Features) -> list[AuxiliaryLogits]:
        """The same logits, and after them those of the auxiliary head, if there is one, at a sixteenth of the size."""
        features = self.encoder(images)
        logits = self._decoded(features, images)
        return [logits, *(head(features[-2]) for head in self.auxiliary)]

    def _decoded(self, features: list[FeatureMap], images: Features) -> Logits:
        return resized(self.classifier(self.decoder(features)), images)


def classifier(channels: int, num_classes: int) -> nn.Conv2d:
    """A 1×1 convolution to class scores that starts near 0, so that the first loss is near ln K."""
    scores = nn.Conv2d(channels, num_classes, 1)
    nn.init.normal_(scores.weight, std=0.01)
    nn.init.zeros_(scores.bias)  # type: ignore[arg-type]  # torch types it as absent; built with a bias
    return scores


def fcn_head(channels: int, num_classes: int) -> nn.Sequential:
    """A 3×3 convolution to a quarter of the channels, dropout, and a classifier."""
    head = conv_norm_act(channels, channels // 4)
    kaiming_init(head)
    return nn.Sequential(head, nn.Dropout(0.1), classifier(channels // 4, num_classes))
