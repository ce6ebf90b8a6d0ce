"""Checks that apply to every HTML page."""

import re
from pathlib import Path


def self_contained(page: Path) -> str:
    """Text of a page, after a check that the page loads nothing."""
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    assert "http" not in re.sub(r"data:[^\"]*", "", text)
    return text
