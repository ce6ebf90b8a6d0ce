"""Web page at `/`: static files of this package, without a build step and without requests to other hosts."""

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
    """Routes of the page and its files."""
    router = APIRouter(include_in_schema=False)
    for address, name in FILES.items():
        router.add_api_route(address, partial(_send, Path(__file__).with_name(name)), response_class=FileResponse)
    return router


def _send(file: Path) -> FileResponse:
    return FileResponse(file, headers=HEADERS)
