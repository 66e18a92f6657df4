"""Calls the program's endpoints as its users do, with `gradio_client`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from gradio_client import Client, handle_file  # type: ignore[import-untyped]  # it has no types
from gradio_client.client import Job  # type: ignore[import-untyped]

from tests.wire.app_process import AppProcess

GROK = "/grok_imagine_image_to_video"
V1_LITE = "/bytedance_v1_lite_image_to_video"
CALL_TIMEOUT_S = 60


class Made(NamedTuple):
    """The result of a call."""

    clip: Path
    task_id: str
    record: dict[str, Any]


@contextmanager
def calling(app: AppProcess, folder: Path, **options: Any) -> Iterator[Client]:
    """Open a client of the program."""
    client = Client(
        app.url, verbose=False, analytics_enabled=False, download_files=folder, **options
    )
    try:
        yield client
    finally:
        client.close()


def made(job: Job) -> Made:
    """Wait for the clip of a call."""
    clip, task_id, record = job.result(CALL_TIMEOUT_S)
    return Made(Path(clip), task_id, record)


def refused(job: Job) -> str:
    """Wait for the error with which a call ends, and return its sentence."""
    error = job.exception(CALL_TIMEOUT_S)
    assert error is not None, f"the call brought {job.result()}"
    return str(error)


def plain(app: AppProcess, endpoint: str, **given: Any) -> str:
    """Call an endpoint as curl does: a POST of named arguments, then the events of its id."""
    with httpx.Client(base_url=app.url, timeout=CALL_TIMEOUT_S, trust_env=False) as http:
        posted = http.post(f"/gradio_api/call/v2{endpoint}", json=given)
        posted.raise_for_status()
        return http.get(f"/gradio_api/call{endpoint}/{posted.json()['event_id']}").text


__all__ = [
    "CALL_TIMEOUT_S",
    "GROK",
    "V1_LITE",
    "Client",
    "Job",
    "Made",
    "calling",
    "handle_file",
    "made",
    "plain",
    "refused",
]
