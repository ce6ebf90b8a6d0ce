"""MkDocs hook: files of the repository that pages link to, such as records and sources, become part of the site.

Pages link to them by their path in the repository (`../records/runs/NAME/README.md`), so that the links also work where
the Markdown files are read. On the site they are below `repository/`.
"""

import os.path
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

FOLDER = "repository/"
"""Folder of the site for files outside `docs/`."""
DOCS = "docs/"
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds the linked files, and those that the added pages link to."""
    root = Path(config.docs_dir).parent
    waiting = [DOCS + file.src_uri for file in files.documentation_pages()]
    added = set()
    while waiting:
        for target in _links(root, waiting.pop()):
            if target in added or target.startswith(DOCS) or not (root / target).is_file():
                continue  # mkdocs reports a link to a missing file
            added.add(target)
            source, level = str(root / target), InclusionLevel.NOT_IN_NAV
            files.append(File.generated(config, FOLDER + target, abs_src_path=source, inclusion=level))
            if target.endswith(".md"):
                waiting.append(target)
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Replaces links by their places on the site. Pages from outside `docs/` are left out of the search."""
    source = page.file.src_uri
    if source.startswith(FOLDER):
        page.meta["search"] = {"exclude": True}
    path = source.removeprefix(FOLDER) if source.startswith(FOLDER) else DOCS + source
    root = Path(page.file.abs_src_path or "").parents[path.count("/")]

    def on_site(link: re.Match[str]) -> str:
        target = _target(root, path, link[1])
        place = target.removeprefix(DOCS) if target.startswith(DOCS) else FOLDER + target
        return os.path.relpath(place, os.path.dirname(source) or ".")  # noqa: PTH120  # paths of the site

    return LINK.sub(on_site, markdown)


def _links(root: Path, page: str) -> Iterator[str]:
    for link in LINK.finditer((root / page).read_text(encoding="utf-8")):
        yield _target(root, page, link[1])


def _target(root: Path, page: str, link: str) -> str:
    """The path in the repository that a link of a page leads to; a folder stands for its README.md."""
    target = os.path.normpath(os.path.join(os.path.dirname(page), link)).replace(os.sep, "/")  # noqa: PTH118, PTH120
    return f"{target}/README.md" if (root / target).is_dir() else target
