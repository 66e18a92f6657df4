"""Bodies of requests, read up to a limit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request

from kie_ui import strict_json
from kie_ui.ui.errors import BadRequest, BodyTooLarge


async def body_chunks(request: Request, max_bytes: int) -> AsyncIterator[bytes]:
    """Yield a body piece by piece.

    Raises: BodyTooLarge, if it is longer than `max_bytes`, or announces that it will be.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise BodyTooLarge
    size_bytes = 0
    async for chunk in request.stream():
        size_bytes += len(chunk)
        if size_bytes > max_bytes:
            raise BodyTooLarge
        yield chunk


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Read a body of at most `max_bytes`. Raises: BodyTooLarge."""
    return b"".join([chunk async for chunk in body_chunks(request, max_bytes)])


async def read_json_object(
    request: Request, max_bytes: int, *, needs_json_type: bool = True
) -> dict[str, Any]:
    """Read a body that is a JSON object, strictly.

    A form of another site can send text that reads as JSON, but not under JSON's content type,
    which is why that is required. Raises: BadRequest; BodyTooLarge.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if needs_json_type and media_type != "application/json":
        raise BadRequest("The body must be a JSON object, sent as application/json.")
    body = await read_body(request, max_bytes)
    try:
        return strict_json.read_json_object(body)
    except ValueError:
        raise BadRequest("The body is not a JSON object.") from None
