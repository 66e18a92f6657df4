"""Fails first when a new Gradio changes what `kie_ui/ui/asgi` relies on without a promise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import gradio as gr
import pytest
from gradio.routes import App

from kie_ui.ui.asgi.gradio_isolation import PREFIX
from kie_ui.ui.asgi.uploads import content_folder, copy_to_cache, folder_of, upload_folder

GUARDED = {
    "/api/{api_name}",
    "/call/{api_name}",
    "/call/{api_name}/{event_id}",
    "/call/v2/{api_name}",
    "/call/v2/{api_name}/{event_id}",
    "/cancel",
    "/file/{path:path}",
    "/file={path_or_url:path}",
    "/heartbeat/{session_hash}",
    "/queue/data",
    "/queue/join",
    "/run/{api_name}",
    "/upload",
    "/upload_progress",
}
OPEN = {
    "/app_id",
    "/info",
    "/login_check",
    "/openapi.json",
    "/queue/status",
    "/reset",
    "/startup-events",
    "/theme.css",
    "/user",
}


@pytest.fixture
async def page() -> gr.Blocks:
    """Give a page with a picture and an event."""
    page: gr.Blocks
    with gr.Blocks(analytics_enabled=False) as page:
        picture = gr.Image()
        picture.change(lambda given: given, picture, picture, api_name="change")
    return page


@pytest.fixture
async def app(page: gr.Blocks) -> App:
    """Give its server."""
    return App.create_app(page)


def paths_of(routes: Iterable[Any]) -> Iterator[str]:
    """List the paths of routes, and of the routers among them."""
    for route in routes:
        if (router := getattr(route, "original_router", None)) is not None:
            yield from paths_of(router.routes)
        else:
            yield route.path


async def test_the_routes_that_are_guarded_have_their_names(app: App) -> None:
    """All others are closed, so a renamed one would merely stop working."""
    paths = {path.removeprefix(PREFIX) for path in paths_of(app.routes)}
    assert paths >= GUARDED | OPEN


async def test_the_private_parts_that_are_read_are_there(app: App, page: gr.Blocks) -> None:
    """The queue's sessions and their events, and the tokens of the login."""
    queue: Any = page._queue
    assert app.get_blocks() is page
    assert "a session" not in queue.pending_messages_per_session
    assert queue.pending_event_ids_session == {}
    assert [event.api_name for event in page.fns.values()] == ["change"]
    assert (app.tokens, bool(app.cookie_id)) == ({}, True)


async def test_a_page_knows_the_copies_of_the_files_that_it_shows(page: gr.Blocks) -> None:
    """They are everyone's, and never cleaned up."""
    pictures: list[Any] = [each for each in page.blocks.values() if isinstance(each, gr.Image)]
    assert [picture.keep_in_cache for picture in pictures] == [set()]


async def test_a_file_lies_in_a_folder_named_after_its_content(uploaded: Any) -> None:
    """So that our samples are known before anyone uploads them."""
    copy = copy_to_cache(uploaded)
    assert copy.startswith(str(upload_folder()))
    assert folder_of(copy) == content_folder(uploaded)
