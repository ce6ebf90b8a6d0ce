"""The page in Chromium, served by a running server."""

import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from pixelwise.data import Shapes
from pixelwise.inference.predictor import Segmented
from pixelwise.serving.app import build
from tests.serving.servers import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

sync_api = pytest.importorskip("playwright.sync_api", reason="the page's tests need playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the page's tests need Chromium (apt install chromium)")
SIZE = (120, 80)


class Halves:
    """Predicts class 1 on the left and class 2 on the right, with low confidence in the middle."""

    label_space, epoch = Shapes().label_space, 3

    def segment(self, images: list[np.ndarray], confidence: bool = False) -> list[Segmented]:
        return [self._halves(image, confidence) for image in images]

    def _halves(self, image: np.ndarray, confidence: bool) -> Segmented:
        height, width = image.shape[:2]
        columns = np.broadcast_to(np.arange(width), (height, width))
        sure = (255 * np.abs(2 * columns / width - 1)).astype(np.uint8)
        return Segmented(np.where(columns < width // 2, 1, 2).astype(np.uint8), sure if confidence else None)


def picture(kind: str = "PNG", shade: int = 200) -> bytes:
    file = BytesIO()
    Image.new("RGB", SIZE, (shade, shade, shade)).save(file, format=kind)
    return file.getvalue()


EXAMPLES = [picture("JPEG")] * 6


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    yield from serving(build(Halves(), "tests/halves", examples=EXAMPLES))


@pytest.fixture(scope="module")
def with_token() -> Iterator[str]:
    yield from serving(build(Halves(), "tests/halves", token="secret", examples=EXAMPLES))


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    found = browser.new_page()
    wrong: list[str] = []
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on("requestfailed", lambda request: wrong.append(request.url))
    yield found
    found.close()
    assert not wrong


def give(page: "Page", file: Path) -> None:
    page.set_input_files("#file", file)


def color_at(page: "Page", x: int, y: int) -> tuple[int, int, int]:
    script = f"[...document.querySelector('#canvas').getContext('2d').getImageData({x}, {y}, 1, 1).data]"
    red, green, blue, _ = page.evaluate(script)
    return red, green, blue


def mixed(class_id: int, share: float, shade: int = 200) -> tuple[float, ...]:
    return tuple(share * part + (1 - share) * shade for part in Halves.label_space.colors[class_id])


@pytest.fixture
def image() -> Path:
    file = Path("garden.png")
    file.write_bytes(picture())
    return file


def test_the_classes_of_an_image_are_drawn_over_it(page: "Page", address: str, image: Path) -> None:
    page.goto(address)
    give(page, image)
    page.wait_for_selector("#result:not([hidden])")
    assert page.title() == "tests/halves · pixelwise"
    assert "garden.png, 120×80" in page.inner_text("#caption")
    assert color_at(page, 10, 40) == pytest.approx(mixed(1, 0.6), abs=1.5)
    assert color_at(page, 110, 40) == pytest.approx(mixed(2, 0.6), abs=1.5)
    rows = page.locator("#classes li").all_inner_texts()
    assert len(rows) == Halves.label_space.num_classes
    assert all("50.0 %" in row for row in rows[:2])


def test_opacity_view_and_the_before_after_slider_change_what_is_drawn(page: "Page", address: str, image: Path) -> None:
    page.goto(address)
    give(page, image)
    page.wait_for_selector("#result:not([hidden])")
    page.focus("#opacity")
    page.keyboard.press("End")  # by the keyboard alone
    assert color_at(page, 10, 40) == pytest.approx(mixed(1, 1), abs=1.5)
    page.evaluate("document.querySelector('#split').value = 50; draw()")
    assert color_at(page, 10, 40) == (200, 200, 200)
    assert color_at(page, 110, 40) == pytest.approx(mixed(2, 1), abs=1.5)
    page.get_by_text("Confidence").click()
    assert page.is_visible("#scale")
    page.evaluate("document.querySelector('#split').value = 0; draw()")
    assert color_at(page, 1, 40) == pytest.approx((253, 231, 37), abs=12)  # high confidence
    assert color_at(page, 60, 40) == pytest.approx((68, 1, 84), abs=12)  # low confidence


def test_before_and_after_is_drawn_over_the_image(page: "Page", address: str, image: Path) -> None:
    page.goto(address)
    give(page, image)
    page.wait_for_selector("#result:not([hidden])")
    box = page.locator("#canvas").bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 5, middle[1])
    page.mouse.up()
    page.mouse.move(0, 0)
    assert color_at(page, 10, 40) == (200, 200, 200)
    assert color_at(page, 110, 40) == pytest.approx(mixed(2, 0.6), abs=1.5)


GIVEN = """(bytes) => {
  const files = new DataTransfer();
  files.items.add(new File([Uint8Array.from(bytes)], "given.png", { type: "image/png" }));
  return files;
}"""


@pytest.mark.parametrize("how", ["paste", "drop"])
def test_an_image_can_be_pasted_and_dropped(page: "Page", address: str, how: str) -> None:
    page.goto(address)
    files = page.evaluate_handle(GIVEN, list(picture()))
    kind, name = {"paste": ("ClipboardEvent", "clipboardData"), "drop": ("DragEvent", "dataTransfer")}[how]
    page.evaluate(f"(files) => document.dispatchEvent(new {kind}('{how}', {{ {name}: files }}))", files)
    page.wait_for_selector("#result:not([hidden])")
    assert "given.png, 120×80" in page.inner_text("#caption")


def test_a_class_can_be_hidden_and_is_highlighted_under_the_pointer(page: "Page", address: str, image: Path) -> None:
    page.goto(address)
    give(page, image)
    page.wait_for_selector("#result:not([hidden])")
    name = Halves.label_space.names[1]
    row = page.locator("#classes label", has=page.get_by_text(name, exact=True))
    row.hover()
    assert color_at(page, 110, 40) != pytest.approx(mixed(2, 0.6), abs=1.5)
    assert color_at(page, 10, 40) == pytest.approx(mixed(1, 0.6), abs=1.5)
    row.locator("input").uncheck()
    page.mouse.move(0, 0)
    assert color_at(page, 10, 40) == (200, 200, 200)
    page.get_by_text("Show all").click()
    assert color_at(page, 10, 40) == pytest.approx(mixed(1, 0.6), abs=1.5)
    wide = page.evaluate("document.querySelector('#canvas').clientWidth")
    page.locator("#canvas").hover(position={"x": wide / 2 - 20, "y": 40})
    assert name in page.inner_text("#under")


def test_a_text_file_gets_an_error_message_and_the_page_still_works(page: "Page", address: str, image: Path) -> None:
    page.goto(address)
    Path("notes.txt").write_text("no image")
    give(page, Path("notes.txt"))
    page.wait_for_selector("#error:not([hidden])")
    assert "is not an image" in page.inner_text("#error")
    give(page, image)
    page.wait_for_selector("#result:not([hidden])")
    assert page.is_hidden("#error")


def test_an_example_can_be_opened_and_its_label_map_downloaded(page: "Page", address: str) -> None:
    page.goto(address)
    page.locator("#thumbs button").first.click()
    page.wait_for_selector("#result:not([hidden])")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Label map").click()
    labels = np.array(Image.open(waiting.value.path()))
    assert waiting.value.suggested_filename == "example 1_labels.png"
    assert labels.shape == SIZE[::-1]
    assert [int(labels[0, 0]), int(labels[0, -1])] == [Halves.label_space.raw_ids[1], Halves.label_space.raw_ids[2]]


def test_the_page_requests_the_token_and_uses_it(page: "Page", with_token: str, image: Path) -> None:
    page.goto(with_token)
    page.wait_for_selector("#token:not([hidden])")
    page.fill("#secret", "secret")
    page.keyboard.press("Enter")
    page.wait_for_selector("#thumbs button")
    give(page, image)
    page.wait_for_selector("#result:not([hidden])")


@pytest.mark.parametrize("width", [360, 800, 1400])
def test_nothing_is_wider_than_the_window(page: "Page", address: str, image: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(address)
    give(page, image)
    page.wait_for_selector("#result:not([hidden])")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
