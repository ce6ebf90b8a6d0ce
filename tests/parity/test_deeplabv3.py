"""Our DeepLabV3 behind our Predictor against torchvision's own, on the same weights, from the same pixels.

The weights are random, their statistics too: what counts is that every one of them arrives at its place. Torchvision's
preprocessing is that of its published weights, without its resize, which is a matter of taste.
"""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.segmentation import DeepLabV3_ResNet101_Weights, deeplabv3_resnet101

from pixelwise.core.errors import InvalidSpec
from pixelwise.data import Voc2012
from pixelwise.experiment import Experiment
from pixelwise.inference.predictor import Predictor
from pixelwise.models import DeeplabV3, Segmenter

SIZES = [(32, 32), (41, 57), (64, 96)]


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    """With the auxiliary classifier that the published weights have and we leave out."""
    torch.manual_seed(0)
    network: nn.Module = deeplabv3_resnet101(weights=None, weights_backbone=None, num_classes=21, aux_loss=True)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.normal_(layer.bias, std=0.1)
            nn.init.uniform_(layer.running_var, 0.5, 2)
            nn.init.uniform_(layer.weight, 0.5, 1)
    # As it is torchvision's classifier starts so small that all logits are alike.
    nn.init.normal_(network.get_parameter("classifier.4.weight"))
    return network.eval()


@pytest.fixture(scope="module")
def file(theirs: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("weights") / "deeplabv3.pth"
    torch.save(theirs.state_dict(), file)
    return file


def image(height: int, width: int) -> Tensor:
    return torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.mark.slow
def test_every_logit_is_torchvisions(theirs: nn.Module, file: Path) -> None:
    spec = DeeplabV3(weights=str(file), new_last=False)
    assert spec.mean is not None
    assert spec.std is not None
    network = spec.build(21)
    spec.load_pretrained(network)
    experiment = Experiment(name="tests/deeplabv3", data=Voc2012(), model=spec)
    predictor = Predictor(Segmenter(network, spec, spec.mean, spec.std), experiment)
    prepare = DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1.transforms(resize_size=None)
    for size in SIZES:
        with torch.inference_mode():
            expected = theirs(prepare(image(*size))[None])["out"][0]
        assert expected.std((1, 2)).mean() > 0.1, "the same everywhere: any network would do"
        torch.testing.assert_close(predictor.logits([image(*size)])[0], expected, rtol=1e-4, atol=1e-4)


def test_a_new_last_layer_is_all_that_differs_and_the_classes_may_be_others(theirs: nn.Module, file: Path) -> None:
    """As report ai-idd uses it: 27 classes, the rest frozen; what comes before the last layer is torchvision's."""
    spec = DeeplabV3(weights=str(file), frozen=True)
    torch.manual_seed(3)
    network = spec.build(27)
    fresh = network.get_parameter("classifier.4.weight")
    spec.load_pretrained(network)
    assert torch.equal(network.get_parameter("classifier.4.weight"), fresh)
    x = torch.randn(1, 3, 48, 40)
    head, their_head = network.get_submodule("classifier"), theirs.get_submodule("classifier")
    with torch.inference_mode():
        ours = nn.Sequential(*list(head.children())[:-1])(network.eval().get_submodule("backbone")(x)["out"])
        expected = nn.Sequential(*list(their_head.children())[:-1])(theirs.get_submodule("backbone")(x)["out"])
        torch.testing.assert_close(ours, expected)
    assert ours.any()
    assert network(x).shape == (1, 27, 48, 40)


def test_classes_that_are_not_the_weights_own_are_refused_where_the_last_layer_is_kept(file: Path) -> None:
    spec = DeeplabV3(weights=str(file), new_last=False)
    with pytest.raises(InvalidSpec, match=r"its classifier\.4\.weight does not fit"):
        spec.load_pretrained(spec.build(11))
