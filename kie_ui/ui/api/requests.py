"""The bodies of requests, read up to a limit."""

from __future__ import annotations

from starlette.requests import Request


class TooLarge(Exception):
    """A body goes beyond what is read of it."""


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Read a body of at most `max_bytes`, without keeping more of it in memory.

    Raises: TooLarge, for a body that is longer or says that it will be.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise TooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise TooLarge
    return bytes(body)
