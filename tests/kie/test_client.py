import json
import logging
import traceback
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from kie_ui.kie.client import Backend, KieClient, Retries
from kie_ui.kie.errors import (
    BadAnswer,
    InvalidInput,
    KeyLimitReached,
    KieError,
    Maintenance,
    NoAnswer,
    NoCredits,
    RateLimited,
    ServerFault,
    TaskNotFound,
    Unauthorized,
    UploadRefused,
)
from tests.kie.answers import BODY, CREATED, UPLOADED, ClientFor, Script, refusal

RUNNING = {"code": 200, "msg": "success", "data": {"taskId": "t1", "state": "generating"}}


async def test_a_create_is_the_documented_request(client_for: ClientFor, key: str) -> None:
    """POST with the Bearer key, both content headers, and model and input as given."""
    script = Script(CREATED)
    created = await client_for(script).create_task(
        {"model": "a/model", "input": {"prompt": "é", "seed": -1}}
    )
    (request,) = script.requests
    assert (request.method, str(request.url)) == (
        "POST",
        "https://api.kie.ai/api/v1/jobs/createTask",
    )
    assert request.headers["Authorization"] == f"Bearer {key}"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Accept"] == "application/json"
    assert json.loads(request.content) == {"model": "a/model", "input": {"prompt": "é", "seed": -1}}
    assert (created.task_id, created.answer) == ("t1", CREATED)


async def test_a_callback_address_is_sent_when_given(client_for: ClientFor) -> None:
    """The wire's name is `callBackUrl`; without one the key is left out."""
    script = Script(CREATED)
    await client_for(script).create_task(
        {"model": "m", "input": {}, "callBackUrl": "https://me.example/hook"}
    )
    assert json.loads(script.requests[0].content)["callBackUrl"] == "https://me.example/hook"


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (refusal(401), Unauthorized),
        (refusal(402), NoCredits),
        (refusal(422), InvalidInput),
        (refusal(429), RateLimited),
        (httpx.Response(429, text="slow down"), RateLimited),
        (refusal(433), KeyLimitReached),
        (refusal(455), Maintenance),
        (refusal(500, "This field is required"), InvalidInput),
        (refusal(500), ServerFault),
        (refusal(408), ServerFault),
        (refusal(999), ServerFault),
        (httpx.Response(503, text="<html>"), ServerFault),
        (httpx.Response(200, text="<html>"), BadAnswer),
        (httpx.Response(307, headers={"Location": "https://api.kie.ai/other"}), BadAnswer),
        (refusal(200), BadAnswer),
        (httpx.ReadTimeout("slow"), NoAnswer),
        (httpx.WriteTimeout("slow"), NoAnswer),
        (httpx.RemoteProtocolError("closed"), NoAnswer),
        (httpx.ReadError("reset"), NoAnswer),
    ],
)
async def test_a_create_that_was_answered_or_perhaps_heard_is_sent_once(
    client_for: ClientFor, waits_s: list[float], step: Any, kind: type[KieError]
) -> None:
    """Refusals need a person, doubts may be billed, and the rate limit is the caller's."""
    script = Script(step)
    with pytest.raises(KieError) as caught:
        await client_for(script).create_task(BODY)
    assert type(caught.value) is kind
    assert (len(script.requests), waits_s) == (1, [])
    in_doubt = caught.value.may_have_been_accepted
    assert ("https://kie.ai/logs" in caught.value.advice) is in_doubt


@pytest.mark.parametrize(
    "step",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.PoolTimeout("busy"),
    ],
)
async def test_a_create_that_never_left_is_sent_again(
    client_for: ClientFor, waits_s: list[float], step: Any
) -> None:
    """What no connection was opened for is safe to repeat, after growing waits."""
    script = Script(step, step, CREATED)
    assert (await client_for(script).create_task(BODY)).task_id == "t1"
    assert len(script.requests) == 3
    assert waits_s == [1, 2]


@pytest.mark.parametrize(
    ("step", "kind"), [(httpx.ReadTimeout("slow"), NoAnswer), (refusal(429), RateLimited)]
)
async def test_a_create_that_leaves_at_last_is_not_sent_again(
    client_for: ClientFor, step: Any, kind: type[KieError]
) -> None:
    """Each attempt is judged by itself: a repeat that ends in doubt or refusal is the last."""
    script = Script(httpx.ConnectError("refused"), step, CREATED)
    with pytest.raises(kind):
        await client_for(script).create_task(BODY)
    assert len(script.requests) == 2


async def test_repeats_end(client_for: ClientFor, waits_s: list[float]) -> None:
    """After the allowed attempts the last refusal is raised as it is."""
    script = Script(refusal(429, "Too many"))
    with pytest.raises(RateLimited, match="Too many"):
        await client_for(script).credit()
    assert (len(script.requests), len(waits_s)) == (3, 2)


async def test_waits_grow_to_a_limit_and_are_spread(
    client_for: ClientFor, waits_s: list[float]
) -> None:
    """A wait doubles up to its limit, and chance takes up to half of it away."""
    retries = Retries(attempts=6, wait_initial_s=1, wait_max_s=5)
    client = client_for(Script(refusal(429)), retries=retries, chance=lambda: 0.0)
    with pytest.raises(RateLimited):
        await client.credit()
    assert waits_s == [0.5, 1, 2, 2.5, 2.5]


@pytest.mark.parametrize("inputs", [{"image": Path("a.png")}, {"n": float("nan")}, {"t": "\ud800"}])
async def test_inputs_that_json_cannot_hold_are_never_sent(
    client_for: ClientFor, inputs: dict[str, Any]
) -> None:
    """What cannot be written as JSON is refused here."""
    script = Script(CREATED)
    with pytest.raises(InvalidInput, match="JSON"):
        await client_for(script).create_task({"model": "m", "input": inputs})
    assert script.requests == []


async def test_a_task_is_read_by_its_id(client_for: ClientFor, key: str) -> None:
    """GET recordInfo with the id safely written into the address."""
    script = Script(RUNNING)
    record = await client_for(script).task("a&b=c")
    (request,) = script.requests
    assert request.method == "GET"
    assert request.url.path == "/api/v1/jobs/recordInfo"
    assert dict(request.url.params) == {"taskId": "a&b=c"}
    assert request.headers["Authorization"] == f"Bearer {key}"
    assert record.state == "generating"


@pytest.mark.parametrize(
    "step",
    [
        refusal(429),
        refusal(500),
        refusal(455),
        httpx.Response(502, text="<html>"),
        httpx.Response(200, text="{"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("closed"),
        httpx.ConnectError("refused"),
    ],
)
async def test_a_read_is_repeated_where_that_may_help(client_for: ClientFor, step: Any) -> None:
    """Reading costs nothing, so every passing trouble is worth another try."""
    script = Script(step, step, RUNNING)
    assert (await client_for(script).task("t1")).task_id == "t1"
    assert len(script.requests) == 3


@pytest.mark.parametrize(("attempts", "count"), [(1, 1), (2, 2), (None, 3)])
async def test_a_caller_may_limit_the_attempts(
    client_for: ClientFor, waits_s: list[float], attempts: int | None, count: int
) -> None:
    """A single attempt waits for nothing; by default the client's own number counts."""
    script = Script(refusal(429))
    with pytest.raises(RateLimited):
        await client_for(script).task("t1", attempts=attempts)
    assert (len(script.requests), len(waits_s)) == (count, count - 1)


@pytest.mark.parametrize(
    ("step", "kind"),
    [(refusal(401), Unauthorized), (refusal(422, "recordInfo is null"), TaskNotFound)],
)
async def test_a_read_that_is_refused_is_not_repeated(
    client_for: ClientFor, step: dict[str, Any], kind: type[KieError]
) -> None:
    """A refusal is final; whether a task may yet appear is for the caller to wait out."""
    script = Script(step)
    with pytest.raises(kind):
        await client_for(script).task("t1")
    assert len(script.requests) == 1


async def test_a_terminal_code_is_a_failed_record(client_for: ClientFor) -> None:
    """501 in the answer is the task's end, not a fault to repeat."""
    script = Script(refusal(501, "Generation failed"))
    record = await client_for(script).task("t1")
    assert (record.state, record.fail_msg, len(script.requests)) == ("fail", "Generation failed", 1)


async def test_credit_and_download_url_ask_their_endpoints(client_for: ClientFor) -> None:
    """Balance by GET, download address by POST of the result's address."""
    link = "https://files.example/signed"
    script = Script({"code": 200, "data": 12.5}, {"code": 200, "data": link})
    client = client_for(script)
    assert await client.credit() == 12.5
    assert await client.download_url("https://files.example/clip.mp4") == link
    balance, exchange = script.requests
    assert (balance.method, balance.url.path) == ("GET", "/api/v1/chat/credit")
    assert (exchange.method, exchange.url.path) == ("POST", "/api/v1/common/download-url")
    assert json.loads(exchange.content) == {"url": "https://files.example/clip.mp4"}


async def test_an_upload_is_the_documented_form(
    client_for: ClientFor, tmp_path: Path, key: str
) -> None:
    """Multipart to the upload host, with the file, its type, its folder and its name."""
    (tmp_path / "a.png").write_bytes(b"\x89PNG" + bytes(200_000))
    script = Script(UPLOADED)
    progress: list[tuple[int, int]] = []
    url = await client_for(script).upload(
        tmp_path / "a.png",
        name="unique.png",
        mime="image/png",
        on_progress=lambda sent, total: progress.append((sent, total)),
    )
    (request,) = script.requests
    assert str(request.url) == "https://kieai.redpandaai.co/api/file-stream-upload"
    assert request.headers["Authorization"] == f"Bearer {key}"
    body = request.content
    assert b'name="uploadPath"\r\n\r\nimages/kie-ui\r\n' in body
    assert b'name="fileName"\r\n\r\nunique.png\r\n' in body
    assert b'name="file"; filename="unique.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG' in body
    assert url == "https://files.example/a.png"
    assert progress == sorted(progress)
    assert progress[-1] == (len(body), len(body))
    assert len(progress) > 3


async def test_an_upload_is_repeated_from_its_first_byte(
    client_for: ClientFor, tmp_path: Path
) -> None:
    """A unique name makes a repeat harmless, and every attempt sends the whole file."""
    (tmp_path / "a.png").write_bytes(b"whole file")
    script = Script(httpx.ReadError("reset"), refusal(500), UPLOADED)
    await client_for(script).upload(tmp_path / "a.png", name="a.png", mime="image/png")
    assert ["whole file" in str(request.content) for request in script.requests] == [True] * 3


async def test_an_upload_without_success_is_refused(client_for: ClientFor, tmp_path: Path) -> None:
    """HTTP 200 with `success` false is an error, and sending the same file again is no help."""
    (tmp_path / "a.png").write_bytes(b"x")
    script = Script({"success": False, "code": 200, "msg": "File type not allowed"})
    with pytest.raises(UploadRefused, match="File type not allowed"):
        await client_for(script).upload(tmp_path / "a.png", name="a.png", mime="image/png")
    assert len(script.requests) == 1


async def test_a_missing_file_is_an_error_of_the_disk(
    client_for: ClientFor, tmp_path: Path
) -> None:
    """The disk's errors pass through as they are, and nothing is sent."""
    script = Script(UPLOADED)
    with pytest.raises(FileNotFoundError):
        await client_for(script).upload(tmp_path / "none.png", name="a.png", mime="image/png")
    assert script.requests == []


@pytest.mark.parametrize(
    "make_step",
    [
        lambda key: refusal(401, f"Bad key {key}"),
        lambda key: {"code": 422, "msg": "no", "data": {"headers": [{key: f"Bearer {key}"}]}},
        lambda key: httpx.Response(400, json={"error": key}),
        lambda key: httpx.Response(200, json=[key]),
        lambda key: httpx.LocalProtocolError(f"Illegal header value b'Bearer {key}'"),
    ],
)
async def test_the_key_is_in_no_error(
    client_for: ClientFor, key: str, make_step: Callable[[str], Any]
) -> None:
    """A service or a library that echoes the key cannot make an error show it."""
    client = client_for(Script(make_step(key)))
    for call in (client.create_task(BODY), client.task("t"), client.credit()):
        with pytest.raises(KieError) as caught:
            await call
        shown = "".join(traceback.format_exception(caught.value, chain=True))
        assert key not in f"{shown} {caught.value!r} {caught.value.answer}"


async def test_the_key_is_in_no_log(
    client_for: ClientFor, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Even with every logger at its most talkative, no record holds the key."""
    caplog.set_level(logging.DEBUG)
    client = client_for(Script(httpx.ConnectError("refused"), refusal(429), CREATED))
    with pytest.raises(RateLimited):
        await client.create_task(BODY)
    await client.create_task(BODY)
    assert caplog.records
    assert key not in caplog.text


@pytest.mark.parametrize("is_escaped", [False, True])
async def test_a_key_that_kie_repeats_is_in_nothing_that_is_kept(*, is_escaped: bool) -> None:
    """Records and answers are stored and shown: the key is taken out before anyone reads them."""
    key = "planted-key-4711-of-the-client"
    repeated = "".join(f"\\u{ord(letter):04x}" for letter in key) if is_escaped else key

    def answer(request: httpx.Request) -> httpx.Response:
        data = {"taskId": "t", "state": "fail", "failMsg": f"no {key}", "param": key}
        body = json.dumps({"code": 200, "msg": key, "data": data}).replace(key, repeated)
        return httpx.Response(200, text=body)

    backend = Backend(kind="live", api_key=SecretStr(key))
    client = KieClient(backend, transport=httpx.MockTransport(answer))
    async with aclosing(client):
        record = await client.task("t")
        created = await client.create_task(BODY)
    assert key not in repr((record, record.raw, created, created.answer))
    assert record.fail_msg == "no ***"
