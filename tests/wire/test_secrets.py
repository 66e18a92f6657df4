from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fake_kie import Answer, FakeKie, Story, envelope, failed, raw_answer, serving
from tests.wire.api_client import GROK, V1_LITE
from tests.wire.app_process import AT_DEBUG, AppProcess, with_fast_clock
from tests.wire.visitor import API, Visitor

SERVER_KEY = "planted-server-key-71c2f0d94b"
TYPED_KEY = "planted-typed-key-a93e5518fe"
WRONG_KEY = "planted-wrong-key-02bb7c61d4"
WEBHOOK_KEY = "planted-webhook-key-4f7d20ce"
PASSWORD = "planted-password-9d31aa52c8"
SECRETS = (SERVER_KEY, TYPED_KEY, WRONG_KEY, WEBHOOK_KEY, PASSWORD)


@dataclass
class EchoingKie(FakeKie):
    """A Kie that repeats the key wherever it can: in words, records, links and headers."""

    is_strict: bool = True
    polls_until_success: int = 0
    keys: tuple[str, ...] = (SERVER_KEY, TYPED_KEY)
    used: list[str] = field(default_factory=list)

    async def answer(self, request: httpx.Request) -> Answer:
        """Answer as ever, with the key of the request in place of `KEY`."""
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        answer = await super().answer(request)
        if not key:
            return answer
        self.used.append(key)
        try:
            said = json.loads(answer.content)
        except ValueError:  # a story of broken answers
            return raw_answer(answer.content + key.encode(), answer.status_code)
        said |= {"msg": f"{said['msg']} (key {key})", "echo": {key: [f"Bearer {key}"]}}
        if isinstance(said["data"], dict):
            said["data"] = {**said["data"], "apiKey": key, **self._links(said["data"], key)}
        headers = {"X-Api-Key": key, "Set-Cookie": f"key={key}"}
        return Answer(answer.status_code, json=said, headers=headers)

    def _links(self, data: dict[str, Any], key: str) -> dict[str, Any]:
        if not data.get("resultJson"):
            return {}
        urls = [f"{url}?token={key}" for url in json.loads(data["resultJson"])["resultUrls"]]
        return {"resultJson": json.dumps({"resultUrls": urls}), "failMsg": f"none for {key}"}


@dataclass
class Round:
    """The program after a full round, stopped, and what it said meanwhile."""

    app: AppProcess
    heard: str
    secrets: tuple[str, ...]


STORIES = {
    "well": Story(),
    "refused": Story(creates=(envelope(None, 422, "No such thing"),)),
    "unknown": Story(creates=(raw_answer(b'{"code": 200, "ms'),)),
    "failing": Story(records=(failed("501", "Too blurry"),)),
    "half a record": Story(records=(raw_answer(b"<html>no"), "success")),
    "no download": Story(media=(raw_answer(b"no", 403, "text/plain"),)),
}


@pytest.fixture(scope="module")
def echoing(clip: bytes) -> Iterator[EchoingKie]:
    """Serve a Kie that repeats keys."""
    with serving(EchoingKie(clip, stories=dict(STORIES))) as kie:
        yield kie


@pytest.fixture(scope="module")
def after(echoing: EchoingKie, jpeg: Path, tmp_path_factory: pytest.TempPathFactory) -> Round:
    """Make a full round as two visitors, one with the server's key and one with a typed one."""
    settings = {
        "KIE_API_KEY": SERVER_KEY,
        "KIE_UI_SHARE_SERVER_KEY": "1",
        "KIE_UI_VISITORS": "many",
        "KIE_WEBHOOK_KEY": WEBHOOK_KEY,
        "KIE_UI_PUBLIC_URL": "https://ours.test",
        **echoing.environment,
    }
    folder = tmp_path_factory.mktemp("echo")
    with AppProcess(folder, AT_DEBUG, with_fast_clock(20), **settings) as app:
        with Visitor(app) as guest, Visitor(app) as typist:
            assert "did not accept" in typist.type_key(WRONG_KEY)
            assert "could not be tested" in typist.type_key("")
            assert "works" in typist.type_key(TYPED_KEY)
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda visitor: _go_round(visitor, jpeg), (guest, typist)))
            heard = "\n".join(guest.answers + typist.answers)
            secrets = (guest.secret, typist.secret)
        app.kill()  # so that the journal of the database is searched as well
    return Round(app, heard, SECRETS + secrets)


def _go_round(visitor: Visitor, jpeg: Path) -> None:
    file = {"path": visitor.upload(jpeg), "meta": {"_type": "gradio.FileData"}}
    calls = [
        (GROK, visitor.call(GROK, prompt=prompt)) for prompt in STORIES if prompt != "no download"
    ]
    calls.append((V1_LITE, visitor.call(V1_LITE, prompt="with a file", image_url=file)))
    with ThreadPoolExecutor(len(calls)) as pool:
        list(pool.map(lambda call: visitor.result(*call), calls))
    run = visitor.run("well", "done")
    visitor.get(f"/kie-ui/runs/{run['id']}/clips/0.mp4")
    visitor.http.post(f"/kie-ui/runs/{run['id']}/cancel")
    visitor.http.post("/kie-ui/track", json={"task_id": run["task_id"]})
    page = ("/", "/config", f"{API}/info", f"{API}/openapi.json", f"{API}/queue/status")
    in_full = [f"/kie-ui/runs/{run['id']}{part}" for part in ("", "/poster", "/usual")]
    for path in (*page, "/kie-ui/history", "/kie-ui/spending", "/kie-ui/runs", *in_full):
        assert visitor.get(path).is_success
    visitor.http.post(f"/kie-ui/runs/{run['id']}/settings", json={"new_seed": True})
    zipped = visitor.http.post("/kie-ui/history/zip", data={"run_ids": run["id"]})
    with zipfile.ZipFile(io.BytesIO(zipped.content)) as archive:
        visitor.answers += [archive.read(name).decode("latin-1") for name in archive.namelist()]
    visitor.http.post(f"{API}/queue/join", json={"data": [TYPED_KEY], "fn_index": {}})


def forms(secret: str) -> tuple[bytes, ...]:
    """List the ways in which a secret may be written down."""
    plain = secret.encode()
    return plain, plain.hex().encode(), plain[::-1], secret.encode("utf-16-le")


def test_the_round_was_made_with_the_keys(after: Round, echoing: EchoingKie) -> None:
    """Or there would be nothing to find."""
    assert set(echoing.used) >= {SERVER_KEY, TYPED_KEY, WRONG_KEY}
    assert "event: complete" in after.heard
    assert "Too blurry" in after.heard
    assert "***" in after.heard


def test_no_file_holds_a_secret(after: Round) -> None:
    """Neither the database, its journal, clips, uploads nor the log at its most talkative."""
    files = [path for path in after.app.folder.rglob("*") if path.is_file()]
    names = {path.name for path in files}
    assert {"runs.sqlite3", "app.log"} <= names
    assert any(path.suffix == ".mp4" for path in files)
    found = [
        (path.name, secret)
        for path in files
        for secret in after.secrets
        if any(
            form in path.read_bytes() or form.decode("latin-1") in str(path)
            for form in forms(secret)
        )
    ]
    assert found == []


def test_no_answer_holds_a_secret(after: Round) -> None:
    """Pages, records, errors, streams and headers; only the cookie itself carries its own."""
    assert [secret for secret in after.secrets if secret in after.heard] == []


def test_visitors_are_written_down_as_hashes(after: Round) -> None:
    """Who reads the database cannot come back as one of them."""
    database = b"".join(p.read_bytes() for p in after.app.folder.glob("data/runs.sqlite3*"))
    for secret in after.secrets[len(SECRETS) :]:
        assert hashlib.sha256(secret.encode()).hexdigest()[:32].encode() in database


def test_the_log_is_at_its_most_talkative(after: Round) -> None:
    """Or its silence would say nothing."""
    assert "DEBUG" in after.app.output
