from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kie_ui.ui.asgi.identity import COOKIE
from tests.fake_kie import KEY, FakeKie, Story
from tests.wire.api_client import GROK, calling, made
from tests.wire.app_process import AppProcess, with_fast_clock
from tests.wire.tiny_media import shows
from tests.wire.visitor import Visitor

WAIT_S = 30
KILLED, STOPPED = "the server is killed", "the server is stopped"


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
    with AppProcess(folder, with_fast_clock(20), **settings) as first, Visitor(first) as visitor:
        visitor.call(GROK, prompt=KILLED)
        until(lambda: fake.polls_of(KILLED))
        first.kill()
    with AppProcess(folder, with_fast_clock(20), **settings) as second:
        yield second


def test_a_killed_server_finds_its_run_again(
    revived: AppProcess, fake: FakeKie, clip: bytes
) -> None:
    """The next one takes it to its end, from the one create that there was."""
    with Visitor(revived) as visitor:
        run = visitor.run(KILLED, "done")
        assert shows(visitor.get(f"/kie-ui/runs/{run['id']}/clips/0.mp4").content, clip)
    assert fake.creates[KILLED] == 1


def test_a_server_that_is_stopped_closes_what_it_opened(revived: AppProcess, fake: FakeKie) -> None:
    """With a run under way and a page open: the database is left in order, and no traceback."""
    fake.stories[STOPPED] = Story(records=("waiting",))
    with Visitor(revived) as visitor, visitor.event_stream() as events:
        next(events)
        visitor.call(GROK, prompt=STOPPED)
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
        mine, theirs = (client.cookies[COOKIE] for client in (ada, ben))
    assert mine != theirs
    with (
        Visitor(live_app, cookie=mine) as owner,
        Visitor(live_app, cookie=theirs) as other,
        Visitor(live_app) as stranger,
    ):
        run = owner.run("of ada's")
        heard = {name for name, _ in other.heard_at_start()}
        assert "account" in heard
        assert "run" not in heard
        clip = f"/kie-ui/runs/{run['id']}/clips/0.mp4"
        codes = [visitor.get(clip).status_code for visitor in (owner, other, stranger)]
    assert codes == [200, 404, 404]
