from __future__ import annotations

import re
from pathlib import Path

import brotli
import gradio
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from kie_ui.ui.asgi.gradio_assets import Needed, build_gradio_asset_routes, needed_files
from kie_ui.ui.asgi.page_html import GRADIO_ENTRY, HEAD_END

FORM = frozenset({"html", "textbox", "image", "tabs", "tabitem"})


@pytest.fixture(scope="module")
def needed() -> Needed:
    """List what a page with a form needs."""
    return needed_files(FORM)


@pytest.fixture(scope="module")
def client(needed: Needed) -> TestClient:
    """Serve Gradio's files."""
    return TestClient(Starlette(routes=build_gradio_asset_routes(needed)))


def test_what_a_page_needs_is_found_in_gradios_own_lists(needed: Needed) -> None:
    """A new Gradio that writes its lists in another way is to be noticed here."""
    begins = {name.partition("-")[0] for name in needed.scripts}
    assert {"index", "Index", "Blocks", "core", "HTML", "ImagePreview"} <= begins
    assert len(needed.scripts) > 20
    assert len(needed.styles) > 15


def test_each_type_of_component_adds_its_own_files_only(needed: Needed) -> None:
    """What no component of the page uses is not fetched."""
    fewer = needed_files(FORM - {"image"})
    assert set(fewer.scripts) < set(needed.scripts)
    assert set(fewer.styles) < set(needed.styles)
    assert needed_files(frozenset({"no-such-type"})) == needed_files(frozenset())


def test_every_file_that_is_named_can_be_had_for_ever(needed: Needed, client: TestClient) -> None:
    """A second visit then asks for none of them."""
    addresses = re.findall(r'href="([^"]+)"', needed.script_tags() + needed.style_tags())
    for address in (*addresses, needed.styles_address):
        answer = client.get(f"/{address.removeprefix('./')}", headers={"Accept-Encoding": "br"})
        assert answer.status_code == 200
        assert answer.headers["content-encoding"] == "br"
        assert "immutable" in answer.headers["cache-control"]


def test_a_joined_sheet_takes_the_place_of_all_others(needed: Needed) -> None:
    """Gradio adds no sheet whose tag it finds; one that is disabled is not fetched."""
    tags = needed.style_tags().splitlines()
    assert tags[0] == f'<link rel="stylesheet" href="{needed.styles_address}">'
    assert all("disabled" in tag for tag in tags[1:])
    assert len(tags) == 1 + len(needed.styles)


def test_a_file_is_sent_as_gradio_wrote_it(needed: Needed, client: TestClient) -> None:
    """Compression changes the way only."""
    path = f"/assets/{needed.scripts[0]}"
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    with client.stream("GET", path, headers={"Accept-Encoding": "br"}) as sent:
        assert brotli.decompress(b"".join(sent.iter_raw())) == plain.content
    for name in ("no-such", 400 * "a", "a%00b"):
        assert client.get(f"/assets/{name}.js").status_code == 404


def test_where_gradio_has_no_lists_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the page loads as Gradio made it."""
    monkeypatch.setattr("kie_ui.ui.asgi.gradio_assets._read", lambda _path: "")
    assert needed_files.__wrapped__(FORM) == Needed()
    assert Needed().script_tags() == Needed().style_tags() == ""


def test_gradios_page_has_the_places_that_are_filled() -> None:
    """Its HTML names one module, and ends its head once."""
    html = (Path(gradio.__file__).parent / "templates/frontend/index.html").read_text("utf-8")
    assert html.encode().count(GRADIO_ENTRY) == html.encode().count(HEAD_END) == 1
