"""Kie by its documentation alone: strict about every request, and willing to misbehave.

Nothing here is shared with the catalog, the client or the simulator: what is allowed is written
out by hand from the two documentation pages, so that a mistake made in our specs shows up here.
Uploads and the balance are on neither page; they follow what is known of the live service.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qs, urlsplit

KEY = "fake-kie-key-b6c1"
CREDITS = 87.5

GROK = "grok-imagine/image-to-video"
V1_LITE = "bytedance/v1-lite-image-to-video"
GROK_IMAGE_TASK = "an-image-task-of-grok"

Host = Literal["api", "upload", "media"]
Check = Callable[[Any], bool]
Entry = TypeVar("Entry")


def text(most: int) -> Check:
    """Allow text up to a number of characters."""
    return lambda value: isinstance(value, str) and len(value) <= most


def one_of(*options: str) -> Check:
    """Allow one of these strings, and no number that looks like one."""
    return lambda value: isinstance(value, str) and value in options


def whole(low: int, high: int) -> Check:
    """Allow a whole number, inclusive of both ends."""
    return lambda value: type(value) is int and low <= value <= high


def is_url(value: Any) -> bool:
    """Allow an absolute web address."""
    return isinstance(value, str) and value.startswith(("http://", "https://"))


def is_one_url_in_a_list(value: Any) -> bool:
    """Allow an array of exactly one address."""
    return isinstance(value, list) and len(value) == 1 and is_url(value[0])


def is_switch(value: Any) -> bool:
    """Allow a JSON boolean."""
    return isinstance(value, bool)


DOCUMENTED: dict[str, dict[str, Check]] = {
    GROK: {
        "image_urls": is_one_url_in_a_list,
        "task_id": text(100),
        "index": whole(0, 5),
        "prompt": text(5_000),
        "mode": one_of("fun", "normal", "spicy"),
        "duration": one_of("6", "10"),
        "resolution": one_of("480p", "720p"),
    },
    V1_LITE: {
        "prompt": text(10_000),
        "image_url": is_url,
        "resolution": one_of("480p", "720p", "1080p"),
        "duration": one_of("3", "4", "5", "6", "7", "8", "9", "10", "11", "12"),
        "camera_fixed": is_switch,
        "seed": whole(-1, 2_147_483_647),
        "enable_safety_checker": is_switch,
        "end_image_url": lambda value: value == "" or is_url(value),
    },
}
REQUIRED = {GROK: (), V1_LITE: ("prompt", "image_url")}
MAX_PICTURE_BYTES = 10_000_000


def departures(body: Any) -> Iterator[str]:
    """Find everything in the body of a create that its documentation page does not allow."""
    if not isinstance(body, dict) or not isinstance(body.get("input"), dict):
        yield "the body is no object with an input object"
        return
    given, table = body["input"], DOCUMENTED.get(body.get("model", ""))
    if table is None:
        yield f"unknown model {body.get('model')!r}"
        return
    yield from (f"unknown field {name}" for name in body.keys() - {"model", "input", "callBackUrl"})
    yield from (f"unknown input {name}" for name in given.keys() - table.keys())
    for name in table.keys() & given.keys():
        if not table[name](given[name]):
            yield f"{name} may not be {given[name]!r}"
    yield from (f"{name} is missing" for name in REQUIRED[body["model"]] if not given.get(name))
    if body["model"] == GROK:
        yield from _grok_departures(given)


def _grok_departures(given: dict[str, Any]) -> Iterator[str]:
    if ("image_urls" in given) == ("task_id" in given):
        yield "exactly one of image_urls and task_id is to be given"
    if "index" in given and "task_id" not in given:
        yield "index works only with task_id"
    if given.get("mode") == "spicy" and "image_urls" in given:
        yield "spicy is not supported with an external image"


@dataclass(frozen=True)
class Answer:
    """Bytes on the wire, in place of what would be answered."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    drops: bool = False
    """Close the connection without a word."""
    headers: tuple[tuple[str, str], ...] = ()


def envelope(data: Any, code: int = 200, msg: str = "success", **more: Any) -> Answer:
    """Answer as Kie wraps everything."""
    return Answer(json.dumps({"code": code, "msg": msg, "data": data, **more}).encode())


DROPPED = Answer(drops=True)
PROXY_PAGE = Answer(b"<!DOCTYPE html><html><h1>502 Bad Gateway</h1></html>", 502, "text/html")
HALF_JSON = Answer(b'{"code": 200, "msg": "succ')
RATE_LIMITED = envelope(None, 429, "Your call frequency is too high")
FAULT = envelope(None, 500, "Internal server error")
NULL_RECORD = envelope(None, 422, "recordInfo is null")


def failed(code: str, msg: str) -> dict[str, Any]:
    """Tell of a task that ended without a clip."""
    return {"state": "fail", "failCode": code, "failMsg": msg}


Told = str | dict[str, Any] | Answer
"""An answer about a task: a state, some fields of the record, or bytes."""


@dataclass(frozen=True)
class Story:
    """How one create and its task go. Of each part the last entry repeats; None is as it should."""

    creates: tuple[Answer | None, ...] = (None,)
    records: tuple[Told, ...] = ("success",)
    media: tuple[Answer | None, ...] = (None,)
    """By download."""
    results: int = 1
    """How many files are made."""
    written: Any = None
    """Text or data that is made beside them, or alone."""


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    host: Host
    method: str
    path: str
    query: dict[str, list[str]]
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        """The body of a request that carries JSON."""
        return json.loads(self.body)


@dataclass
class Task:
    """An accepted create."""

    body: dict[str, Any]
    story: Story
    polls: int = 0
    downloads: int = 0


@dataclass
class FakeKie:
    """What was asked, what was wrong with it, and how to answer. May be read from any thread."""

    clip: bytes
    keys: tuple[str, ...] = (KEY,)
    stories: dict[str, Story] = field(default_factory=dict)
    """By prompt."""
    received: list[Received] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """Every departure of a request from the documentation."""
    tasks: dict[str, Task] = field(default_factory=dict)
    creates: dict[str, int] = field(default_factory=dict)
    """Arrived creates by prompt, refused ones included."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Uploads by their address."""
    urls: dict[Host, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def environment(self) -> dict[str, str]:
        """What points the program here."""
        return {
            "KIE_API_BASE_URL": self.urls["api"],
            "KIE_UPLOAD_BASE_URL": self.urls["upload"],
        }

    def to(self, path: str) -> list[Received]:
        """List the requests to a path that ends so."""
        return [request for request in self.received if request.path.endswith(path)]

    def body_of(self, prompt: str) -> dict[str, Any]:
        """Return the body of the one accepted create with this prompt."""
        (task,) = (t for t in self.tasks.values() if t.body["input"].get("prompt") == prompt)
        return task.body

    def polls(self, prompt: str) -> int:
        """Count the questions about tasks with this prompt."""
        tasks = [t for t in self.tasks.values() if t.body["input"].get("prompt") == prompt]
        return sum(task.polls for task in tasks)

    def answer(self, request: Received) -> Answer:
        """Answer a request, and write down what is wrong with it."""
        with self.lock:
            self.received.append(request)
            if request.host == "media":
                return self._media(request)
            known = [f"Bearer {key}" for key in self.keys]
            if request.headers.get_all("Authorization") not in [[value] for value in known]:
                return envelope(None, 401, "You do not have access permissions")
            routes = {
                ("api", "POST", "/api/v1/jobs/createTask"): self._create,
                ("api", "GET", "/api/v1/jobs/recordInfo"): self._record,
                ("api", "GET", "/api/v1/chat/credit"): lambda _: envelope(CREDITS),
                ("upload", "POST", "/api/file-stream-upload"): self._upload,
            }
            route = routes.get((request.host, request.method, request.path))
            if route is None:
                return self._complain(404, f"no {request.method} {request.path} at {request.host}")
            return route(request)

    def _complain(self, code: int, complaint: str) -> Answer:
        self.complaints.append(complaint)
        return envelope(None, code, complaint)

    def _create(self, request: Received) -> Answer:
        if request.headers.get_content_type() != "application/json":
            return self._complain(400, f"a create is {request.headers['Content-Type']}")
        wrong = [*departures(request.json), *self._wrong_pictures(request.json)]
        if wrong:
            return self._complain(422, "; ".join(wrong))
        prompt = request.json["input"].get("prompt", "")
        story = self.stories.get(prompt, Story())
        number = self.creates[prompt] = self.creates.get(prompt, 0) + 1
        spoilt = nth(story.creates, number)
        if spoilt is not None:
            return spoilt
        task_id = f"281e5b0{len(self.tasks):020x}f39b9"
        self.tasks[task_id] = Task(request.json, story)
        return envelope({"taskId": task_id})

    def _wrong_pictures(self, body: Any) -> Iterator[str]:
        given = body.get("input", {})
        for url in (
            *given.get("image_urls", ()),
            given.get("image_url"),
            given.get("end_image_url"),
        ):
            if url and url.startswith(self.urls["media"]) and url not in self.files:
                yield f"nothing was uploaded to {url}"

    def _record(self, request: Received) -> Answer:
        if request.query.keys() != {"taskId"} or request.body:
            return self._complain(400, f"a query with {request.query} and {request.body!r}")
        (task_id,) = request.query["taskId"]
        task = self.tasks.get(task_id)
        if task is None:
            return NULL_RECORD
        task.polls += 1
        told = nth(task.story.records, task.polls)
        if isinstance(told, Answer):
            return told
        return envelope(self._documented_record(task_id, task, told))

    def _documented_record(
        self, task_id: str, task: Task, told: str | dict[str, Any]
    ) -> dict[str, Any]:
        fields = {"state": told} if isinstance(told, str) else told
        is_success = fields["state"] == "success"
        story = task.story
        media = f"{self.urls['media']}/results"
        result: dict[str, Any] = {
            "resultUrls": [f"{media}/{number}/{task_id}.mp4" for number in range(story.results)]
        }
        if story.written is not None:
            result["resultObject"] = story.written
        return {
            "taskId": task_id,
            "model": task.body["model"],
            "param": json.dumps(task.body),
            "resultJson": json.dumps(result) if is_success else None,
            "failCode": None,
            "failMsg": None,
            "costTime": 2_000 if is_success else None,
            "completeTime": int(time.time() * 1000) if is_success else None,
            "createTime": 1_757_584_164_490,
            **fields,
        }

    def _upload(self, request: Received) -> Answer:
        parts = {
            part.get_param("name", header="content-disposition"): part for part in _parts(request)
        }
        if parts.keys() != {"file", "uploadPath", "fileName"}:
            return self._complain(400, f"an upload of {sorted(map(str, parts))}")
        content = _payload(parts["file"])
        path = f"{_payload(parts['uploadPath']).decode()}/{_payload(parts['fileName']).decode()}"
        url = f"{self.urls['media']}/uploads/{path}"
        wrong = _wrong_file(parts["file"], content)
        if url in self.files:
            wrong = f"the name {path} was used before"
        if wrong:
            return self._complain(422, wrong)
        self.files[url] = content
        return envelope({"fileName": path, "downloadUrl": url}, success=True)

    def _media(self, request: Received) -> Answer:
        for secret in ("Authorization", "Cookie"):
            if secret in request.headers:
                self.complaints.append(f"{secret} at the media host")
        task = self.tasks.get(request.path.rpartition("/")[2].removesuffix(".mp4"))
        if task is None:
            return Answer(b"gone", 404, "text/plain")
        task.downloads += 1
        spoilt = nth(task.story.media, task.downloads)
        return spoilt or Answer(self.clip, content_type="video/mp4")


def nth(entries: tuple[Entry, ...], number: int) -> Entry:
    """Return the entry for the `number`th time, counted from 1; the last one repeats."""
    return entries[min(number, len(entries)) - 1]


def _parts(request: Received) -> list[Message]:
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    return [part for part in message.walk() if not part.is_multipart()]


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
    if len(content) > MAX_PICTURE_BYTES:
        return f"a file of {len(content)} bytes"
    return ""


def _handler(kie: FakeKie, host: Host) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            query = parse_qs(parts.query, keep_blank_values=True)
            request = Received(host, self.command, parts.path, query, self.headers, body)
            self._send(kie.answer(request))

        do_POST = do_GET  # noqa: N815 - the name by which its base calls it

        def _send(self, answer: Answer) -> None:
            self.close_connection = True
            if answer.drops:
                return
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.send_header("Connection", "close")
            for name, value in answer.headers:
                self.send_header(name, value)
            with suppress(ConnectionError):  # who asked may have been killed meanwhile
                self.end_headers()
                self.wfile.write(answer.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its base's word
            """Keep quiet: the requests are kept in the fake."""

    return Handler


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    """Connections that wait to be accepted: of more than five at once, its base may lose some."""


@contextmanager
def serving(kie: FakeKie) -> Iterator[FakeKie]:
    """Serve at three addresses of this computer: the API, the uploads, and the media."""
    hosts: tuple[Host, ...] = ("api", "upload", "media")
    servers = [_Server(("127.0.0.1", 0), _handler(kie, host)) for host in hosts]
    for host, server in zip(hosts, servers, strict=True):
        kie.urls[host] = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield kie
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
