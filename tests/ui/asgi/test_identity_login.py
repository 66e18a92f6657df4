from __future__ import annotations

import asyncio
from types import SimpleNamespace

import httpx
import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from kie_ui.ui.asgi.identity import LOCAL_OWNER, NOBODY, IdentityMiddleware, Users, owner_of

PASSWORD = "planted-password-5ab1"
TOKENS = {"token-of-ada": "ada", "another-of-ada": "ada", "token-of-ben": "ben", "old": "gone"}
GRADIO = SimpleNamespace(tokens=TOKENS, cookie_id="page")


@pytest.fixture
def users() -> Users:
    """Give two users."""
    passwords = {"ada": SecretStr(PASSWORD), "ben": SecretStr("hers:is,odd")}
    return Users(passwords, delay_s=0)


async def _who(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer the owner of a request."""
    await PlainTextResponse(f"owner {owner_of(Request(scope))}")(scope, receive, send)


async def _ask(
    users: Users, token: str, path: str = "/", *, has_many: bool = True, **headers: str
) -> httpx.Response:
    visitors = IdentityMiddleware(_who, has_many=has_many, users=users)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await visitors({**scope, "app": GRADIO}, receive, send)

    headers["cookie"] = f"access-token-unsecure-page={token}"
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://page.test"
    ) as browser:
        return await browser.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})


async def test_a_user_is_admitted_with_their_own_password(users: Users) -> None:
    """And with nothing else."""
    assert await users.admit("ada", PASSWORD)
    assert await users.admit("ben", "hers:is,odd")
    for name, password in (("ada", "hers:is,odd"), ("ada", ""), ("cleo", PASSWORD), ("", "")):
        assert not await users.admit(name, password)


def test_no_password_is_kept_in_words(users: Users) -> None:
    """Not even in memory."""
    assert PASSWORD not in repr(vars(users))


def test_without_users_nobody_has_to_sign_in() -> None:
    """Which is how others ask for it."""
    assert not Users({})


async def test_a_user_is_the_same_owner_in_every_browser(users: Users) -> None:
    """And another user is another owner."""
    first, second = await _ask(users, "token-of-ada"), await _ask(users, "another-of-ada")
    other = await _ask(users, "token-of-ben")
    assert first.text == second.text != other.text
    assert "ada" not in first.text
    assert "set-cookie" not in first.headers


@pytest.mark.parametrize("token", ["", "made-up", "old"])
@pytest.mark.parametrize(
    "path", ["/kie-ui/stream", "/kie-ui/runs/1/clips/0.mp4", "/gradio_api/upload", "/monitoring/x"]
)
async def test_who_is_not_signed_in_gets_nothing(users: Users, token: str, path: str) -> None:
    """Neither from us nor from Gradio; also not with a login of a user who is no more."""
    assert (await _ask(users, token, path)).status_code == 401


@pytest.mark.parametrize("path", ["/", "/login", "/assets/a.js", "/kie-ui/callbacks/1/proof"])
async def test_the_login_page_and_kies_calls_need_no_login(users: Users, path: str) -> None:
    """They belong to nobody."""
    assert (await _ask(users, "", path)).text == f"owner {NOBODY}"


async def test_users_may_share_one_list(users: Users) -> None:
    """Where the server is set to treat all visitors as one."""
    assert (await _ask(users, "token-of-ada", has_many=False)).text == f"owner {LOCAL_OWNER}"
    assert (await _ask(users, "", "/kie-ui/stream", has_many=False)).status_code == 401


async def test_tries_for_one_name_take_turns(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many at once are no faster, the right one among them neither; others are not held up."""
    may_go_on, yield_once = asyncio.Event(), asyncio.sleep

    async def wait(_seconds: float) -> None:
        await may_go_on.wait()

    monkeypatch.setattr("kie_ui.ui.asgi.identity.asyncio.sleep", wait)
    tries = [asyncio.create_task(users.admit("ada", f"guess {n}")) for n in range(4)]
    tries.append(asyncio.create_task(users.admit("ada", PASSWORD)))
    await yield_once(0)
    assert await users.admit("ben", "hers:is,odd")
    refused = await users.admit("ada", PASSWORD)  # one more than may wait
    assert not refused
    assert not any(each.done() for each in tries)
    may_go_on.set()
    assert await asyncio.gather(*tries) == [False] * 4 + [True]
    assert await users.admit("ada", PASSWORD)
