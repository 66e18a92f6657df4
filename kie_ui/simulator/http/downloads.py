"""The files themselves, and links to them that live for twenty minutes.

Media need no key. Source: observed live, "Balance and download".
"""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from kie_ui.simulator.files import file_url, sample_path
from kie_ui.simulator.http.auth import account_of
from kie_ui.simulator.http.responses import Refused, accepted, missing_field, read_json_object
from kie_ui.simulator.state import SimulatorState, base_url_of, state_of

LINK_LIFETIME_S = 20 * 60
_SHOWN_TYPES = ("image/", "video/", "audio/")


async def create_download_link(request: Request) -> JSONResponse:
    """Answer a link, valid for twenty minutes, to one of our own files."""
    state = state_of(request)
    account_of(request, state.config)
    url = (await read_json_object(request)).get("url")
    if not isinstance(url, str) or not url:
        raise missing_field("url")
    found = state.finder.own_file(url, base_url_of(request))
    if found is None:
        raise Refused(422, "The url must be that of a file generated here.")
    row, _ = found
    expires = int(state.config.clock()) + LINK_LIFETIME_S
    query = f"expires={expires}&signature={_signature(state, row.file_id, expires)}"
    return accepted(f"{file_url(base_url_of(request), row)}?{query}")


async def serve_file(request: Request) -> Response:
    """Serve an upload, a clip or a sample picture, or the asked ranges of it."""
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
    return _file_response(path, row.mime, row.name, is_download="expires" in request.query_params)


def _file_response(path: Path, mime: str, name: str, *, is_download: bool) -> FileResponse:
    """Serve bytes as media or as a download, never as a page that a browser would run."""
    is_shown = mime.startswith(_SHOWN_TYPES) and "svg" not in mime
    return FileResponse(
        path,
        media_type=mime if is_shown else "application/octet-stream",
        filename=name,
        content_disposition_type="attachment" if is_download or not is_shown else "inline",
        headers={"X-Content-Type-Options": "nosniff"},
    )


def _check_link(request: Request, state: SimulatorState, file_id: str) -> None:
    """Refuse a download link that has expired or was tampered with; plain addresses pass."""
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
