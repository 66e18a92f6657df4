from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from kie_ui.catalog.parameters import MediaParameter
from kie_ui.catalog.values import FileRef, UrlRef
from kie_ui.ui.form.components import UPLOAD_META, MediaList, build_media_list, media_about
from tests.ui.specs import AUDIO, PICTURES, VIDEO

ADDRESS = "https://a.test/b.png"


@pytest.fixture
async def widget() -> MediaList:
    """Build a list. Outside a running loop Gradio would leave one open behind it."""
    with gr.Blocks(analytics_enabled=False):
        return build_media_list(PICTURES)


def file_at(path: object) -> dict[str, Any]:
    """Name a file as Gradio does."""
    return {"path": str(path), "orig_name": "mine.png", "size": 3, "meta": UPLOAD_META}


def test_files_and_addresses_come_out_in_their_order(widget: MediaList, uploaded: Path) -> None:
    """As what a run is made from."""
    given = [{"path": ADDRESS, "meta": UPLOAD_META}, file_at(uploaded)]
    read = widget.preprocess(given)
    assert read == [UrlRef(url=ADDRESS), FileRef(path=str(uploaded), name="mine.png")]


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"typed": "no address"}, "no address"),
        ({"typed": "gone.png", "is_gone": True}, "gone.png"),
        (file_at("/etc/passwd"), "mine.png"),
        ({"path": "/etc/passwd"}, "?"),
        (7, "?"),
    ],
)
def test_what_stands_for_no_file_is_left_for_the_check(
    widget: MediaList, item: object, said: str
) -> None:
    """It is reported with every other problem, and no file of the server is ever named."""
    assert widget.preprocess([item]) == [said]


@pytest.mark.parametrize("payload", [None, "a", {"path": ADDRESS}])
def test_anything_but_a_list_is_no_file(widget: MediaList, payload: object) -> None:
    """Whatever a caller sends."""
    assert widget.preprocess(payload) == []
    assert widget.postprocess(payload) == []


async def test_an_address_is_never_fetched(widget: MediaList) -> None:
    """The stock component would."""
    assert await widget.async_move_resource_to_block_cache(ADDRESS) == ADDRESS


@pytest.mark.parametrize(
    ("parameter", "is_list", "most"), [(PICTURES, True, 3), (VIDEO, False, 1), (AUDIO, True, None)]
)
def test_the_script_is_told_how_many_there_may_be(
    parameter: MediaParameter, *, is_list: bool, most: int | None
) -> None:
    """One where the wire wants one, and no end where none is documented."""
    shown = media_about(parameter)
    assert (shown["is_list"], shown["most"]) == (is_list, most)
    assert shown["accepts"] == list(parameter.accepts)
