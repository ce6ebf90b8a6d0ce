"""Schemathesis sends valid and invalid requests according to the OpenAPI document."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from PIL import Image
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from pixelwise.data import Shapes
from pixelwise.inference.predictor import Segmented
from pixelwise.serving.app import build
from tests.serving.servers import serving

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/tiff": "TIFF"}


class Striped:
    """Predicts vertical stripes for every image."""

    label_space, epoch = Shapes().label_space, 1

    def segment(self, images: list[np.ndarray], confidence: bool = False) -> list[Segmented]:
        def stripes(image: np.ndarray) -> np.ndarray:
            columns = np.arange(image.shape[1], dtype=np.uint8) // 4 % self.label_space.num_classes
            return np.broadcast_to(columns, image.shape[:2]).copy()

        return [Segmented(stripes(image), None) for image in images]


@st.composite
def images(draw: st.DrawFn, kind: str) -> bytes:
    width, height = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    file = BytesIO()
    Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(file, format=kind)
    return file.getvalue()


for media_type, kind in FORMATS.items():  # the document only says that the bodies are binary
    schemathesis.openapi.media_type(media_type, images(kind))


APP = build(Striped(), "striped")
FOUND = schemathesis.openapi.from_dict(APP.openapi()).get_all_operations()
OPERATIONS = [found.ok() for found in FOUND if isinstance(found, Ok)]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    yield from serving(APP)


def test_the_document_names_every_operation() -> None:
    assert {operation.path for operation in OPERATIONS} == {
        "/v1/segment", "/v1/model", "/v1/examples/{number}", "/healthz", "/metrics",
    }  # fmt: skip


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.path)
def test_every_response_is_documented(operation: Any, address: str) -> None:
    @given(case=operation.as_strategy())
    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    def ask(case: Any) -> None:
        # Octet streams are random bytes here and are rejected: the check that they are accepted is left out.
        case.call_and_validate(base_url=address, excluded_checks=[positive_data_acceptance])

    ask()
