"""The app that people write first: a handler that creates a task, polls it and downloads the clip.

What our own is measured against; see `benchmarks/load`. Everything is left at Gradio's defaults,
unless PLAIN_CONCURRENCY_LIMIT names another limit for the one event (`none` for no limit).
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

import gradio as gr
import httpx

API = os.environ["KIE_API_BASE_URL"]
UPLOADS = os.environ["KIE_UPLOAD_BASE_URL"]
HEADERS = {"Authorization": f"Bearer {os.environ['KIE_API_KEY']}"}
SAMPLE = Path(__file__).resolve().parents[1] / "assets" / "samples" / "cafe.jpg"
POLL_EVERY_S = 2.5


def generate(picture: str, prompt: str) -> str:
    """Make a clip and return the file that holds it. Raises: gr.Error."""
    task_id = create(upload(picture), prompt)
    while True:
        answer = httpx.get(
            f"{API}/api/v1/jobs/recordInfo", params={"taskId": task_id}, headers=HEADERS
        )
        record = answer.json()["data"]
        if record["state"] == "fail":
            raise gr.Error(record["failMsg"])
        if record["state"] == "success":
            return download(record)
        time.sleep(POLL_EVERY_S)


def upload(picture: str) -> str:
    """Upload a picture to Kie and return its address there."""
    with Path(picture).open("rb") as file:
        answer = httpx.post(
            f"{UPLOADS}/api/file-stream-upload",
            files={"file": file},
            data={"uploadPath": "images"},
            headers=HEADERS,
        )
    url: str = answer.json()["data"]["downloadUrl"]
    return url


def create(picture_url: str, prompt: str) -> str:
    """Create a task and return its id."""
    answer = httpx.post(
        f"{API}/api/v1/jobs/createTask",
        json={
            "model": "grok-imagine/image-to-video",
            "input": {"image_urls": [picture_url], "prompt": prompt},
        },
        headers=HEADERS,
    )
    task_id: str = answer.json()["data"]["taskId"]
    return task_id


def download(record: dict[str, Any]) -> str:
    """Fetch the clip into a file and return its name."""
    url = json.loads(record["resultJson"])["resultUrls"][0]
    with tempfile.NamedTemporaryFile(suffix=".mp4", delete=False) as file:
        file.write(httpx.get(url).content)
    return file.name


def concurrency_limit() -> int | Literal["default"] | None:
    """Return Gradio's own limit, unless the environment says otherwise."""
    limit = os.environ.get("PLAIN_CONCURRENCY_LIMIT", "default")
    if limit == "default":
        return "default"
    return None if limit == "none" else int(limit)


with gr.Blocks() as page:
    given_picture = gr.Image(str(SAMPLE), label="Picture", type="filepath")
    given_prompt = gr.Textbox(label="Prompt")
    clip = gr.Video()
    gr.Button("Generate", elem_id="generate").click(
        generate, [given_picture, given_prompt], clip, concurrency_limit=concurrency_limit()
    )

if __name__ == "__main__":
    page.launch()
