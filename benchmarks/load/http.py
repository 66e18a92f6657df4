"""The little of HTTP/1.1 that thousands of open pages need, at a small share of the processor.

Every request has its own connection. Only what our own servers send is understood: bodies
with a length, in chunks, or up to the end of the connection.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_LONGEST_LINE_BYTES = 4_000_000


class BadStatus(Exception):
    """A server answered, but not with 200."""


@dataclass
class Response:
    """What a server sends; the body is read as it comes."""

    status: int
    headers: dict[str, str]
    cookie: str
    """What the browser is to send from now on, as a `Cookie` header."""
    reader: asyncio.StreamReader

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body in the parts in which it comes."""
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(await self.reader.readline(), 16):
                yield await self.reader.readexactly(size)
                await self.reader.readexactly(2)
        elif "content-length" in self.headers:
            yield await self.reader.readexactly(int(self.headers["content-length"]))
        else:
            yield await self.reader.read(-1)

    async def body(self) -> bytes:
        """Return the whole body."""
        return b"".join([chunk async for chunk in self.chunks()])

    async def events(self) -> AsyncIterator[tuple[str, Any]]:
        """Yield server-sent events: name, empty where it has none, and parsed data."""
        rest = b""
        async for chunk in self.chunks():
            *blocks, rest = (rest + chunk).split(b"\n\n")
            for block in blocks:
                fields = dict(line.partition(b": ")[::2] for line in block.split(b"\n"))
                if b"data" in fields:
                    yield fields.get(b"event", b"").decode(), json.loads(fields[b"data"])


@asynccontextmanager
async def open_request(
    url: str, *, cookie: str = "", headers: Mapping[str, str] | None = None, json_body: Any = None
) -> AsyncIterator[Response]:
    """Send a GET, or a POST where there is a body, and hold the connection for the block.

    Raises: BadStatus, and what a lost connection raises.
    """
    parts = urlsplit(url)
    body = b"" if json_body is None else json.dumps(json_body).encode()
    sent = {"Host": parts.netloc, "Connection": "close", **(headers or {})}
    if cookie:
        sent["Cookie"] = cookie
    if body:
        sent |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    head = [f"{'POST' if body else 'GET'} {target} HTTP/1.1"]
    head += [f"{name}: {value}" for name, value in sent.items()]
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port, limit=_LONGEST_LINE_BYTES
    )
    try:
        writer.write("\r\n".join([*head, "", ""]).encode() + body)
        answer = await _read_head(reader)
        if answer.status != 200:
            said = (await answer.body())[:300].decode(errors="replace")
            raise BadStatus(f"{answer.status} for {target}: {said}")
        yield answer
    finally:
        writer.close()


async def fetch(url: str, **options: Any) -> bytes:
    """Return a whole body; takes the options of `open_request`, and raises what it raises."""
    async with open_request(url, **options) as answer:
        return await answer.body()


async def _read_head(reader: asyncio.StreamReader) -> Response:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for line in filter(None, lines):
        name, _, value = line.partition(":")
        if name.lower() == "set-cookie":
            cookies.append(value.partition(";")[0].strip())
        headers[name.lower()] = value.strip()
    return Response(int(first.split()[1]), headers, "; ".join(cookies), reader)
