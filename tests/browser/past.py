"""What a visitor did before they open the page, put where the running program keeps it.

A run that a test merely looks at need not be made by hand: pressing and waiting takes a browser
seconds, and other tests of this folder do it for its own sake.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from kie_ui.catalog.values import FileRef
from kie_ui.kie.responses import TaskRecord
from kie_ui.media.storage import Storage
from kie_ui.runs.lifecycle.download import look_inside
from kie_ui.runs.lifecycle.poll import written_results
from kie_ui.runs.run import Clip, Run, RunError, Step, StepChange
from kie_ui.runs.storage.run_store import RunStore, sqlite_url
from tests.kie_documentation import GROK, V1_LITE
from tests.wire.app_process import ROOT
from tests.wire.tiny_media import tiny_clip

_PICTURE = ROOT / "assets" / "samples" / "cafe.jpg"
_ON_THE_WAY = (Step.PREPARING, Step.UPLOADING, Step.SENDING, Step.WAITING)
_STEP_MS = 500
_APART_MS = 60_000
_DAY_MS = 24 * 60 * _APART_MS


@dataclass(frozen=True)
class Past:
    """The runs of one owner in a program's data folder, while it runs or before it starts."""

    data_dir: Path
    owner: str

    def keep(self, *runs: Run) -> None:
        """Keep runs as this owner's."""
        theirs = [run.model_copy(update={"owner": self.owner}) for run in runs]
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        _aside(_add(self.data_dir, theirs))

    def fail(self, *prompts: str) -> None:
        """Keep runs that Kie took and could not make, a minute apart, the last one the newest."""
        begin_ms = time.time_ns() // 1_000_000 - len(prompts) * _APART_MS
        picture = Storage(self.data_dir).keep_input(_PICTURE, ".jpg").name
        runs = (_failed(p, picture, begin_ms + nth * _APART_MS) for nth, p in enumerate(prompts))
        self.keep(*runs)

    def make(self, prompt: str, *results: bytes, written: Any = None, **fields: Any) -> Run:
        """Keep a run with its results, as of yesterday: a clip, unless others are given.

        `written` is what its model wrote beside them, or alone.
        """
        contents = results or (() if written is not None else (tiny_clip(),))
        run_id = uuid4().hex
        storage = Storage(self.data_dir)
        clips = [
            _result(storage, f"{run_id}{at:x}" if at else run_id, content)
            for at, content in enumerate(contents)
        ]
        result = {"resultObject": written} if written is not None else {}
        record = {"state": "success", "resultJson": json.dumps(result)}
        clips += written_results(TaskRecord.from_data(record))
        yesterday_ms = time.time_ns() // 1_000_000 - _DAY_MS
        values = {"prompt": prompt, "resolution": "480p"}
        usual = {"model": V1_LITE, "values": values, "clips": clips, "record": record}
        run = ended(Step.DONE, yesterday_ms, id=run_id, **(usual | fields))
        self.keep(run)
        return run


def _result(storage: Storage, name: str, content: bytes) -> Clip:
    part = storage.part_path(name)
    part.write_bytes(content)
    clip, suffix = look_inside(part)
    path = storage.clip_path(name, suffix)
    storage.finish(part, path)
    found = {"name": f"clips/{path.name}", "size_bytes": len(content)}
    return clip.model_copy(update=found)


def ended(step: Step, at_ms: int, **fields: Any) -> Run:
    """Tell of a run that went the usual way and then came to a final step; it began at `at_ms`."""
    steps = (*_ON_THE_WAY, step)
    changes = tuple(StepChange(each, at_ms + nth * _STEP_MS) for nth, each in enumerate(steps))
    usual = {
        "id": uuid4().hex,
        "owner": "",
        "backend": "demo",
        "step": step,
        "step_changes": changes,
        "task_id": uuid4().hex,
        "created_at_ms": at_ms,
        "sent_at_ms": changes[2].at_ms,
        "finished_at_ms": changes[-1].at_ms,
        "updated_at_ms": changes[-1].at_ms,
    }
    return Run.model_validate(usual | fields)


def _failed(prompt: str, picture: str, at_ms: int) -> Run:
    given = {"prompt": prompt, "mode": "normal", "duration": "6", "resolution": "480p"}
    task_id = uuid4().hex
    return ended(
        Step.FAILED,
        at_ms,
        model=GROK,
        values={"image_urls": (FileRef(path=picture, name="cafe.jpg"),), **given},
        estimated_credits=14.4,
        task_id=task_id,
        request={"model": GROK, "input": {"image_urls": ["https://a.test/cafe.jpg"], **given}},
        answer={"code": 200, "msg": "success", "data": {"taskId": task_id}},
        record={"taskId": task_id, "model": GROK, "state": "fail", "failCode": "501"},
        credits_used=0.0,
        error=RunError(kind="TaskFailed", message="Kie could not make it.", code="501"),
    )


async def _add(data_dir: Path, runs: list[Run]) -> None:
    store = RunStore(sqlite_url(data_dir / "runs.sqlite3"))
    await store.open()
    try:
        for run in runs:
            await store.add(run)
    finally:
        await store.close()


def _aside(work: Coroutine[Any, Any, None]) -> None:
    """Do something in another thread: Playwright has an event loop in this one."""
    with ThreadPoolExecutor() as threads:
        threads.submit(asyncio.run, work).result()
