"""Our scripts, styles and thumbnails, with a hash of their content in the address, kept for ever.

They are ES modules and style sheets in `assets/`, sent as they are written. The HTML of the page
names them; Gradio's components and events reach the scripts by one function, `window.kieUi`.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from functools import cache
from pathlib import Path

import brotli
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kie_ui.settings import ASSETS

PREFIX = "kie-ui/assets"
ENTRY = "js/main.js"
"""The module that imports all others; what is opened later, such as the History, on demand."""

_TYPES = {".js": "text/javascript", ".css": "text/css", ".webp": "image/webp"}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
_FONT = "static/fonts/IBMPlexSans/IBMPlexSans-Regular.woff2"
"""Preloaded because Gradio measures its tabs once: in a wider fallback font fewer would fit."""
_HOOK = 'window.kieUi = (name, ...given) => import("./%s").then((main) => main.call(name, given));'
_IMPORT = re.compile(r'^(?:import|\} from)\b[^;]*?"\./([\w/]+\.js)";', re.MULTILINE)


@cache
def _contents() -> dict[str, bytes]:
    """Read every file that a page may request, by its path below `assets/`."""
    files = sorted(f for f in ASSETS.rglob("*") if f.suffix in _TYPES)
    return {file.relative_to(ASSETS).as_posix(): file.read_bytes() for file in files}


@cache
def content_hash() -> str:
    """Return a hash of all files: modules import each other, so they change address together."""
    digest = hashlib.sha256()
    for path, content in _contents().items():
        digest.update(path.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()[:16]


@cache
def _compressed(path: str) -> bytes:
    compressed: bytes = brotli.compress(_contents()[path], quality=9)
    return compressed


def address(path: str) -> str:
    """Return the address of a file, relative to the page, so that it works under any root path."""
    return f"{PREFIX}/{content_hash()}/{path}"


def head() -> str:
    """Return what the page's `<head>` needs: the styles, the scripts, and the function above."""
    entry = address(ENTRY)
    early = [f'<link rel="modulepreload" href="{address(path)}">' for path in _needed_at_once()]
    styles = [path for path in _contents() if path.endswith(".css")]
    return "\n".join(
        (
            '<meta name="referrer" content="same-origin">',
            f'<link rel="preload" as="font" type="font/woff2" crossorigin href="{_FONT}">',
            *(f'<link rel="stylesheet" href="{address(path)}">' for path in styles),
            *early,
            f"<script>{_HOOK % entry}</script>",
            f'<script type="module" src="{entry}"></script>',
        )
    )


@cache
def _needed_at_once() -> tuple[str, ...]:
    """List the entry and all that it imports, directly or not, for the browser to fetch at once."""
    found = [ENTRY]
    for path in found:
        text = _contents()[path].decode()
        folder = path.rpartition("/")[0]
        names = (f"{folder}/{name}" for name in _IMPORT.findall(text))
        found.extend(dict.fromkeys(name for name in names if name not in found))
    return tuple(found)


async def send_asset(request: Request) -> Response:
    """Send a file; one of another version is not here any more."""
    path: str = request.path_params["path"]
    content = _contents().get(path)
    if content is None or request.path_params["hash"] != content_hash():
        return PlainTextResponse("There is no such file.", 404, {"Cache-Control": "no-store"})
    headers, media_type = dict(_FOR_EVER), _TYPES[Path(path).suffix]
    is_text = media_type.startswith("text/")
    if is_text and "br" in request.headers.get("accept-encoding", ""):
        content = await asyncio.to_thread(_compressed, path)
        headers["Content-Encoding"] = "br"
    return Response(content, media_type=media_type, headers=headers)


def build_asset_route() -> Route:
    """Build the route of all these files."""
    return Route(f"/{PREFIX}/{{hash}}/{{path:path}}", send_asset)
