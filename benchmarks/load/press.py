"""A press of Generate: as our own scripts send it, or as Gradio's do, through its queue."""

from __future__ import annotations

import json
import re
import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from html import unescape
from typing import Any

from benchmarks.load.http import fetch, open_request
from kie_ui.ui.form.components import UPLOAD_META


class Refused(Exception):
    """The press ended with an error."""


class Press(ABC):
    """What the button of a page sends: the form as it is after opening, with another prompt."""

    @classmethod
    async def of(cls, url: str, button: str) -> Press:
        """Find out what the button whose `elem_id` begins with `button` sends."""
        config = json.loads(await fetch(f"{url}/config"))
        templates = (str(part["props"].get("html_template")) for part in config["components"])
        plans = [plan for text in templates for plan in re.findall(r'data-plan="([^"]*)"', text)]
        if plans:
            return FormPress.of_plan(url, json.loads(unescape(plans[0])))
        return GradioPress.of_config(url, button, config)

    @abstractmethod
    async def send(self, prompt: str, cookie: str) -> Any:
        """Press, wait for the answer, and return it. Raises: Refused."""


@dataclass(frozen=True)
class FormPress(Press):
    """A press that goes to our own route."""

    url: str
    model: str
    values: dict[str, Any]

    @classmethod
    def of_plan(cls, url: str, plan: dict[str, Any]) -> FormPress:
        """Fill in the form of a plan with its defaults."""
        values = {field["name"]: field.get("default") for field in plan["fields"]}
        pictures = [field["name"] for field in plan["fields"] if field["kind"] == "picture"]
        given = {name: {**values[name], "meta": UPLOAD_META} for name in pictures if values[name]}
        return cls(url, plan["model"], {**values, **given})

    async def send(self, prompt: str, cookie: str) -> Any:
        """Press, wait for the answer, and return it. Raises: Refused."""
        body = {"model": self.model, "values": {**self.values, "prompt": prompt}}
        address = f"{self.url}/kie-ui/forms/press"
        answer = json.loads(await fetch(address, cookie=cookie, json_body=body))
        if not answer["run_id"]:
            raise Refused(answer["refusal"])
        return answer


@dataclass(frozen=True)
class GradioPress(Press):
    """A press that is an event of Gradio's."""

    url: str
    fn_index: int
    button_id: int
    values: tuple[Any, ...]
    prompt_at: int

    @classmethod
    def of_config(cls, url: str, button: str, config: dict[str, Any]) -> GradioPress:
        """Find the event behind a button."""
        parts = {part["id"]: part for part in config["components"]}
        button_id = next(
            part_id
            for part_id, part in parts.items()
            if str(part["props"].get("elem_id", "")).startswith(button)
        )
        event = next(e for e in config["dependencies"] if [button_id, "click"] in e["targets"])
        inputs = [parts[part_id]["props"] for part_id in event["inputs"]]
        labels = [props.get("label") for props in inputs]
        values = tuple(props.get("value") for props in inputs)
        return cls(url, event["id"], button_id, values, labels.index("Prompt"))

    async def send(self, prompt: str, cookie: str) -> Any:
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
    data: list[Any] = message["output"]["data"]
    return data
