"""Our scripts, styles and thumbnails, with a hash of their content in the address, kept for ever.

They are ES modules and style sheets in `assets/`, sent as two scripts and one sheet. The HTML of
the page names them; Gradio reaches the scripts by one function, `window.kieUi`.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kie_ui.settings import ASSETS
from kie_ui.ui.asgi.gradio_assets import TYPES, missing_file, send_for_ever
from kie_ui.ui.bundle import join_modules

PREFIX = "kie-ui/assets"
SCRIPT, LATER, STYLES = "page.js", "later.js", "page.css"
"""Our modules that are needed at once, those that are loaded on demand, and all our styles."""

_TYPES = {**TYPES, ".webp": "image/webp"}
_FONTS = tuple(
    f"static/fonts/IBMPlexSans/IBMPlexSans-{weight}.woff2" for weight in ("Regular", "Bold")
)
"""Preloaded because text moves when its font comes late, and Gradio measures its tabs once."""
_HOOK = 'window.kieUi = (name, ...given) => import("./%s").then((main) => main.call(name, given));'


@cache
def _contents() -> dict[str, bytes]:
    """Return every file that a page may request, by its path below the address of all."""
    pictures = sorted((ASSETS / "samples").rglob("*.webp"))
    sources = {path.name: path.read_text("utf-8") for path in sorted(ASSETS.glob("js/*.js"))}
    styles = [path.read_bytes() for path in sorted(ASSETS.glob("css/*.css"))]
    script, later = join_modules(sources)
    return {
        SCRIPT: script.encode(),
        LATER: later.encode(),
        STYLES: b"\n".join(styles),
        **{path.relative_to(ASSETS).as_posix(): path.read_bytes() for path in pictures},
    }


@cache
def content_hash() -> str:
    """Return a hash of all files, which change address together."""
    digest = hashlib.sha256()
    for path, content in _contents().items():
        digest.update(path.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()[:16]


def address(path: str) -> str:
    """Return the address of a file, relative to the page, so that it works under any root path."""
    return f"{PREFIX}/{content_hash()}/{path}"


def head() -> str:
    """Return what the page's `<head>` needs: the styles, the script, and the function above."""
    script = address(SCRIPT)
    return "\n".join(
        (
            '<meta name="referrer" content="same-origin">',
            f'<link rel="stylesheet" href="{address(STYLES)}">',
            *(
                f'<link rel="preload" as="font" type="font/woff2" crossorigin href="{font}">'
                for font in _FONTS
            ),
            f"<script>{_HOOK % script}</script>",
            f'<script type="module" src="{script}"></script>',
        )
    )


async def send_asset(request: Request) -> Response:
    """Send a file; one of another version is not here any more."""
    path: str = request.path_params["path"]
    content = _contents().get(path)
    if content is None or request.path_params["hash"] != content_hash():
        return missing_file()
    return await send_for_ever(request, content, _TYPES[Path(path).suffix])


def build_asset_route() -> Route:
    """Build the route of all these files."""
    return Route(f"/{PREFIX}/{{hash}}/{{path:path}}", send_asset)
