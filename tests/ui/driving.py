"""Drives the page's own parts without a browser: its events, its routes and its stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.components import Component
from gradio.state_holder import SessionState
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kie_ui.catalog.code_samples import CodeSamples
from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.spec import ModelSpec
from kie_ui.settings import Settings
from kie_ui.ui.api.forms import check, press, write_code
from kie_ui.ui.api.requests import ApiRequest, build_route
from kie_ui.ui.api.wire import ROUTES
from kie_ui.ui.asgi.browser_security import SameOriginMiddleware
from kie_ui.ui.asgi.identity import IdentityMiddleware
from kie_ui.ui.form.builder import build_form
from kie_ui.ui.form.components import PictureInput
from kie_ui.ui.form.values import FormState
from kie_ui.ui.services import Services
from tests.ui.wire_types import checked, read_event

GROK = built_in_registry().spec("grok-imagine/image-to-video")
V1_LITE = built_in_registry().spec("bytedance/v1-lite-image-to-video")
SPECS = (GROK, V1_LITE)
JSON = {"Content-Type": "application/json"}
HOSTILE = '<img src=x onerror="alert(1)"> & “quotes”'

MakeServices = Callable[..., Services]
T = TypeVar("T")


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
class DrivenForm:
    """A model's form in the hands of one visitor, as the page's scripts drive it."""

    spec: ModelSpec
    services: Services
    owner: str = "ada"

    def __post_init__(self) -> None:
        with gr.Blocks(analytics_enabled=False):
            self.form = build_form(self.spec)
        self.plan = self.form.describe()
        self.values = {field.name: field.default for field in self.plan.fields}
        for name, widget in self.form.widgets.items():
            if isinstance(widget, PictureInput):
                self.values[name] = widget.value
        self.state: FormState = self.plan.state
        self.shows_problems = False

    async def press(self, **typed: Any) -> None:
        """Press Generate, with some widgets filled in differently from the start."""
        answer = await self.send(press, typed)
        self.shows_problems = answer.refusal is not None
        self.state = self.state.model_copy(update={"notes": answer.notes})

    async def follow(self, **typed: Any) -> None:
        """Change something in the form."""
        self.state = await self.send(check, typed, shows_problems=self.shows_problems)

    async def code(self, **typed: Any) -> CodeSamples:
        """Open the code of the request."""
        return await self.send(write_code, typed)

    async def body(self, **typed: Any) -> dict[str, Any]:
        """Return the request in the JSON view."""
        shown: dict[str, Any] = json.loads((await self.code(**typed)).json)
        return shown

    def note(self, name: str) -> str:
        """Return the message at a field."""
        return " ".join(note.text for note in self.state.notes if note.field == name)

    async def send(
        self,
        handler: Callable[[ApiRequest], Awaitable[T]],
        typed: Mapping[str, Any],
        **more: Any,
    ) -> T:
        """Send the form to one of its routes."""
        unknown = typed.keys() - self.values.keys()
        assert not unknown, f"no such fields: {unknown}"
        body = {"model": self.spec.model, "values": {**self.values, **typed}, **more}
        return await handler(ApiRequest(self.services, _json_request(self.owner, body)))


def _json_request(owner: str, body: Mapping[str, Any]) -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "headers": headers, "state": {"owner": owner}}
    return Request(scope, receive)


def make_site(services: Services, *, has_many: bool = True) -> Starlette:
    """Put our own routes behind the visitor middleware, as the page's server does."""
    middleware = [
        Middleware(SameOriginMiddleware),
        Middleware(IdentityMiddleware, has_many=has_many),
    ]
    routes = [build_route(services, checked(route)) for route in ROUTES]
    return Starlette(routes=routes, middleware=middleware)


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
        name, data = name.removeprefix("event: "), data.removeprefix("data: ")
        return name, read_event(name, data)

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
