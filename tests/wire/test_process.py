from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fake_kie import KEY, FakeKie, Story
from tests.wire.api_client import GROK, calling, made
from tests.wire.app_process import AppProcess, with_fast_clock
from tests.wire.tiny_media import shows
from tests.wire.visitor import with_deadline

WAIT_S = 30
KILLED, STOPPED = "the server is killed", "the server is stopped"


@contextmanager
def hearing(app: AppProcess, cookie: str = "") -> Iterator[Iterator[tuple[str, dict[str, Any]]]]:
    """Open the page's stream."""
    timeout = httpx.Timeout(WAIT_S)
    headers = {"cookie": cookie} if cookie else {}
    with (
        httpx.Client(base_url=app.url, timeout=timeout, trust_env=False, headers=headers) as http,
        http.stream("GET", "/kie-ui/stream") as stream,
    ):
        yield _events(stream.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    for line in with_deadline(lines):
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def start_of_a_call(app: AppProcess, prompt: str) -> None:
    """Post a call and leave at once."""
    with httpx.Client(base_url=app.url, trust_env=False) as http:
        data = [["https://a.test/b.png"], "", 0, prompt, "normal", "6", "480p"]
        http.post(f"/gradio_api/call{GROK}", json={"data": data}).raise_for_status()


def until(claim: Any) -> None:
    """Wait until something becomes true."""
    give_up_s = time.monotonic() + WAIT_S
    while not claim():
        assert time.monotonic() < give_up_s, "it never became true"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def revived(fake: FakeKie, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """Kill the program while a task is under way, and start it again over the same data."""
    fake.stories[KILLED] = Story(records=("waiting", "success"))
    folder = tmp_path_factory.mktemp("killed")
    settings = {"KIE_API_KEY": KEY, **fake.environment}
    with AppProcess(folder, with_fast_clock(20), **settings) as first:
        start_of_a_call(first, KILLED)
        until(lambda: fake.polls_of(KILLED))
        first.kill()
    with AppProcess(folder, with_fast_clock(20), **settings) as second:
        yield second


def test_a_killed_server_finds_its_run_again(
    revived: AppProcess, fake: FakeKie, clip: bytes
) -> None:
    """The next one takes it to its end, from the one create that there was."""
    with hearing(revived) as events:
        run = next(data for name, data in events if name == "run" and data["is_final"])
    address = f"{revived.url}/kie-ui/runs/{run['id']}/clips/0.mp4"
    assert shows(httpx.get(address, trust_env=False).content, clip)
    assert run["step"] == "done"
    assert fake.creates[KILLED] == 1


def test_a_server_that_is_stopped_closes_what_it_opened(revived: AppProcess, fake: FakeKie) -> None:
    """With a run under way and a page open: the database is left in order, and no traceback."""
    fake.stories[STOPPED] = Story(records=("waiting",))
    with hearing(revived) as events:
        next(events)
        start_of_a_call(revived, STOPPED)
        until(lambda: fake.polls_of(STOPPED))
        assert revived.stop() == 0, revived.output
    assert "Traceback" not in revived.output
    kept = [path.name for path in (revived.folder / "data").glob("runs.*")]
    assert kept == ["runs.sqlite3"]


def test_visitors_of_a_reachable_server_see_their_own_runs_only(
    live_app: AppProcess, tmp_path: Path
) -> None:
    """A client keeps its identity between its calls, and nobody else gets its clip."""
    with calling(live_app, tmp_path) as ada, calling(live_app, tmp_path) as ben:
        made(ada.submit(api_name=GROK, prompt="of ada's"))
        mine, theirs = (dict(client.cookies) for client in (ada, ben))
    cookies = ["; ".join(f"{k}={v}" for k, v in jar.items()) for jar in (mine, theirs)]
    assert cookies[0] != cookies[1]
    with hearing(live_app, cookies[0]) as events:
        run = next(data for name, data in events if name == "run")
    with hearing(live_app, cookies[1]) as events:
        heard = set(takewhile(lambda name: name != "ready", (name for name, _ in events)))
    assert run["values"]["prompt"] == "of ada's"
    assert "account" in heard
    assert "run" not in heard
    address = f"{live_app.url}/kie-ui/runs/{run['id']}/clips/0.mp4"
    codes = [
        httpx.get(address, headers={"cookie": cookie}, trust_env=False).status_code
        for cookie in (*cookies, "")
    ]
    assert codes == [200, 404, 404]
