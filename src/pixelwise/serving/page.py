"""The page at `/`, from files beside this one: no build, no CDN, nothing that another host sends."""

from functools import partial
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

FILES = {"/": "page.html", "/page.css": "page.css", "/page.js": "page.js", "/draw.js": "draw.js"}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def routes() -> APIRouter:
    """The page and what it loads."""
    router = APIRouter(include_in_schema=False)
    for address, name in FILES.items():
        router.add_api_route(address, partial(_send, Path(__file__).with_name(name)), response_class=FileResponse)
    return router


def _send(file: Path) -> FileResponse:
    return FileResponse(file, headers=HEADERS)
