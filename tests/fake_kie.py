"""The one imitation of Kie in the tests: its wire protocol by hand, scripted, and counting.

Nothing here is shared with the catalog, the client or the simulator. A fake answers in the test's
own process through `httpx.MockTransport(fake.answer)`, and is an ASGI app besides, which `serving`
serves at three addresses of this computer: the API, the uploads and the media. What happens is
scripted by prompt (`stories`), by endpoint (`faults`, `outages`), or for every task (`record`,
`polls_until_success`).

A strict one holds each request against the documentation: whatever departs from it is refused and
noted. Uploads and the balance are on no page; they follow what is known of the live service.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, Literal, TypeVar

import httpx
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tests.kie_documentation import departures

KEY = "fake-kie-key-b6c1"
CREDITS = 87.5
GROK_IMAGE_TASK = "an-image-task-of-grok"
MAX_PICTURE_BYTES = 10_000_000

Host = Literal["api", "upload", "media"]
Answer = httpx.Response
Entry = TypeVar("Entry")
ServedKie = TypeVar("ServedKie", bound="FakeKie")
Fault = Callable[[httpx.Request], Awaitable[Answer | None]]
"""Answers in Kie's place, raises, or returns None to let Kie answer after all."""


def envelope(data: Any, code: int = 200, msg: str = "success", **more: Any) -> Answer:
    """Wrap data as Kie wraps every answer."""
    return Answer(200, json={"code": code, "msg": msg, "data": data, **more})


def raw_answer(content: bytes, status: int = 200, mime: str = "application/json") -> Answer:
    """Answer with these bytes."""
    return Answer(status, content=content, headers={"Content-Type": mime})


def refusal(code: int, msg: str = "no") -> Fault:
    """Say no, with HTTP 200 and a code of its own."""

    async def refuse(request: httpx.Request) -> Answer:
        return envelope(None, code, msg)

    return refuse


def status(code: int) -> Fault:
    """Answer with a bare HTTP status and a web page."""

    async def answer(request: httpx.Request) -> Answer:
        return raw_answer(b"<!DOCTYPE html><html><h1>proxy</h1></html>", code, "text/html")

    return answer


def dropped(error: type[httpx.TransportError] = httpx.ReadError) -> Fault:
    """Break the connection before an answer; over a real one, whatever the error is."""

    async def drop(request: httpx.Request) -> Answer:
        raise error("planted", request=request)

    return drop


async def endless(request: httpx.Request) -> Answer | None:
    """Let a request wait for an answer that never comes."""
    await asyncio.Event().wait()
    return None


def failed(code: str, msg: str) -> dict[str, Any]:
    """Describe a task that ended without a clip."""
    return {"state": "fail", "failCode": code, "failMsg": msg}


DROPPED = dropped()
PROXY_PAGE = status(502)
HALF_JSON = raw_answer(b'{"code": 200, "msg": "succ')
RATE_LIMITED = envelope(None, 429, "Your call frequency is too high")
FAULT = envelope(None, 500, "Internal server error")
NULL_RECORD = envelope(None, 422, "recordInfo is null")


@dataclass(frozen=True)
class Story:
    """How one create and its task go. Of each part the last entry repeats; None is as it should."""

    creates: tuple[Answer | Fault | None, ...] = (None,)
    records: tuple[str | dict[str, Any] | Answer | Fault, ...] = ()
    """States, fields of the record, or answers; without any, the fake's own progress."""
    media: tuple[Answer | Fault | None, ...] = (None,)
    """By download."""
    results: int = 1
    """How many files are made."""
    written: Any = None
    """Text or data that is made beside them, or alone."""


@dataclass
class Task:
    """An accepted create."""

    body: dict[str, Any]
    story: Story = Story()
    downloads: int = 0

    @property
    def prompt(self) -> str:
        """The prompt that was sent; empty without one."""
        return str(self.body.get("input", {}).get("prompt", ""))


_ROUTES: dict[str, tuple[Host, str, str]] = {
    "create": ("api", "POST", "/api/v1/jobs/createTask"),
    "record": ("api", "GET", "/api/v1/jobs/recordInfo"),
    "credit": ("api", "GET", "/api/v1/chat/credit"),
    "renew": ("api", "POST", "/api/v1/common/download-url"),
    "upload": ("upload", "POST", "/api/file-stream-upload"),
}


def endpoint_of(request: httpx.Request) -> str:
    """Return what a request is for: create, record, credit, renew, upload, or else media."""
    paths = {path: endpoint for endpoint, (_, _, path) in _ROUTES.items()}
    return paths.get(request.url.path, "media")


@dataclass
class FakeKie:
    """Requests, what was wrong with them, and how to answer. May be read from any thread."""

    clip: bytes
    is_strict: bool = False
    keys: tuple[str, ...] = (KEY,)
    """Those that a strict one accepts."""
    urls: dict[Host, str] = field(
        default_factory=lambda: dict.fromkeys(("api", "upload", "media"), "http://kie.test")
    )
    stories: dict[str, Story] = field(default_factory=dict)
    """By prompt."""
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    """By endpoint; each is used up by one request."""
    outages: dict[str, Fault] = field(default_factory=dict)
    """By endpoint, until taken away."""
    record: dict[str, Any] = field(default_factory=dict)
    """Further fields of every task's record."""
    polls_until_success: int = 2
    polls: Counter[str] = field(default_factory=Counter)
    """Questions by task id."""
    tasks: dict[str, Task] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    """Uploads by their address, in the order in which they came."""
    received: list[httpx.Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """Every departure of a request from the documentation."""

    @property
    def environment(self) -> dict[str, str]:
        """What points the program here."""
        return {
            "KIE_API_BASE_URL": self.urls["api"],
            "KIE_UPLOAD_BASE_URL": self.urls["upload"],
        }

    @property
    def media_url(self) -> str:
        """The address at which results and uploads are."""
        return self.urls["media"]

    @property
    def counts(self) -> Counter[str]:
        """How many requests arrived, by endpoint."""
        return Counter(map(endpoint_of, self.received))

    @property
    def creates(self) -> Counter[str]:
        """Arrived creates by prompt, refused ones included."""
        bodies = [json.loads(r.content) for r in self.received if endpoint_of(r) == "create"]
        return Counter(Task(body).prompt for body in bodies)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The accepted creates, in their order."""
        return [task.body for task in list(self.tasks.values())]

    @property
    def upload_names(self) -> list[str]:
        """The names of the files that were uploaded, in their order."""
        return [url.rpartition("/")[2] for url in self.files]

    def keys_at(self, *endpoints: str) -> set[str]:
        """Return the keys in the requests to these endpoints."""
        requests = [r for r in self.received if endpoint_of(r) in endpoints]
        return {r.headers.get("Authorization", "").removeprefix("Bearer ") for r in requests}

    def body_of(self, prompt: str) -> dict[str, Any]:
        """Return the body of the one accepted create with this prompt."""
        (body,) = (body for body in self.bodies if Task(body).prompt == prompt)
        return body

    def polls_of(self, prompt: str) -> int:
        """Count the questions about tasks with this prompt."""
        tasks = list(self.tasks.items())
        return sum(self.polls[key] for key, task in tasks if task.prompt == prompt)

    def host_of(self, request: httpx.Request) -> Host:
        """Return which of the three addresses a request went to."""
        ports = {httpx.URL(url).port: host for host, url in self.urls.items()}
        return ports[request.url.port]

    async def answer(self, request: httpx.Request) -> Answer:
        """Answer a request, and note what is wrong with it."""
        await request.aread()
        self.received.append(request)
        endpoint = endpoint_of(request)
        once = self.faults.get(endpoint)
        fault = once.pop(0) if once else self.outages.get(endpoint)
        if fault is not None and (answer := await fault(request)) is not None:
            return answer
        answers = {
            "create": self.create,
            "record": self._record,
            "credit": self._credit,
            "renew": self._renew,
            "upload": self._upload,
            "media": self._media,
        }
        wrong = self._wrong_address(request) if self.is_strict else None
        return await answers[endpoint](request) if wrong is None else wrong

    def _wrong_address(self, request: httpx.Request) -> Answer | None:
        endpoint, host = endpoint_of(request), self.host_of(request)
        if endpoint == host == "media":
            return None
        if request.headers.get_list("Authorization") not in [
            [f"Bearer {key}"] for key in self.keys
        ]:
            return envelope(None, 401, "You do not have access permissions")
        if endpoint == "media" or (host, request.method) != _ROUTES[endpoint][:2]:
            return self._complain(404, f"no {request.method} {request.url.path} at {host}")
        return None

    def _complain(self, code: int, complaint: str) -> Answer:
        self.complaints.append(complaint)
        return envelope(None, code, complaint)

    async def create(self, request: httpx.Request) -> Answer:
        """Accept a create, unless its story or the documentation says otherwise."""
        task = Task(json.loads(request.content))
        task.story = self.stories.get(task.prompt, task.story)
        if self.is_strict and (wrong := list(self._departures(request, task.body))):
            return self._complain(422, "; ".join(wrong))
        spoilt = await _played(nth(task.story.creates, self.creates[task.prompt]), request)
        if spoilt is not None:
            return spoilt
        task_id = f"task-{len(self.tasks) + 1}"
        self.tasks[task_id] = task
        return envelope({"taskId": task_id})

    def _departures(self, request: httpx.Request, body: dict[str, Any]) -> Iterator[str]:
        if request.headers["Content-Type"] != "application/json":
            yield f"a create is {request.headers['Content-Type']}"
        yield from departures(body)
        given = body.get("input", {})
        pictures = [given.get("image_url"), given.get("end_image_url")]
        for url in [*given.get("image_urls", ()), *pictures]:
            if url and url.startswith(self.media_url) and url not in self.files:
                yield f"nothing was uploaded to {url}"

    async def _record(self, request: httpx.Request) -> Answer:
        if self.is_strict and (request.url.params.keys() != {"taskId"} or request.content):
            return self._complain(
                400, f"a query with {request.url.query!r} and {request.content!r}"
            )
        task_id = request.url.params["taskId"]
        if self.is_strict and task_id not in self.tasks:
            return NULL_RECORD
        task = self.tasks.get(task_id, Task({}))
        self.polls[task_id] += 1
        scripted = nth(task.story.records or (self._state(task_id),), self.polls[task_id])
        if not isinstance(scripted, (str, dict)):
            return await _played(scripted, request) or NULL_RECORD
        fields = {"state": scripted} if isinstance(scripted, str) else scripted
        documented = _documented_fields(task, fields["state"]) if self.is_strict else {}
        result = json.dumps(self._result(task_id, task)) if fields["state"] == "success" else ""
        data = {"taskId": task_id, **documented, "resultJson": result}
        return envelope({**data, **fields, **self.record})

    def _state(self, task_id: str) -> str:
        if self.polls[task_id] > self.polls_until_success:
            return "success"
        return ("waiting", "queuing", "generating")[min(self.polls[task_id], 3) - 1]

    def _result(self, task_id: str, task: Task) -> dict[str, Any]:
        names = [f"{n}/{task_id}" if n else task_id for n in range(task.story.results)]
        result: dict[str, Any] = {
            "resultUrls": [f"{self.media_url}/media/{name}.mp4" for name in names]
        }
        return (
            result if task.story.written is None else result | {"resultObject": task.story.written}
        )

    async def _credit(self, request: httpx.Request) -> Answer:
        return envelope(CREDITS)

    async def _renew(self, request: httpx.Request) -> Answer:
        return envelope(json.loads(request.content)["url"] + "?fresh=1")

    async def _upload(self, request: httpx.Request) -> Answer:
        parts = _parts(request)
        if parts.keys() != {"file", "uploadPath", "fileName"}:
            return self._complain(400, f"an upload of {sorted(parts)}")
        content = _payload(parts["file"])
        path = f"{_payload(parts['uploadPath']).decode()}/{_payload(parts['fileName']).decode()}"
        url = f"{self.media_url}/uploads/{path}"
        if self.is_strict:
            wrong = _wrong_file(parts["file"], content)
            if url in self.files:
                wrong = f"the name {path} was used before"
            if wrong:
                return self._complain(422, wrong)
        self.files[url] = content
        return envelope({"fileName": path, "downloadUrl": url}, success=True)

    async def _media(self, request: httpx.Request) -> Answer:
        secrets = {"authorization", "cookie"} & request.headers.keys()
        assert self.is_strict or not secrets
        self.complaints += [f"{secret} at the media host" for secret in secrets]
        task = self.tasks.get(request.url.path.rpartition("/")[2].removesuffix(".mp4"))
        if task is None:
            return raw_answer(b"gone", 404, "text/plain") if self.is_strict else self._clip()
        task.downloads += 1
        return await _played(nth(task.story.media, task.downloads), request) or self._clip()

    def _clip(self) -> Answer:
        return raw_answer(self.clip, mime="video/mp4")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Speak ASGI."""
        content, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":  # the caller was killed while it sent
                return
            content, more = content + message.get("body", b""), message.get("more_body", False)
        host = dict(scope["headers"])[b"host"].decode()
        target = scope["raw_path"] + (
            b"?" + scope["query_string"] if scope["query_string"] else b""
        )
        url = f"http://{host}{target.decode()}"
        request = httpx.Request(scope["method"], url, headers=scope["headers"], content=content)
        try:
            answer = await self.answer(request)
        except httpx.TransportError:
            scope["state"][_ABORT]()
            return
        headers = [*answer.headers.raw, (b"connection", b"close")]
        await send(
            {"type": "http.response.start", "status": answer.status_code, "headers": headers}
        )
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        async for chunk in answer.stream:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body"})


def nth(entries: tuple[Entry, ...], number: int) -> Entry:
    """Return the entry for the `number`th time, counted from 1; the last one repeats."""
    return entries[min(number, len(entries)) - 1]


async def _played(entry: Answer | Fault | None, request: httpx.Request) -> Answer | None:
    return await entry(request) if callable(entry) else entry


def _documented_fields(task: Task, state: str) -> dict[str, Any]:
    is_success = state == "success"
    return {
        "model": task.body["model"],
        "param": json.dumps(task.body),
        "failCode": None,
        "failMsg": None,
        "costTime": 2_000 if is_success else None,
        "completeTime": int(time.time() * 1000) if is_success else None,
        "createTime": 1_757_584_164_490,
    }


def _parts(request: httpx.Request) -> dict[str, Message]:
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.content)
    parts = [part for part in message.walk() if not part.is_multipart()]
    return {str(part.get_param("name", header="content-disposition")): part for part in parts}


def _payload(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def _wrong_file(part: Message, content: bytes) -> str:
    """Say what is wrong with a picture: its bytes count, whatever it is declared to be."""
    signs = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"RIFF": "image/webp"}
    real = next((mime for sign, mime in signs.items() if content.startswith(sign)), "unknown")
    if part.get_content_type() != real:
        return f"a file declared {part.get_content_type()} is {real}"
    return f"a file of {len(content)} bytes" if len(content) > MAX_PICTURE_BYTES else ""


_ABORT = "abort"


class _DroppingProtocol(H11Protocol):
    """Puts into every request's `scope["state"]` the function that breaks its connection."""

    def connection_made(self, transport: Any) -> None:
        self.app_state = {**self.app_state, _ABORT: transport.abort}
        super().connection_made(transport)


@contextmanager
def serving(kie: ServedKie) -> Iterator[ServedKie]:
    """Serve at three addresses of this computer, in a thread: the API, uploads and media."""
    sockets = {host: socket.create_server(("127.0.0.1", 0), backlog=256) for host in kie.urls}
    kie.urls = {host: f"http://127.0.0.1:{s.getsockname()[1]}" for host, s in sockets.items()}
    config = uvicorn.Config(
        kie,
        http=_DroppingProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=(list(sockets.values()),), daemon=True)
    thread.start()
    try:
        yield kie
    finally:
        server.should_exit = True
        thread.join()
