"""Answers of Kie for a client to read, and a handler that plays them."""

from collections.abc import Callable
from typing import Any

import httpx

from kie_ui.kie.client import KieClient

ClientFor = Callable[..., KieClient]
BODY = {"model": "m", "input": {}}
CREATED = {"code": 200, "msg": "success", "data": {"taskId": "t1"}}
UPLOADED = {"success": True, "code": 200, "data": {"downloadUrl": "https://files.example/a.png"}}


class Script:
    """A handler that plays given answers in turn, the last one for ever, and keeps the requests."""

    def __init__(self, *steps: dict[str, Any] | httpx.Response | Exception) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Play the next answer."""
        self.requests.append(request)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, httpx.Response) else httpx.Response(200, json=step)


def refusal(code: int, msg: str = "no") -> dict[str, Any]:
    """Make the usual shape of a refusal: HTTP 200 around another code."""
    return {"code": code, "msg": msg, "data": None}
