"""Gradio's built scripts and styles: which of them a page needs, and keeping them for ever.

Gradio's page finds them one after the other: its entry names the next scripts, those the page,
that one the scripts and styles of each type of component. Named in the HTML they come at once.
What they need is read from the lists that Gradio's build tool (Vite) wrote into them; where a
later Gradio has none, nothing is named early and the page loads as Gradio made it.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import brotli
import gradio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
"""For files that have a hash of their content in their address."""
TYPES = {".js": "text/javascript", ".css": "text/css"}

_BUILT = Path(gradio.__file__).parent / "templates/frontend/assets"
_ENTRY = re.compile(r'src="\./assets/(index-[\w-]+\.js)"')
_LIST = re.compile(r"m\.f=\[([^\]]*)\]")
_NEEDS = re.compile(r"__vite__mapDeps\(\[([\d,]*)\]\)")
_NEXT = re.compile(r"\./((?:Index|core|Blocks)-[\w-]+\.js)")


@dataclass(frozen=True)
class Needed:
    """The names of the files that a page needs, in the order in which they are found."""

    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()

    @cached_property
    def joined_styles(self) -> bytes:
        """All the styles as one sheet."""
        return b"\n".join((_BUILT / name).read_bytes() for name in self.styles)

    @cached_property
    def styles_address(self) -> str:
        """Where the sheet is, relative to the page."""
        digest = hashlib.sha256(self.joined_styles).hexdigest()[:16]
        return f"assets/{digest}.css"

    def script_tags(self) -> str:
        """Have the browser fetch the scripts before they are found."""
        return "\n".join(
            f'<link rel="modulepreload" crossorigin href="./assets/{name}">'
            for name in self.scripts
        )

    def style_tags(self) -> str:
        """Name the sheet, and each of its styles so that Gradio finds it there and adds none.

        A browser does not fetch a sheet that is disabled.
        """
        if not self.styles:
            return ""
        tags = (f'<link rel="stylesheet" disabled href="./assets/{name}">' for name in self.styles)
        return "\n".join((f'<link rel="stylesheet" href="{self.styles_address}">', *tags))


@cache
def needed_files(types: frozenset[str]) -> Needed:
    """List what a page with these types of components needs, and its HTML does not name."""
    found = dict.fromkeys(_find_files(types))
    files = [name for name in found if (_BUILT / name).is_file()]
    return Needed(
        tuple(name for name in files if name.endswith(".js")),
        tuple(name for name in files if name.endswith(".css") and not name.startswith("index-")),
    )


def _find_files(types: Iterable[str]) -> Iterator[str]:
    entry = _ENTRY.search(_read(_BUILT.parent / "index.html"))
    if entry is None:
        return
    yield entry[1]
    script = _read(_BUILT / entry[1])
    yield from _listed(script)
    parts = {name.partition("-")[0]: _read(_BUILT / name) for name in _NEXT.findall(script)}
    shell, components = parts.get("Index", ""), parts.get("core", "")
    yield from _needs_after(shell, r"import\(`\./Blocks-")
    drawn = {"state" if name == "api" else name for name in types}  # as Gradio draws it
    for name in sorted(drawn):
        yield from _needs_after(components, rf"[{{,]{re.escape(name)}:\{{.*?component:")


def _needs_after(script: str, pattern: str) -> list[str]:
    """Return what the first import after a pattern needs."""
    start = re.search(pattern, script)
    needs = _NEEDS.search(script, start.end()) if start else None
    listed = dict(enumerate(_listed(script)))
    numbers = map(int, filter(None, needs[1].split(","))) if needs else ()
    return [listed[number] for number in numbers if number in listed]


def _listed(script: str) -> list[str]:
    """Return the list of files that a script refers to by number."""
    found = _LIST.search(script)
    return [name.strip('"').removeprefix("./") for name in found[1].split(",")] if found else []


def _read(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""


@cache
def _compress(content: bytes) -> bytes:
    compressed: bytes = brotli.compress(content, quality=9)
    return compressed


async def send_for_ever(request: Request, content: bytes, media_type: str) -> Response:
    """Send a file that has a hash of its content in its address; text is compressed once."""
    headers = dict(_FOR_EVER)
    if media_type.startswith("text/") and "br" in request.headers.get("accept-encoding", ""):
        content = await asyncio.to_thread(_compress, content)
        headers["Content-Encoding"] = "br"
    return Response(content, media_type=media_type, headers=headers)


async def send_gradio_asset(request: Request) -> Response:
    """Send a script or style of Gradio's as Gradio does, but compressed once and kept for ever."""
    path = _BUILT / Path(request.url.path).name
    try:
        content = await asyncio.to_thread(path.read_bytes)
    except (OSError, ValueError):  # there is none, or no file can be called so
        return missing_file()
    return await send_for_ever(request, content, TYPES[path.suffix])


def missing_file() -> Response:
    """Say that there is no such file, perhaps not any more."""
    return PlainTextResponse("There is no such file.", 404, {"Cache-Control": "no-store"})


def build_gradio_asset_routes(needed: Needed) -> list[Route]:
    """Build the routes that come before Gradio's own; fonts and pictures are left to that."""

    async def send_styles(request: Request) -> Response:
        return await send_for_ever(request, needed.joined_styles, TYPES[".css"])

    files = [Route(f"/assets/{{name}}{suffix}", send_gradio_asset) for suffix in TYPES]
    return [Route(f"/{needed.styles_address}", send_styles), *files]
