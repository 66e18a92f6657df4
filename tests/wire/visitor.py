"""Uses the program over HTTP as a browser does, without one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

import httpx

from kie_ui.ui.asgi.identity import COOKIE
from tests.ui.wire_types import read_event
from tests.wire.app_process import AppProcess

WAIT_S = 60
API = "/gradio_api"


def with_deadline(lines: Iterator[str]) -> Iterator[str]:
    """Yield the lines of a stream until a deadline, since keep-alives would never let it end."""
    give_up_s = time.monotonic() + WAIT_S
    for line in lines:
        assert time.monotonic() < give_up_s, "it never came"
        yield line


class Visitor:
    """One browser: it keeps its cookies. A context manager."""

    def __init__(self, app: AppProcess, *, session: str = "", cookie: str = "") -> None:
        self.session = session or f"session-of-{id(self):x}"
        self.http = httpx.Client(
            base_url=app.url, timeout=WAIT_S, trust_env=False, follow_redirects=True
        )
        if cookie:
            self.http.cookies.set(COOKIE, cookie)
        self.answers: list[str] = []
        """Everything that this visitor received, headers included."""
        self.http.event_hooks["response"] = [self._note]

    def __enter__(self) -> Visitor:
        self.http.get("/")
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    @property
    def secret(self) -> str:
        """The value of the cookie."""
        return self.http.cookies[COOKIE]

    def _note(self, response: httpx.Response) -> None:
        headers = {k: v for k, v in response.headers.items() if k != "set-cookie"}
        self.answers.append(json.dumps(headers))
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            response.read()
            self.answers.append(response.content.decode("latin-1"))

    def get(self, path: str, **query: Any) -> httpx.Response:
        """Send a GET request."""
        return self.http.get(path, params=query or None)

    def upload(self, picture: Path, *, upload_id: str = "") -> str:
        """Upload a picture, and return its path according to Gradio."""
        query = {"upload_id": upload_id} if upload_id else None
        files = {"files": (picture.name, picture.read_bytes(), "image/jpeg")}
        answer = self.http.post(f"{API}/upload", files=files, params=query)
        answer.raise_for_status()
        (path,) = answer.json()
        return str(path)

    def call(self, endpoint: str, **given: Any) -> str:
        """Begin a call as curl does, and return the id of its event."""
        answer = self.http.post(f"{API}/call/v2{endpoint}", json=given)
        answer.raise_for_status()
        return str(answer.json()["event_id"])

    def result(self, endpoint: str, event_id: str) -> str:
        """Wait for the end of a call, and return the text of its events."""
        text = self.get(f"{API}/call{endpoint}/{event_id}").text
        self.answers.append(text)
        return text

    def join(self, event: dict[str, Any], *data: Any) -> httpx.Response:
        """Begin an event of the page."""
        body = {"data": list(data), "fn_index": event["id"], "session_hash": self.session}
        return self.http.post(f"{API}/queue/join", json=body)

    def event(self, *data: Any, **wanted: Any) -> list[dict[str, Any]]:
        """Run the event that takes a component with these properties; return its messages."""
        joined = self.join(self.find_event(**wanted), *data)
        joined.raise_for_status()
        return list(self.messages())

    def find_event(self, **wanted: Any) -> dict[str, Any]:
        """Find the first event with a handler here that takes a component with such properties."""
        config = self.get("/config").json()
        ids = {
            part["id"]
            for part in config["components"]
            if all(part["props"].get(name) == value for name, value in wanted.items())
        }
        return next(
            event
            for event in config["dependencies"]
            if event["backend_fn"] and ids.intersection(event["inputs"])
        )

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield Gradio's messages to this page until it closes the stream."""
        with self.http.stream("GET", f"{API}/queue/data?session_hash={self.session}") as stream:
            for line in with_deadline(stream.iter_lines()):
                self.answers.append(line)
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    @contextmanager
    def event_stream(self) -> Iterator[Iterator[tuple[str, dict[str, Any]]]]:
        """Open the page's own stream."""
        with self.http.stream("GET", "/kie-ui/stream") as stream:
            yield self._events(stream.iter_lines())

    def _events(self, lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        name = ""
        for line in with_deadline(lines):
            self.answers.append(line)
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, read_event(name, line.removeprefix("data: "))

    def run(self, prompt: str, step: str | None = None) -> dict[str, Any]:
        """Wait for an event of the run with a prompt, at a step if one is named."""
        return self._first(
            "run",
            lambda run: run["values"].get("prompt") == prompt and step in (None, run["step"]),
        )

    def account(self, **wanted: Any) -> dict[str, Any]:
        """Wait for an event of the account with these facts."""
        return self._first("account", lambda account: wanted.items() <= account.items())

    def _first(self, event: str, claim: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        with self.event_stream() as events:
            return next(data for name, data in events if name == event and claim(data))

    def heard_at_start(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the events with which the page's stream begins."""
        with self.event_stream() as events:
            return list(takewhile(lambda event: event[0] != "ready", events))

    def type_key(self, key: str) -> str:
        """Type a key on the page and have it tested; return what the page then says."""
        answer = self.http.post("/kie-ui/account/key", json={"key": key}).json()
        return str(answer.get("message", "works"))


def clip_of(result: str) -> str:
    """Return the path of the clip of a finished call."""
    line = next(line for line in result.splitlines() if line.startswith("data: ["))
    return str(json.loads(line.removeprefix("data: "))[0]["path"])
