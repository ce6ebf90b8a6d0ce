"""Common structure of the networks on timm encoders: encoder, decoder, classifier, auxiliary head.

Paper: for the auxiliary head, Zhao, Shi, Qi, Wang, Jia, "Pyramid Scene Parsing Network", CVPR 2017.

Departures: the auxiliary head is an FCN head with a quarter of the channels of the features. Its loss is computed at
the resolution of the features; the paper resizes the scores to the image size first.
"""

from torch import nn

from pixelwise.core.types import AuxiliaryLogits, FeatureMap, Features, Logits
from pixelwise.models.blocks import conv_norm_act, kaiming_init, resized


class Decoder(nn.Module):
    """Base class of decoders.

    Attributes:
        channels: Channels of the output.
    """

    channels: int

    def forward(self, features: list[FeatureMap]) -> FeatureMap:
        """Returns the map that the classifier is applied to, of any size.

        Args:
            features: Feature maps of the encoder, from fine to deep.
        """
        raise NotImplementedError


class EncoderDecoder(nn.Module):
    """Encoder, decoder, 1×1 classifier, and bilinear resizing to the image size.

    Args:
        encoder: Module that returns feature maps from fine to deep. The second last has a sixteenth of the image size.
        channels: Channels of each feature map.
        decoder: Module that combines the feature maps.
        num_classes: K.
        auxiliary: Whether there is an auxiliary head on the features at a sixteenth, computed in training only.
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
        """Returns the logits of normalized images, both sides multiples of the encoder's stride, of the same size."""
        return self._decoded(self.encoder(images), images)

    def forward_train(self, images: Features) -> list[AuxiliaryLogits]:
        """Returns the same logits, and those of the auxiliary head, if there is one, at a sixteenth of the size."""
        features = self.encoder(images)
        logits = self._decoded(features, images)
        return [logits, *(head(features[-2]) for head in self.auxiliary)]

    def _decoded(self, features: list[FeatureMap], images: Features) -> Logits:
        return resized(self.classifier(self.decoder(features)), images)


def classifier(channels: int, num_classes: int) -> nn.Conv2d:
    """Returns a 1×1 convolution to class scores with small initial weights, so that the first loss is near ln K."""
    scores = nn.Conv2d(channels, num_classes, 1)
    nn.init.normal_(scores.weight, std=0.01)
    nn.init.zeros_(scores.bias)  # type: ignore[arg-type]  # torch types it as absent; built with a bias
    return scores


def fcn_head(channels: int, num_classes: int) -> nn.Sequential:
    """Returns an FCN head: 3×3 convolution to a quarter of the channels, dropout, classifier."""
    head = conv_norm_act(channels, channels // 4)
    kaiming_init(head)
    return nn.Sequential(head, nn.Dropout(0.1), classifier(channels // 4, num_classes))
