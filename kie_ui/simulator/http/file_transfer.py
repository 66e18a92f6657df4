"""Files in and out: three kinds of upload, the files themselves, and download links.

Media need no key. Source: observed live, "File upload" and "Balance and download".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import anyio
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.types import Message

from kie_ui.catalog.media_types import OCTET_STREAM
from kie_ui.catalog.values import is_web_address
from kie_ui.simulator.files import (
    NoMedia,
    clean_folder,
    clean_name,
    declared_type,
    file_url,
    random_name,
    sample_path,
)
from kie_ui.simulator.http.context import SimulatorState, account_of, base_url_of, state_of
from kie_ui.simulator.responses import (
    Refused,
    accepted,
    accepted_upload,
    missing_field,
    read_json_object,
)

LINK_LIFETIME_S = 20 * 60
_BASE64_GROWTH = 4 / 3
_ROOM_FOR_FIELDS = 1 << 20
_SHOWN_TYPES = ("image/", "video/", "audio/")


async def upload_stream(request: Request) -> JSONResponse:
    """Store a file from a multipart form: `file`, `uploadPath` and perhaps `fileName`."""
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
    return await _store(request, account, fields, content, original, declared)


async def upload_base64(request: Request) -> JSONResponse:
    """Store a file from a JSON field, as plain base64 or as a data URL."""
    state = state_of(request)
    account = account_of(request, state.config)
    max_body = int(state.config.max_upload_bytes * _BASE64_GROWTH) + _ROOM_FOR_FIELDS
    body = await read_json_object(_limited(request, max_body))
    declared, content = _decode(_required_text(body, "base64Data"))
    return await _store(request, account, body, content, "", declared)


async def upload_url(request: Request) -> JSONResponse:
    """Store a file from a web address."""
    state = state_of(request)
    account = account_of(request, state.config)
    body = await read_json_object(request)
    url = _required_text(body, "fileUrl")
    if not is_web_address(url):
        raise Refused(400, "fileUrl must be a web address, starting with http:// or https://.")
    content = await _content_at(url, base_url_of(request), state)
    return await _store(request, account, body, content, url.partition("?")[0], None)


async def _content_at(url: str, base_url: str, state: SimulatorState) -> bytes:
    """Read the file at an address, from this disk or, if that is allowed, from its host."""
    try:
        path = await state.files.locate(url, base_url, state.config.max_upload_bytes)
    except NoMedia as error:
        raise Refused(400, str(error)) from error
    if path is None:
        raise Refused(400, "This simulator does not fetch files from other hosts.")
    try:
        return await anyio.Path(path).read_bytes()
    finally:
        if state.files.is_incoming(path):
            path.unlink(missing_ok=True)


async def _store(
    request: Request,
    account: str,
    fields: dict[str, Any],
    content: bytes,
    original: str,
    declared: str | None,
) -> JSONResponse:
    state = state_of(request)
    if len(content) > state.config.max_upload_bytes:
        raise _too_large(state.config.max_upload_bytes)
    if not content:
        raise Refused(400, "The file is empty.")
    folder = clean_folder(_text(fields, "uploadPath"))
    if not folder:
        raise missing_field("uploadPath")
    given_name = clean_name(_text(fields, "fileName"))
    mime = declared_type(declared, given_name or original)
    name = given_name or random_name(original, mime)
    incoming = state.files.incoming_path()
    await anyio.Path(incoming).write_bytes(content)
    row = state.files.keep_upload(account, folder, name, mime, incoming)
    uploaded_at = datetime.fromtimestamp(row.stored_ms / 1000, UTC)
    return accepted_upload(
        {
            "fileName": row.name,
            "filePath": f"{row.path}/{row.name}",
            "downloadUrl": file_url(base_url_of(request), row),
            "fileSize": row.size,
            "mimeType": row.mime,
            "uploadedAt": uploaded_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
    )


def _too_large(max_bytes: int) -> Refused:
    megabytes = max_bytes / 1e6
    return Refused(413, f"The file exceeds the limit of {megabytes:g} MB.", http_status=413)


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _required_text(fields: dict[str, Any], name: str) -> str:
    if text := _text(fields, name):
        return text
    raise missing_field(name)


def _decode(text: str) -> tuple[str | None, bytes]:
    """Return the type and the bytes of a data URL; plain base64 has no type."""
    head, comma, data = text.partition(",")
    declared = head.removeprefix("data:").partition(";")[0] if comma else None
    try:
        return declared, base64.b64decode("".join((data if comma else text).split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refused(400, "base64Data is not valid base64.") from None


def _limited(request: Request, max_bytes: int) -> Request:
    """Return the request with a body that is refused once it grows beyond the limit."""
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


async def create_download_link(request: Request) -> JSONResponse:
    """Answer a link, valid for twenty minutes, to one of our own files."""
    state = state_of(request)
    account_of(request, state.config)
    url = _required_text(await read_json_object(request), "url")
    found = state.files.own_file(url, base_url_of(request))
    if found is None:
        raise Refused(422, "The url must be that of a file generated here.")
    row, _ = found
    expires = int(state.config.clock()) + LINK_LIFETIME_S
    query = f"expires={expires}&signature={_signature(state, row.file_id, expires)}"
    return accepted(f"{file_url(base_url_of(request), row)}?{query}")


async def serve_file(request: Request) -> Response:
    """Serve an upload, a result or a sample picture, or the requested ranges of it."""
    state = state_of(request)
    name = request.path_params["path"]
    sample = sample_path(state.config.assets_dir, name)
    if sample is not None and sample.is_file():
        return FileResponse(sample)
    file_id = name.partition("/")[0]
    found = state.files.find(file_id)
    if found is None:
        raise Refused(404, "There is no such file, or it has expired.", http_status=404)
    _check_link(request, state, file_id)
    row, path = found
    is_download = "expires" in request.query_params
    # Bytes are media or a download, never a page that a browser would run.
    is_shown = row.mime.startswith(_SHOWN_TYPES) and "svg" not in row.mime
    return FileResponse(
        path,
        media_type=row.mime if is_shown else OCTET_STREAM,
        filename=row.name,
        content_disposition_type="attachment" if is_download or not is_shown else "inline",
        headers={"X-Content-Type-Options": "nosniff"},
    )


def _check_link(request: Request, state: SimulatorState, file_id: str) -> None:
    """Refuse a download link that has expired or was altered; plain addresses pass."""
    expires = request.query_params.get("expires")
    if expires is None:
        return
    signature = request.query_params.get("signature", "")
    is_genuine = expires.isdigit() and hmac.compare_digest(
        signature.encode(), _signature(state, file_id, int(expires)).encode()
    )
    if not is_genuine or state.config.clock() > int(expires):
        raise Refused(403, "This download link has expired.", http_status=403)


def _signature(state: SimulatorState, file_id: str, expires: int) -> str:
    return hmac.digest(state.link_secret, f"{file_id}.{expires}".encode(), hashlib.sha256).hex()
