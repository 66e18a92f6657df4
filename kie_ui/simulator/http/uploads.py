"""The three ways to upload a file.

Source: observed live, "File upload".
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Message

from kie_ui.catalog.values import is_web_address
from kie_ui.simulator.files import (
    NoMedia,
    clean_folder,
    clean_name,
    declared_type,
    documented_sample,
    file_url,
    own_path,
    random_name,
)
from kie_ui.simulator.http.auth import account_of
from kie_ui.simulator.http.responses import (
    Refused,
    accepted_upload,
    missing_field,
    read_json_object,
)
from kie_ui.simulator.state import SimulatorState, base_url_of, state_of
from kie_ui.simulator.store import FileRow


def iso_time(unix_ms: int) -> str:
    """Spell unix milliseconds as ISO 8601 in UTC, such as `2026-01-31T12:00:00.000Z`."""
    moment = datetime.fromtimestamp(unix_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_BASE64_GROWTH = 4 / 3
_ROOM_FOR_FIELDS = 1 << 20


async def upload_stream(request: Request) -> JSONResponse:
    """Take a file from a multipart form: `file`, `uploadPath` and perhaps `fileName`."""
    state = state_of(request)
    account = account_of(request, state.config)
    limited = _limited(request, state.config.max_upload_bytes + _ROOM_FOR_FIELDS)
    try:
        async with limited.form(max_files=1) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise missing_field("file")
            content = await file.read(state.config.max_upload_bytes + 1)
            original, declared = file.filename or "", file.content_type
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
    except HTTPException as error:
        raise Refused(400, f"The form cannot be read: {error.detail}") from error
    return await _keep(request, account, fields, content, original, declared)


async def upload_base64(request: Request) -> JSONResponse:
    """Take a file from a JSON field, as plain base64 or as a data URL."""
    state = state_of(request)
    account = account_of(request, state.config)
    max_body = int(state.config.max_upload_bytes * _BASE64_GROWTH) + _ROOM_FOR_FIELDS
    body = await read_json_object(_limited(request, max_body))
    text = body.get("base64Data")
    if not isinstance(text, str) or not text:
        raise missing_field("base64Data")
    declared, content = _decode(text)
    return await _keep(request, account, body, content, "", declared)


async def upload_url(request: Request) -> JSONResponse:
    """Take a file from a web address."""
    state = state_of(request)
    account = account_of(request, state.config)
    body = await read_json_object(request)
    url = body.get("fileUrl")
    if not isinstance(url, str) or not url:
        raise missing_field("fileUrl")
    if not is_web_address(url):
        raise Refused(400, "fileUrl must be a web address, starting with http:// or https://.")
    try:
        content = await _content_at(url, base_url_of(request), state)
    except NoMedia as error:
        raise Refused(400, str(error)) from error
    return await _keep(request, account, body, content, url.partition("?")[0], None)


async def _content_at(url: str, base_url: str, state: SimulatorState) -> bytes:
    """Read what lies at an address, from this disk or, if that is allowed, from its host."""
    is_ours = own_path(url, base_url) is not None
    is_sample = documented_sample(url) is not None
    if is_ours or is_sample:
        place = await state.finder.find(url, base_url)
        return await _read(place) if place is not None else b""
    if not state.config.fetch_pictures:
        raise Refused(400, "This simulator does not fetch files from other hosts.")
    fetched = await state.finder.fetch(url, state.config.max_upload_bytes)
    try:
        return await _read(fetched)
    finally:
        fetched.unlink(missing_ok=True)


async def _read(path: Path) -> bytes:
    return await anyio.Path(path).read_bytes()


async def _keep(
    request: Request,
    account: str,
    fields: dict[str, Any],
    content: bytes,
    original: str,
    declared: str | None,
) -> JSONResponse:
    state = state_of(request)
    _check_size(content, state.config.max_upload_bytes)
    folder = clean_folder(_text(fields, "uploadPath"))
    if not folder:
        raise missing_field("uploadPath")
    asked_name = clean_name(_text(fields, "fileName"))
    mime = declared_type(declared, asked_name or original)
    name = asked_name or random_name(original, mime)
    incoming = state.files.incoming_path()
    await anyio.Path(incoming).write_bytes(content)
    row = state.files.keep_upload(account, folder, name, mime, incoming)
    return accepted_upload(_answer(row, base_url_of(request)))


def _check_size(content: bytes, max_bytes: int) -> None:
    if len(content) > max_bytes:
        raise _too_large(max_bytes)
    if not content:
        raise Refused(400, "The file is empty.")


def _too_large(max_bytes: int) -> Refused:
    megabytes = max_bytes / 1e6
    return Refused(413, f"The file exceeds the limit of {megabytes:g} MB.", http_status=413)


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _decode(text: str) -> tuple[str | None, bytes]:
    """Split a data URL into its type and bytes; plain base64 has no type."""
    head, comma, data = text.partition(",")
    declared = head.removeprefix("data:").partition(";")[0] if comma else None
    try:
        return declared, base64.b64decode("".join((data if comma else text).split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refused(400, "base64Data is not valid base64.") from None


def _answer(row: FileRow, base_url: str) -> dict[str, Any]:
    return {
        "fileName": row.name,
        "filePath": f"{row.path}/{row.name}",
        "downloadUrl": file_url(base_url, row),
        "fileSize": row.size,
        "mimeType": row.mime,
        "uploadedAt": iso_time(row.stored_ms),
    }


def _limited(request: Request, max_bytes: int) -> Request:
    """Return the request with a body that ends in a refusal once it grows beyond the limit."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    size = 0

    async def receive() -> Message:
        nonlocal size
        message = await request.receive()
        size += len(message.get("body", b""))
        if size > max_bytes:
            raise _too_large(max_bytes)
        return message

    return Request(request.scope, receive)
