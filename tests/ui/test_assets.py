from __future__ import annotations

import re
from pathlib import Path

import brotli
from starlette.applications import Starlette
from starlette.testclient import TestClient

import kie_ui
from kie_ui.settings import ASSETS
from kie_ui.ui.assets import LATER, SCRIPT, STYLES, address, build_asset_route, content_hash, head


def _client() -> TestClient:
    return TestClient(Starlette(routes=[build_asset_route()]))


def test_a_file_is_sent_compressed_and_cached_for_ever() -> None:
    """Its address changes with its content, so nobody has to ask whether it is still the same."""
    with _client().stream("GET", f"/{address(SCRIPT)}", headers={"Accept-Encoding": "br"}) as sent:
        script = brotli.decompress(b"".join(sent.iter_raw())).decode()
    later = _client().get(f"/{address(LATER)}").text
    names = [path.name for path in (ASSETS / "js").glob("*.js")]
    assert all((script + later).count(f'"{name}": () => {{') == 1 for name in names)
    assert sent.headers["content-encoding"] == "br"
    assert sent.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert sent.headers["content-type"].startswith("text/javascript")


def test_who_takes_no_compression_gets_the_file_as_it_is() -> None:
    """Programs need not know Brotli."""
    sent = _client().get(f"/{address(STYLES)}", headers={"Accept-Encoding": "identity"})
    assert (ASSETS / "css/page.css").read_bytes() in sent.content
    assert "content-encoding" not in sent.headers


def test_a_file_of_another_version_is_not_sent() -> None:
    """A page fits its own scripts only; and nothing else of `assets/` is sent."""
    client = _client()
    assert client.get(f"/kie-ui/assets/0000/{SCRIPT}").status_code == 404
    assert client.get(f"/kie-ui/assets/{content_hash()}/favicon.png").status_code == 404


def test_the_head_names_one_script_and_one_sheet() -> None:
    """A browser asks for six files at a time, so every further one would have to wait."""
    named = re.findall(r'(?:href|src)="(kie-ui/[^"]+)"', head())
    assert named == [address(STYLES), address(SCRIPT)]


def test_python_names_the_functions_that_the_entry_lists_and_no_others() -> None:
    """A name that only one side knows is a dead button, or a script that nobody uses."""
    sources = "\n".join(
        path.read_text("utf-8") for path in Path(kie_ui.__file__).parent.rglob("*.py")
    )
    named = set(re.findall(r"window\.kieUi\('(\w+)'", sources))
    mounted = set(re.findall(r'"(mount\w+)"', sources))
    entry = (ASSETS / "js/main.js").read_text("utf-8")
    listed = re.search(r"\bhooks = \{\n(.*?)^\}", entry, re.MULTILINE | re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"^  (\w+)[,:(]", listed[1], re.MULTILINE)) == named | mounted
