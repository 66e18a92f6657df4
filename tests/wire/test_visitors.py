from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.fake_kie import FakeKie, Story
from tests.wire.api_client import GROK, V1_LITE
from tests.wire.app_process import AppProcess
from tests.wire.tiny_media import shows
from tests.wire.visitor import API, Visitor, clip_of

PROMPT = "nobody's business but ada's"
WAITING = "ada waits"
DRAFT_META = {"_type": "gradio.FileData"}


@dataclass
class Ada:
    """One visitor, and everything of hers that another may have learnt."""

    visitor: Visitor
    upload: str
    """Where the picture lies that she put into a form."""
    event: str
    """The id of a call that has ended, whose result she has yet to fetch."""
    clip: str
    """Where Gradio keeps the clip of another call."""
    run_id: str


@pytest.fixture(scope="module")
def ada(live_app: AppProcess, jpeg: Path) -> Iterator[Ada]:
    """Let Ada upload a picture, make clips by the page's endpoints, and stay."""
    with Visitor(live_app, session="session-of-ada") as visitor:
        upload = visitor.upload(jpeg)
        file = {"path": upload, "meta": DRAFT_META}
        done = visitor.call(V1_LITE, prompt=PROMPT, image_url=file)
        result = visitor.result(V1_LITE, done)
        assert "event: complete" in result, result
        event = visitor.call(GROK, prompt="a call of ada's")
        run = visitor.run(PROMPT, "done")
        yield Ada(visitor, upload, event, clip_of(result), run["id"])


@pytest.fixture
def ben(live_app: AppProcess) -> Iterator[Visitor]:
    """Open the page in another browser."""
    with Visitor(live_app) as visitor:
        yield visitor


@pytest.fixture
def script(live_app: AppProcess) -> Iterator[httpx.Client]:
    """Come without any cookie, every time."""
    with httpx.Client(base_url=live_app.url, timeout=30, trust_env=False) as http:
        yield http


def test_the_owner_gets_all_of_it(ada: Ada, clip: bytes, jpeg: Path) -> None:
    """What is shut to others is open to its owner, or these tests would prove nothing."""
    assert ada.visitor.get(f"{API}/file={ada.upload}").content == jpeg.read_bytes()
    assert shows(ada.visitor.get(f"{API}/file={ada.clip}").content, clip)
    assert shows(ada.visitor.get(f"/kie-ui/runs/{ada.run_id}/clips/0.mp4").content, clip)


@pytest.mark.parametrize("spelling", ["file={}", "file/{}", "file=//{}", "file={}?x=1"])
def test_a_cached_file_is_its_owners_alone(
    ada: Ada, ben: Visitor, script: httpx.Client, spelling: str
) -> None:
    """Knowing where an upload or the clip of a call lies is of no use to anyone else."""
    for path in (ada.upload, ada.clip):
        address = f"{API}/{spelling.format(path)}"
        assert ben.get(address).status_code in (403, 404)
        assert script.get(address).status_code in (403, 404)
        assert script.head(address).status_code in (403, 404)


def test_roundabout_ways_to_a_cached_file_are_the_same_way(ada: Ada, ben: Visitor) -> None:
    """Dots, slashes and escapes name the same file, which stays shut."""
    path = Path(ada.upload)
    for way in (
        f"{path.parent}/../{path.parent.name}/{path.name}",
        f"{path.parent}/./{path.name}",
        f"{path.parent}//{path.name}",
        quote(str(path), safe=""),
    ):
        assert ben.get(f"{API}/file={way}").status_code in (403, 404)


def test_another_visitors_upload_cannot_be_made_into_a_clip(
    ada: Ada, ben: Visitor, fake: FakeKie
) -> None:
    """Naming it in a call is as good as naming a file that does not exist."""
    for path in (ada.upload, f"{Path(ada.upload).parent}/../{Path(ada.upload).parent.name}/x.jpg"):
        file = {"path": path, "meta": DRAFT_META}
        result = ben.result(V1_LITE, ben.call(V1_LITE, prompt="stolen", image_url=file))
        assert "event: error" in result
        result = ben.result(GROK, ben.call(GROK, prompt="stolen", image_urls=[file]))
        assert "event: error" in result
    assert "stolen" not in fake.creates


def test_another_visitors_upload_cannot_be_looked_at_by_an_event_of_the_page(
    ada: Ada, ben: Visitor
) -> None:
    """The words under a picture say what it is."""
    event = ben.find_event(label="Picture")
    file = {"path": ada.upload, "meta": DRAFT_META}
    ben.join(event, *([file] * len(event["inputs"])))
    assert "640 × 400" not in json.dumps(list(ben.messages()), ensure_ascii=False)


def test_who_uploads_the_same_picture_sees_it_too(ada: Ada, ben: Visitor, jpeg: Path) -> None:
    """Gradio keeps equal files once; each who had it has it, and nobody loses it."""
    path = ben.upload(jpeg)
    assert path == ada.upload
    assert ben.get(f"{API}/file={path}").content == jpeg.read_bytes()
    assert ada.visitor.get(f"{API}/file={path}").content == jpeg.read_bytes()


def test_the_result_of_a_call_is_only_for_its_caller(
    ada: Ada, ben: Visitor, script: httpx.Client
) -> None:
    """Another who knows the event's id gets nothing, and takes nothing away."""
    for ask in (ben.get, script.get):
        for path in (f"{API}/call{GROK}/{ada.event}", f"{API}/call/v2{GROK}/{ada.event[:32]}"):
            assert ask(path).status_code == 404
    bare = ada.event[:32]
    for answer in ("", f".{bare}"):
        with ben.http.stream("GET", f"{API}/queue/data?session_hash={bare}{answer}") as stream:
            heard = stream.read().decode()
        assert "process_completed" not in heard
    assert "event: complete" in ada.visitor.result(GROK, ada.event)


def test_the_session_of_a_page_is_heard_by_that_page(ada: Ada, ben: Visitor, fake: FakeKie) -> None:
    """Who knows its name neither hears it nor stops what it does."""
    fake.stories[WAITING] = Story(records=("waiting", "waiting", "success"))
    event = next(
        event
        for event in ada.visitor.get("/config").json()["dependencies"]
        if event["api_name"] == GROK.removeprefix("/")
    )
    inputs = [["https://a.test/b.png"], "", 0, WAITING, "normal", "6", "480p"]
    event_id = ada.visitor.join(event, *inputs).json()["event_id"]
    ben.session = ada.visitor.session
    assert event_id not in json.dumps(list(ben.messages()))
    named = {"session_hash": ada.visitor.session, "fn_index": event["id"], "event_id": event_id}
    assert ben.http.post(f"{API}/cancel", json=named).status_code == 404
    assert ben.get(f"{API}/call{GROK}/{event_id}").status_code == 404
    messages = list(ada.visitor.messages())
    assert [m["success"] for m in messages if m["msg"] == "process_completed"] == [True]


@pytest.mark.parametrize("path", ["clips/0.mp4", "clips/0.mp4?download", "inputs/x.jpg"])
def test_our_own_files_are_their_owners(
    ada: Ada, ben: Visitor, script: httpx.Client, path: str
) -> None:
    """A run's id opens nothing."""
    for ask in (ben.get, script.get):
        assert ask(f"/kie-ui/runs/{ada.run_id}/{path}").status_code == 404


@pytest.mark.parametrize(
    "action", ["cancel", "send-again", "task-id", "fetch-again", "watch-again", "delete"]
)
def test_nothing_is_done_to_a_run_but_by_its_owner(ada: Ada, ben: Visitor, action: str) -> None:
    """There is no such run for anyone else."""
    answer = ben.http.post(f"/kie-ui/runs/{ada.run_id}/{action}", json={"task_id": "a"})
    assert answer.status_code in (404, 405)


def test_another_visitor_hears_of_no_run(ada: Ada, ben: Visitor) -> None:
    """Neither at the start of a page nor later."""
    assert PROMPT not in json.dumps(ben.heard_at_start())


def test_an_upload_is_watched_by_who_makes_it(ada: Ada, ben: Visitor, jpeg: Path) -> None:
    """Its progress names files."""
    ada.visitor.upload(jpeg, upload_id="progress-of-ada")
    assert ben.get(f"{API}/upload_progress", upload_id="progress-of-ada").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/deep_link?session_hash=session-of-ada",
        "/token",
        "/proxy=https://huggingface.co",
        "/file=https://huggingface.co/robots.txt",
        "/stream/session-of-ada/1/1/playlist.m3u8",
        "/runs",
        "/run-history/buckets",
        "/vibe-code",
        "/profiling/traces",
        "/dev/reload",
        "/mcp/sse",
        "/component_server",
        "/file=.env",
        "/file=app.py",
    ],
)
def test_what_nobody_here_needs_is_shut(ben: Visitor, path: str) -> None:
    """Routes of Gradio's that lead to sessions, to other hosts, or to its own tools."""
    assert ben.get(API + path).status_code in (403, 404, 405)


@pytest.mark.parametrize("path", ["/monitoring", "/monitoring/summary", "/monitoring/key"])
def test_the_monitoring_is_shut(ben: Visitor, path: str) -> None:
    """Its monitoring counts every visitor's calls."""
    assert ben.get(path).status_code in (403, 404)


def test_the_page_and_its_api_say_nothing_of_anyone(ada: Ada, ben: Visitor) -> None:
    """They are the same for all, before and after."""
    for path in ("/", "/config", f"{API}/info", f"{API}/openapi.json", f"{API}/queue/status"):
        said = ben.get(path).text
        for private in (PROMPT, ada.run_id, ada.upload, ada.clip, ada.visitor.secret):
            assert private not in said


def test_the_sample_pictures_are_everyones(ben: Visitor, script: httpx.Client) -> None:
    """What the page itself shows needs no owner."""
    shown = {
        part["props"]["value"]["path"]
        for part in ben.get("/config").json()["components"]
        if part["type"] == "image" and part["props"].get("value")
    }
    assert shown
    for path in shown:
        assert ben.get(f"{API}/file={path}").is_success
        assert script.get(f"{API}/file={path}").is_success


def test_a_page_of_another_site_is_no_visitor(ada: Ada) -> None:
    """Its scripts come with the visitor's cookie, and get nothing."""
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "origin": "https://e.test"}
    answer = ada.visitor.http.get(f"{API}/file={ada.upload}", headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert ada.visitor.http.get(f"{API}/file={ada.upload}", headers=followed).is_success


def test_a_page_of_another_port_gets_nothing_over_plain_http(ada: Ada) -> None:
    """There a browser sends the origin alone, and the cookie with it."""
    origin = {"origin": "http://127.0.0.1:8320"}
    for path in (f"{API}/file={ada.upload}", "/kie-ui/history", f"/kie-ui/runs/{ada.run_id}"):
        assert ada.visitor.http.get(path, headers=origin).status_code == 403


def test_a_form_of_another_site_presses_nothing(ada: Ada) -> None:
    """Text that reads as JSON is not taken for it, whatever the browser says of the site."""
    for said in (
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate"},
        {},
    ):
        headers = {**said, "content-type": "text/plain"}
        for path in (f"/call/v2{GROK}", "/queue/join"):
            answer = ada.visitor.http.post(API + path, content=b'{"prompt": "x"}', headers=headers)
            assert answer.status_code in (403, 422)


@pytest.mark.parametrize(
    "body", ['{"data": "planted", "fn_index": 1e999}', '{"data": NaN}', '{"data": "\\ud800"}', "[]"]
)
def test_what_makes_no_sense_is_refused_and_not_repeated(
    ada: Ada, live_app: AppProcess, body: str
) -> None:
    """Neither in the answer nor in the log: it may hold a key."""
    headers = {"content-type": "application/json"}
    answer = ada.visitor.http.post(f"{API}/queue/join", content=body, headers=headers)
    assert answer.status_code == 422
    assert "planted" not in answer.text + live_app.output


def test_an_endpoint_that_is_not_there_breaks_nothing(ada: Ada, live_app: AppProcess) -> None:
    """Nor an event that is none."""
    before = live_app.output.count("Traceback")
    for name in ("none", "press", "take"):  # the last two are private events of the page
        assert ada.visitor.http.post(f"{API}/call/v2/{name}", json={}).status_code == 404
    forgotten = {"data": [], "fn_index": 10**6, "session_hash": "s"}
    assert ada.visitor.http.post(f"{API}/queue/join", json=forgotten).status_code == 410
    body = {"session_hash": "s", "fn_index": 0, "event_id": {"a": 1}}
    assert ada.visitor.http.post(f"{API}/cancel", json=body).status_code == 404
    assert live_app.output.count("Traceback") == before


def test_drafts_keep_their_pictures_over_a_restart(
    fake: FakeKie, jpeg: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The data folder says whose an upload is; an unknown one belongs to nobody."""
    folder = tmp_path_factory.mktemp("restarted")
    settings = {"KIE_UI_VISITORS": "many", **fake.environment}
    with AppProcess(folder, **settings) as app, Visitor(app) as before:
        path, cookie = before.upload(jpeg), before.secret
    with AppProcess(folder, **settings) as app, Visitor(app, cookie=cookie) as after:
        assert after.get(f"{API}/file={path}").content == jpeg.read_bytes()
        with Visitor(app) as other:
            assert other.get(f"{API}/file={path}").status_code == 404
