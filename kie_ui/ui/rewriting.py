"""Requests and answers that are changed on their way: small JSON, read and written anew."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette._utils import get_route_path
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from kie_ui.ui.reading import read_body

GONE = "0" * 64 + "/gone"
"""A name in Gradio's cache that no file has."""


class NotAnObject(ValueError):
    """A body is no JSON object."""


async def read_object(scope: Scope, receive: Receive, max_bytes: int) -> dict[str, Any]:
    """Read a body that is a JSON object, and says so. Raises: TooLarge, NotAnObject.

    A form of another site can send text that reads as JSON, but not under that type.
    """
    request = Request(scope, receive)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise NotAnObject
    try:
        body = json.loads(await read_body(request, max_bytes), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise NotAnObject from None
    if not isinstance(body, dict):
        raise NotAnObject
    return body


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def saying(scope: Scope, receive: Receive, body: dict[str, Any]) -> Receive:
    """Return what hands out a body in place of the one that was read."""
    said = json.dumps(body).encode()
    headers = MutableHeaders(scope=scope)
    headers["content-length"] = str(len(said))
    headers["content-type"] = "application/json"
    is_said = False

    async def receive_it() -> Message:
        nonlocal is_said
        if is_said:
            return await receive()
        is_said = True
        return {"type": "http.request", "body": said, "more_body": False}

    return receive_it


def answering(send: Send, change: Callable[[Any], Any]) -> Send:
    """Return what sends JSON as `change`, which may be a coroutine, makes it; the rest as it is."""
    start: Message = {}
    body = bytearray()

    async def send_changed(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        if message["type"] != "http.response.body":
            await send(message)
            return
        body.extend(message.get("body", b""))
        if message.get("more_body", False):
            return
        changed = bytes(body)
        if start["status"] == 200:  # anything else is a refusal, in words
            made = change(json.loads(changed))
            changed = json.dumps(await made if inspect.isawaitable(made) else made).encode()
            MutableHeaders(scope=start)["content-length"] = str(len(changed))
        await send(start)
        await send({"type": "http.response.body", "body": changed, "more_body": False})

    return send_changed


def set_path(scope: Scope, path: str) -> None:
    """Have a request go to another path, under the same root."""
    root = scope["path"].removesuffix(get_route_path(scope))
    scope["path"] = root + path
    scope["raw_path"] = quote(root + path).encode()


def change_query(scope: Scope, name: str, change: Callable[[str], str]) -> None:
    """Change every value of a name in the query."""
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    changed = [(k, change(value) if k == name else value) for k, value in pairs]
    scope["query_string"] = urlencode(changed).encode()


def files_named(body: object) -> Iterator[dict[str, Any]]:
    """Find every object that names a file by its path, however deep it lies."""
    unseen = [body]
    while unseen:
        value = unseen.pop()
        if isinstance(value, list):
            unseen.extend(value)
        elif isinstance(value, dict):
            unseen.extend(value.values())
            if isinstance(value.get("path"), str):
                yield value
