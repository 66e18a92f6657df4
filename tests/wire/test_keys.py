from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fake_kie import KEY, FakeKie, Story
from tests.wire.api_client import GROK, calling, made
from tests.wire.app_process import AppProcess, with_fast_clock
from tests.wire.visitor import API, Visitor

FORGOTTEN = "the key is forgotten"


@pytest.fixture(scope="module")
def limited(fake: FakeKie, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """Run the program with users and a shared key, with which each may make one run a day."""
    folder = tmp_path_factory.mktemp("users")
    file = folder / "users.txt"
    file.write_text("# ours\nada:of ada's, odd:one\n\nben: of-ben \n", encoding="utf-8")
    settings = {
        "KIE_API_KEY": KEY,
        "KIE_UI_SHARE_SERVER_KEY": "1",
        "KIE_UI_RUNS_PER_DAY": "1",
        "KIE_UI_USERS": str(file),
        **fake.environment,
    }
    with AppProcess(folder, with_fast_clock(20), **settings) as app:
        yield app


def sign_in(visitor: Visitor, name: str, password: str) -> int:
    """Fill in the page's login."""
    given = {"username": name, "password": password}
    return visitor.http.post("/login", data=given).status_code


def test_a_typed_key_is_forgotten_at_a_restart_and_its_runs_wait_for_it(
    fake: FakeKie, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """They say so, and go on as soon as the same visitor types it again."""
    fake.stories[FORGOTTEN] = Story(records=("waiting",))
    folder = tmp_path_factory.mktemp("typed")
    settings = {"KIE_UI_VISITORS": "many", **fake.environment}
    with AppProcess(folder, with_fast_clock(20), **settings) as app, Visitor(app) as before:
        assert "works" in before.type_key(KEY)
        before.call(GROK, prompt=FORGOTTEN)
        before.run(FORGOTTEN, "waiting")
        secret = before.secret
    for task in fake.tasks.values():
        if task.prompt == FORGOTTEN:
            task.story = Story()
    with (
        AppProcess(folder, with_fast_clock(20), **settings) as app,
        Visitor(app, cookie=secret) as after,
    ):
        assert after.account(kind="demo")["has_own_key"] is False
        with after.event_stream() as events:
            notes = (data["status_note"] or "" for name, data in events if name == "run")
            assert any("The key is gone: enter it again" in note for note in notes)
        assert "works" in after.type_key(KEY)
        assert after.run(FORGOTTEN, "done")["clips"]
    assert fake.creates[FORGOTTEN] == 1


def test_who_has_not_signed_in_gets_nothing(limited: AppProcess) -> None:
    """Neither a page of ours, nor a file, nor an answer of an endpoint."""
    with Visitor(limited) as nobody:
        assert "auth_required" in nobody.get("/").text
        for path in ("/config", "/kie-ui/stream", f"{API}/info", f"{API}/file=/etc/passwd"):
            assert nobody.get(path).status_code == 401
        for path, code in ((f"{API}/call{GROK}", 401), ("/kie-ui/callbacks/run/proof", 404)):
            assert nobody.http.post(path, json={"data": []}).status_code == code


def test_a_wrong_password_opens_nothing(limited: AppProcess) -> None:
    """Nor that of another user."""
    with Visitor(limited) as nobody:
        assert sign_in(nobody, "ada", "of-ben") == 400
        assert sign_in(nobody, "nobody", "") in (400, 422)
        assert nobody.get("/kie-ui/stream").status_code == 401


def test_each_user_has_runs_of_their_own_in_every_browser(limited: AppProcess) -> None:
    """Signed in as another, one sees only the other's; each has their own runs a day."""
    with Visitor(limited) as browser, Visitor(limited) as telephone:
        assert sign_in(browser, "ada", "of ada's, odd:one") == 200
        event_id = browser.call(GROK, prompt="of a user")
        assert "event: complete" in browser.result(GROK, event_id)
        assert browser.account(runs_left=0)["kind"] == "live"
        refusal = browser.result(GROK, browser.call(GROK, prompt="one too many"))
        assert "The one run that this server pays for you in a day" in refusal

        assert sign_in(telephone, "ada", "of ada's, odd:one") == 200
        run = telephone.run("of a user", "done")
        clip = f"/kie-ui/runs/{run['id']}/clips/0.mp4"
        assert telephone.get(clip).is_success

        telephone.get("/logout")
        assert telephone.get(clip).status_code == 401
        assert sign_in(telephone, "ben", "of-ben") == 200
        assert telephone.get(clip).status_code == 404
        assert telephone.account(runs_left=1)["kind"] == "live"


def test_a_client_signs_in_too(limited: AppProcess, tmp_path: Path) -> None:
    """`gradio_client` knows how."""
    with calling(limited, tmp_path, auth=("ben", "of-ben")) as client:
        clip, task_id, _ = made(client.submit(api_name=GROK, prompt="of ben's"))
    assert clip.stat().st_size > 0
    assert re.fullmatch(r"task-\d+", task_id)


def test_a_login_cookie_is_no_script_s_and_stays_on_this_site(limited: AppProcess) -> None:
    """As is every cookie of ours."""
    given = {"username": "ben", "password": "of-ben"}
    answer = httpx.post(f"{limited.url}/login", data=given, trust_env=False)
    cookies = answer.headers.get_list("set-cookie")
    assert cookies
    for cookie in cookies:
        assert "httponly" in cookie.lower()
        assert "samesite=lax" in cookie.lower()
