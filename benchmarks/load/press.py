"""A press of Generate, as Gradio's own scripts send it: through its queue, or past it."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any, Self

from benchmarks.load.http import fetch, open_request


class Refused(Exception):
    """The press ended with an error."""


@dataclass(frozen=True)
class Press:
    """What the button of a page sends: the form as it is after opening, with another prompt."""

    url: str
    fn_index: int
    button_id: int
    values: tuple[Any, ...]
    prompt_at: int
    is_queued: bool

    @classmethod
    async def of(cls, url: str, button: str) -> Self:
        """Find the event behind the button whose `elem_id` begins with `button`."""
        config = json.loads(await fetch(f"{url}/config"))
        parts = {part["id"]: part for part in config["components"]}
        button_id = next(
            part_id
            for part_id, part in parts.items()
            if str(part["props"].get("elem_id", "")).startswith(button)
        )
        event = next(
            event
            for event in config["dependencies"]
            if [button_id, "click"] in event["targets"] and event["backend_fn"]
        )
        inputs = [parts[part_id]["props"] for part_id in event["inputs"]]
        labels = [props.get("label") for props in inputs]
        values = tuple(props.get("value") for props in inputs)
        prompt_at, is_queued = labels.index("Prompt"), event["queue"] is not False
        return cls(url, event["id"], button_id, values, prompt_at, is_queued)

    async def send(self, prompt: str, cookie: str) -> list[Any]:
        """Press, wait until the event has ended, and return its output. Raises: Refused."""
        data = list(self.values)
        data[self.prompt_at] = prompt
        session = secrets.token_hex(6)
        order = {
            "data": data,
            "fn_index": self.fn_index,
            "trigger_id": self.button_id,
            "session_hash": session,
            "event_data": None,
        }
        if not self.is_queued:
            direct = f"{self.url}/gradio_api/run/predict"
            return _data(json.loads(await fetch(direct, cookie=cookie, json_body=order)))
        await fetch(f"{self.url}/gradio_api/queue/join", cookie=cookie, json_body=order)
        heard = f"{self.url}/gradio_api/queue/data?session_hash={session}"
        async with open_request(heard, cookie=cookie) as answer:
            async for _, message in answer.events():
                if message["msg"] == "process_completed":
                    return _outcome(message)
        raise Refused("the queue closed the connection")


def _outcome(message: dict[str, Any]) -> list[Any]:
    if not message["success"]:
        raise Refused(str(message["output"].get("error")))
    return _data(message["output"])


def _data(output: dict[str, Any]) -> list[Any]:
    data: list[Any] = output["data"]
    return data
