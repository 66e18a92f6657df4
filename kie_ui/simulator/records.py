"""A task as the service tells it.

Source: Kie documentation, "Query Task Status", Response Parameters; observed live, "recordInfo"
(the fields and states that the page does not list; `resultJson` is null until success).
"""

from __future__ import annotations

import json
from typing import Any

from kie_ui.simulator.files import file_url, sample_url
from kie_ui.simulator.samples import IMAGE_MODEL, SampleImageTask
from kie_ui.simulator.store import FileRow, TaskRow

SAMPLE_CREATED_MS = 1_757_584_164_490
"""When the sample image tasks claim to have been made; any fixed moment of the past will do."""
SAMPLE_COST_MS = 8_000


def record(task: TaskRow, results: list[FileRow], progress: int, base_url: str) -> dict[str, Any]:
    """Tell the state of a task; `progress` is in per cent, times in unix milliseconds."""
    is_success = task.state == "success"
    cost_ms = task.completed_ms - task.created_ms if task.completed_ms and is_success else None
    return {
        "taskId": task.task_id,
        "model": task.model,
        "state": task.state,
        "param": _json(task.request),
        "resultJson": _json(_result(task, results, base_url)) if is_success else None,
        "failCode": task.fail_code,
        "failMsg": task.fail_msg,
        "costTime": cost_ms,
        "completeTime": task.completed_ms,
        "createTime": task.created_ms,
        "updateTime": task.updated_ms,
        "progress": 100 if is_success else progress,
        "creditsConsumed": _credits_consumed(task),
    }


def _result(task: TaskRow, results: list[FileRow], base_url: str) -> dict[str, Any]:
    """Tell what a task has made: an answer, or where its files are."""
    if task.result_object is not None:
        return {"resultObject": task.result_object}
    return {"resultUrls": [file_url(base_url, file) for file in results]}


def sample_record(task: SampleImageTask, base_url: str) -> dict[str, Any]:
    """Tell the state of a sample image task: long done."""
    request = {"model": IMAGE_MODEL, "input": {"prompt": task.prompt}}
    completed_ms = SAMPLE_CREATED_MS + SAMPLE_COST_MS
    return {
        "taskId": task.task_id,
        "model": IMAGE_MODEL,
        "state": "success",
        "param": _json(request),
        "resultJson": _json({"resultUrls": [sample_url(base_url, p) for p in task.pictures]}),
        "failCode": None,
        "failMsg": None,
        "costTime": SAMPLE_COST_MS,
        "completeTime": completed_ms,
        "createTime": SAMPLE_CREATED_MS,
        "updateTime": completed_ms,
        "progress": 100,
        "creditsConsumed": 0.0,
    }


def _credits_consumed(task: TaskRow) -> float | None:
    """Tell what was billed: nothing for a failed task, and nothing yet for one under way.

    Of a model whose price nobody knows, none is told either.
    """
    if task.state == "success":
        return task.credits or None
    return 0.0 if task.state == "fail" else None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
