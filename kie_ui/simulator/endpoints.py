"""The endpoints of the wire protocol: tasks, the balance, uploads, files and download links.

Media need no key. Source: Kie documentation, "Create Generation Task" and "Query Task Status";
observed live, "createTask", "recordInfo", "File upload" and "Balance and download".
"""

from __future__ import annotations

import asyncio
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
from kie_ui.catalog.request import estimate_credits
from kie_ui.catalog.roles import image_task_parameter
from kie_ui.catalog.values import is_web_address
from kie_ui.simulator.context import (
    SimulatorState,
    account_of,
    base_url_of,
    collection_of,
    state_of,
)
from kie_ui.simulator.faults import Fault
from kie_ui.simulator.files import (
    NoMedia,
    clean_folder,
    clean_name,
    declared_type,
    file_url,
    random_name,
    sample_image_task,
    sample_path,
)
from kie_ui.simulator.plan import build_plan
from kie_ui.simulator.responses import (
    Refused,
    accepted,
    envelope,
    missing_field,
    read_json_object,
)
from kie_ui.simulator.store import InsufficientCredits
from kie_ui.simulator.tasks import sample_record
from kie_ui.simulator.validation import CheckedRequest, check_file, check_request

LINK_LIFETIME_S = 20 * 60
_BASE64_GROWTH = 4 / 3
_ROOM_FOR_FIELDS = 1 << 20
_SHOWN_TYPES = ("image/", "video/", "audio/")


async def create_task(request: Request) -> JSONResponse:
    """Create a task and answer its id."""
    state = state_of(request)
    account = account_of(request, state.config)
    state.create_limit.check(account)
    body = await read_json_object(request)
    # In a thread: models are read from the disk.
    checked = await asyncio.to_thread(
        check_request, state.config.find_versions, body, collection_of(request)
    )
    _check_media(state, account, checked, base_url_of(request))
    # A model whose price is not known costs nothing.
    price = estimate_credits(checked.spec, checked.values) or 0.0
    fault: Fault | None = request.scope.get("simulator.fault")
    outcome = fault.outcome if fault is not None else None
    try:
        task = state.tasks.create(account, checked, body, price, base_url_of(request), outcome)
    except InsufficientCredits:
        raise Refused(
            402, f"Insufficient credits: this task costs {price:g}. Top up to continue."
        ) from None
    return accepted({"taskId": task.task_id})


async def record_info(request: Request) -> JSONResponse:
    """Answer the state of one task; another account's task does not exist."""
    state = state_of(request)
    account = account_of(request, state.config)
    task_id = request.query_params.get("taskId", "")
    sample = sample_image_task(task_id)
    if sample is not None:
        return accepted(sample_record(sample, base_url_of(request)))
    task = state.store.task(task_id)
    if task is None or task.account != account:
        raise Refused(422, "recordInfo is null")
    return accepted(state.tasks.record(task, base_url_of(request)))


async def credit(request: Request) -> JSONResponse:
    """Answer the balance."""
    state = state_of(request)
    account = account_of(request, state.config)
    return accepted(round(state.store.balance(account, initial_credits=state.config.credits), 4))


def _check_media(
    state: SimulatorState, account: str, checked: CheckedRequest, base_url: str
) -> None:
    """Refuse media that are known to be unfit before the task exists."""
    _check_earlier_task(state, account, checked)
    for parameter in checked.spec.media_parameters:
        for url in checked.values.get(parameter.name, []):
            found = state.files.own_file(url, base_url)
            if found is not None:
                check_file(parameter, *found)


def _check_earlier_task(state: SimulatorState, account: str, checked: CheckedRequest) -> None:
    plan = build_plan(checked.spec, checked.values)
    if plan.task_id is None:
        return
    image_task = image_task_parameter(checked.spec)
    names_image_task = image_task is not None and image_task.name in checked.values
    wants_picture = plan.produces == "video" and names_image_task
    noun = "Grok image task" if wants_picture else "finished task of yours"
    try:
        mime, _ = state.files.result_of_task(account, plan.task_id, plan.index)
    except NoMedia as error:
        raise Refused(422, f"There is no {noun} with the task_id {plan.task_id}. {error}") from None
    if wants_picture and not mime.startswith("image/"):
        raise Refused(422, f"There is no {noun} with the task_id {plan.task_id}.")


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
    data = {
        "fileName": row.name,
        "filePath": f"{row.path}/{row.name}",
        "downloadUrl": file_url(base_url_of(request), row),
        "fileSize": row.size,
        "mimeType": row.mime,
        "uploadedAt": uploaded_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return JSONResponse({"success": True, **envelope(data, msg="File uploaded successfully")})


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
