"""Drives the page's own parts without a browser: its events, its routes and its stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.components import Component
from gradio.state_holder import SessionState
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.spec import ModelSpec
from kie_ui.settings import Settings
from kie_ui.ui.app import build_routes
from kie_ui.ui.asgi.browser_security import SameOriginMiddleware
from kie_ui.ui.asgi.identity import IdentityMiddleware
from kie_ui.ui.services import Services
from kie_ui.ui.tabs.generate import HAS_PRESSED, ModelTab, build_model_tab

GROK = built_in_registry().spec("grok-imagine/image-to-video")
V1_LITE = built_in_registry().spec("bytedance/v1-lite-image-to-video")
SPECS = (GROK, V1_LITE)
JSON = {"Content-Type": "application/json"}
HOSTILE = '<img src=x onerror="alert(1)"> & “quotes”'

MakeServices = Callable[..., Services]


def make_settings(**fields: Any) -> Settings:
    """Make settings that no `.env` has a say in."""
    return Settings(_env_file=None, **fields)


def request_of(owner: str) -> gr.Request:
    """Make the request of an event, as it comes through the middleware."""
    scope = {"type": "http", "headers": [], "state": {"owner": owner}}
    return gr.Request(Request(scope))


def event(page: gr.Blocks, name: str) -> BlockFunction:
    """Find an event of the page by the name of its handler."""
    (found,) = [fn for fn in page.fns.values() if fn.name == name]
    return found


async def call(
    page: gr.Blocks, name: str, given: list[Any], owner: str, session: SessionState | None = None
) -> dict[Component, Any]:
    """Run an event as Gradio does for a page, and tell what each output got."""
    found = event(page, name)
    state = session or SessionState(page)
    done = await page.process_api(found, given, state=state, request=request_of(owner))
    return dict(zip(found.outputs, done["data"], strict=True))  # type: ignore[arg-type]


@dataclass
class DrivenTab:
    """A model's tab in the hands of one visitor."""

    spec: ModelSpec
    services: Services
    owner: str = "ada"

    def __post_init__(self) -> None:
        with gr.Blocks(analytics_enabled=False) as self.page:
            self.tab: ModelTab = build_model_tab(self.spec, self.services)
        self.page.has_launched = True  # only then does Gradio check where files come from
        self.session = SessionState(self.page)
        self.seen: dict[Component, Any] = {}
        self.has_pressed = False

    async def press(self, **typed: Any) -> None:
        """Press Generate, with some widgets filled in differently from the start."""
        self.seen = await self._run("press", typed)

    async def follow(self, **typed: Any) -> None:
        """Change something in the form."""
        self.seen = await self._run("update", typed)

    def note(self, name: str) -> str:
        """Return the message at a field."""
        return str(self.seen[self.tab.form.fields[name].note])

    def counter(self, name: str) -> str:
        """Return the counter under a text."""
        counter = self.tab.form.fields[name].counter
        assert counter is not None
        return str(self.seen[counter])

    @property
    def price(self) -> str:
        return str(self.seen[self.tab.price])

    @property
    def body(self) -> dict[str, Any]:
        """The request in the JSON view."""
        shown: dict[str, Any] = json.loads(self.seen[self.tab.as_json])
        return shown

    async def _run(self, name: str, typed: dict[str, Any]) -> dict[Component, Any]:
        inputs = self.tab.inputs
        unknown = typed.keys() - inputs.keys()
        assert not unknown, f"no such widgets: {unknown}"
        given = [
            self._said(widget) if key == HAS_PRESSED else typed.get(key, widget.value)
            for key, widget in inputs.items()
        ]
        return {**self.seen, **await call(self.page, name, given, self.owner, self.session)}

    def _said(self, widget: Any) -> Any:
        """Return what a widget holds by now."""
        return self.seen.get(widget, widget.value)


def make_site(services: Services, *, has_many: bool = True) -> Starlette:
    """Put our own routes behind the visitor middleware, as the page's server does."""
    middleware = [
        Middleware(SameOriginMiddleware),
        Middleware(IdentityMiddleware, has_many=has_many),
    ]
    return Starlette(routes=build_routes(services), middleware=middleware)


@dataclass
class Stream:
    """What a page hears."""

    status: int
    headers: dict[str, str]
    chunks: asyncio.Queue[bytes]
    unread: list[str] = field(default_factory=list)
    has_ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def next_block(self) -> str:
        """Wait for the next part of the stream: an event, a comment, or a setting."""
        while not self.unread:
            async with asyncio.timeout(10):
                chunk = await self.chunks.get()
            self.unread += chunk.decode().rstrip("\n").split("\n\n")
        return self.unread.pop(0)

    async def next_event(self) -> tuple[str, dict[str, Any]]:
        """Wait for the next event."""
        while not (block := await self.next_block()).startswith("event: "):
            pass
        name, _, data = block.partition("\n")
        shown: dict[str, Any] = json.loads(data.removeprefix("data: "))
        return name.removeprefix("event: "), shown

    async def events_until(self, last: str) -> list[tuple[str, dict[str, Any]]]:
        """Collect messages up to and including the first of a name."""
        heard = [await self.next_event()]
        while heard[-1][0] != last:
            heard.append(await self.next_event())
        return heard


async def serve(site: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one request."""
    await site(scope, receive, send)


@asynccontextmanager
async def opened_stream(site: ASGIApp, cookie: str = "") -> AsyncIterator[Stream]:
    """Open the page's stream, and go away at the end of the block.

    httpx's own transport for apps waits for the end of a body, which this one does not have.
    """
    left, begun = asyncio.Event(), asyncio.Event()
    stream = Stream(0, {}, asyncio.Queue())

    async def receive() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            stream.status = message["status"]
            stream.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            begun.set()
        elif message.get("body"):
            await stream.chunks.put(message["body"])
        elif not message.get("more_body"):
            stream.has_ended.set()

    headers = [(b"cookie", cookie.encode())] if cookie else []
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/kie-ui/stream",
        "query_string": b"",
        "headers": headers,
    }
    serving: asyncio.Task[None] = asyncio.create_task(serve(site, scope, receive, send))
    try:
        async with asyncio.timeout(10):
            await begun.wait()
        yield stream
    finally:
        left.set()
        async with asyncio.timeout(10):
            await serving
