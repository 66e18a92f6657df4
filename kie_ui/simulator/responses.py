"""The paths and the envelope of the wire protocol, and how a request is refused.

Source: Kie documentation, "Response Parameters" and "Error Codes"; observed live, "Envelope and
errors": refusals usually travel as HTTP 200 with a `code` that is not 200 and `data` null.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from kie_ui.strict_json import read_json

RECORD_PATH = "/api/v1/jobs/recordInfo"
UPLOAD_PATHS = ("/api/file-stream-upload", "/api/file-base64-upload", "/api/file-url-upload")


class Refused(Exception):
    """The service says no: `code` and `msg` of the envelope, and the HTTP status it travels in."""

    def __init__(self, code: int, msg: str, *, http_status: int = 200) -> None:
        self.code = code
        self.msg = msg
        self.http_status = http_status
        super().__init__(f"{code}: {msg}")


def missing_field(name: str) -> Refused:
    """Refuse a request that lacks a required field.

    Source: observed live, "Envelope and errors": the live service answers code 500 with these
    words. The name of the field is an addition, so that people see which one is missing.
    """
    return Refused(500, f"This field is required: {name}")


def envelope(data: Any, *, code: int = 200, msg: str = "success") -> dict[str, Any]:
    """Wrap `data` the way every answer of the job API is wrapped."""
    return {"code": code, "msg": msg, "data": data}


def accepted(data: Any) -> JSONResponse:
    """Answer a request of the job API that went well."""
    return JSONResponse(envelope(data))


async def answer_refusal(request: Request, refusal: Exception) -> JSONResponse:
    """Turn a `Refused` into its envelope; uploads also say `success: false`."""
    if not isinstance(refusal, Refused):
        raise refusal
    body = envelope(None, code=refusal.code, msg=refusal.msg)
    if request.url.path in UPLOAD_PATHS:
        body = {"success": False, **body}
    return JSONResponse(body, status_code=refusal.http_status)


async def answer_not_found(request: Request, _error: Exception) -> JSONResponse:
    """Answer a request for a path or a method that the service does not have."""
    msg = f"There is no {request.method} {request.url.path} here."
    return JSONResponse(envelope(None, code=404, msg=msg), status_code=404)


async def answer_crash(_request: Request, _error: Exception) -> JSONResponse:
    """Answer an error inside the simulator; the server logs the cause."""
    return JSONResponse(envelope(None, code=500, msg="Internal server error"), status_code=500)


async def read_json_object(request: Request) -> dict[str, Any]:
    """Read the body as a JSON object.

    Raises: Refused with code 400.
    """
    try:
        body = read_json(await request.body())
    except ValueError:
        raise Refused(400, "The request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise Refused(400, "The request body must be a JSON object.")
    return body
