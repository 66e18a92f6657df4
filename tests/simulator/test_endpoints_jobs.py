from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kie_ui.catalog.registry import Registry, built_in_registry
from tests.simulator.harness import (
    FakeRenderer,
    Service,
    ServiceFactory,
    Time,
    a_spec,
    grok,
    lite,
)

CREATE = "/api/v1/jobs/createTask"
PICTURE = a_spec({"kind": "text", "name": "prompt"}, produces="image")
A_PICTURE = {"model": PICTURE.model, "input": {"prompt": "a lake"}}


async def test_the_record_of_a_finished_task_holds_the_documented_fields(service: Service) -> None:
    """A success names its clip, its times and its price; `param` is the whole create request."""
    body = {**grok(duration="6"), "callBackUrl": "http://127.0.0.1:9/hook"}
    record = await service.ended(await service.create(body))
    assert record["state"] == "success"
    assert json.loads(record["param"]) == body
    assert len(json.loads(record["resultJson"])["resultUrls"]) == 1
    assert record["costTime"] == record["completeTime"] - record["createTime"] > 0
    assert (record["failCode"], record["failMsg"]) == (None, None)
    assert (record["progress"], record["creditsConsumed"]) == (100, 14.4)
    assert record["updateTime"] == record["completeTime"]


async def test_a_task_goes_through_all_states(
    service_for: ServiceFactory, renderer: FakeRenderer
) -> None:
    """A task waits, queues and generates before it succeeds; until then there is no result."""
    renderer.gate.clear()
    service = await service_for()
    task_id = await service.create(grok())
    seen: list[str] = []
    while "generating" not in seen:
        record = await service.record(task_id)
        assert record["resultJson"] is None
        assert record["completeTime"] is None
        seen += [record["state"]] if record["state"] not in seen else []
    renderer.gate.set()
    assert (await service.ended(task_id))["state"] == "success"
    assert seen == ["waiting", "queuing", "generating"]


@pytest.mark.parametrize(("speed", "cost_ms"), [(1, 4600), (10, 460)])
async def test_a_task_takes_its_time(service_for: ServiceFactory, speed: int, cost_ms: int) -> None:
    """A task waits 0.6 s, queues 1 s and generates 3 s or longer; speed divides the waits."""
    service = await service_for(speed=speed)
    record = await service.ended(await service.create(grok()))
    assert record["costTime"] == pytest.approx(cost_ms, abs=2)


async def test_no_more_clips_are_rendered_at_once_than_configured(
    service_for: ServiceFactory, renderer: FakeRenderer
) -> None:
    """Tasks that find no free place keep queuing."""
    renderer.gate.clear()
    service = await service_for(max_renders=1)
    task_ids = [await service.create(grok()) for _ in range(3)]
    states: list[str] = []
    while states.count("queuing") != 2 or "generating" not in states:
        states = [(await service.record(task_id))["state"] for task_id in task_ids]
    renderer.gate.set()
    for task_id in task_ids:
        assert (await service.ended(task_id))["state"] == "success"
    assert renderer.most_at_once == 1


async def test_a_picture_does_not_wait_for_a_clip(
    service_for: ServiceFactory, renderer: FakeRenderer
) -> None:
    """Light work has a place of its own, and only one: a second picture waits for the first."""
    renderer.gate.clear()
    service = await service_for(find_versions=Registry((*built_in_registry(), PICTURE)).versions)
    task_ids = [await service.create(body) for body in (grok(), grok(), A_PICTURE, A_PICTURE)]
    states: list[str] = []
    while states != ["generating", "queuing", "generating", "queuing"]:
        states = [(await service.record(task_id))["state"] for task_id in task_ids]
    renderer.gate.set()
    for task_id in task_ids:
        assert (await service.ended(task_id))["state"] == "success"
    assert renderer.most_at_once == 2


async def test_the_balance_falls_by_the_price(service: Service) -> None:
    """A run takes its price: 6 s of Grok at 480p cost 14.4 credits."""
    await service.ended(await service.create(grok()))
    assert await service.balance() == 9985.6


async def test_a_failed_task_is_not_billed(service: Service) -> None:
    """What a failed task cost is given back."""
    record = await service.ended(await service.create(grok(prompt="[fail]")))
    assert record["creditsConsumed"] == 0
    assert await service.balance() == 10_000


async def test_a_create_beyond_the_balance_is_refused(service_for: ServiceFactory) -> None:
    """Without enough credits the answer is 402, and nothing is taken."""
    service = await service_for(credits=20)
    await service.create(grok())
    assert (await service.post(CREATE, grok()))["code"] == 402
    assert await service.balance() == 5.6


async def test_every_key_has_its_own_account(service: Service) -> None:
    """Neither the balance nor the tasks of one key are another's: they are as if unknown."""
    task_id = await service.create(grok())
    service.client.headers["Authorization"] = "Bearer another-key"
    assert await service.balance() == 10_000
    for each in (task_id, "unknown"):
        response = await service.client.get("/api/v1/jobs/recordInfo", params={"taskId": each})
        answer = response.json()
        assert (answer["code"], answer["msg"], answer["data"]) == (422, "recordInfo is null", None)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer  ", "Basic abc", "planted-key"])
async def test_a_request_without_a_key_is_refused(service: Service, header: str) -> None:
    """Without a Bearer token the body says 401, and the data are null."""
    service.client.headers["Authorization"] = header
    for path in ("/api/v1/chat/credit", "/api/v1/jobs/recordInfo?taskId=x"):
        answer = await service.client.get(path)
        assert answer.status_code == 200
        assert (answer.json()["code"], answer.json()["data"]) == (401, None)


async def test_only_listed_keys_are_let_in_where_keys_are_listed(
    service_for: ServiceFactory,
) -> None:
    """A config that lists keys refuses all others."""
    service = await service_for(accepted_keys=frozenset({"right"}))
    assert (await service.client.get("/api/v1/chat/credit")).json()["code"] == 401
    service.client.headers["Authorization"] = "Bearer right"
    assert await service.balance() == 10_000


async def test_the_21st_create_in_ten_seconds_is_refused(service: Service, time: Time) -> None:
    """A key may create 20 tasks in 10 s; later it may again."""
    answers = [await service.post(CREATE, {}) for _ in range(21)]
    assert [answer["code"] for answer in answers].count(429) == 1
    assert answers[-1]["code"] == 429
    time.now_s += 10
    assert (await service.post(CREATE, grok()))["code"] == 200


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({}, 500, "This field is required: model"),
        ({"model": "grok-imagine/image-to-video"}, 500, "This field is required: input"),
        (lite(prompt=None), 500, "This field is required: prompt"),
        (lite(image_url=""), 500, "This field is required: image_url"),
        ({"model": "no/such", "input": {}}, 422, "not supported"),
        (grok(duration=6), 422, "duration must be a string"),
        (grok(duration="7"), 422, "7"),
        (grok(resolution="1080p"), 422, "1080p"),
        (grok(image_urls="https://a.example/b.jpg"), 422, "a list of addresses"),
        (grok(image_urls=["https://a.example/1", "https://a.example/2"]), 422, "at most 1"),
        (grok(task_id="sample-grok-a"), 422, "cannot be used together"),
        (grok(image_urls=None), 422, "missing"),
        (grok(image_urls=None, task_id="sample-grok-a", index=6), 422, "6"),
        (grok(image_urls=None, task_id="nobody"), 422, "no Grok image task"),
        (grok(prompt="x" * 5001), 422, "5,001"),
        (grok(image_urls=["nonsense"]), 422, "https://"),
        (lite(camera_fixed="yes"), 422, "camera_fixed must be a boolean"),
        (lite(seed=2**31), 422, "2147483647"),
        (lite(seed=True), 422, "seed must be a number"),
        ({**grok(), "callBackUrl": "ftp://a.example"}, 422, "callBackUrl"),
        ({**grok(), "input": []}, 422, "input must be an object"),
    ],
)
async def test_an_unfit_request_is_refused_with_a_reason(
    service: Service, body: dict[str, Any], code: int, words: str
) -> None:
    """What the documentation forbids is refused, and the message says what is wrong."""
    answer = await service.post(CREATE, body)
    assert answer["code"] == code
    assert words in answer["msg"]
    assert answer["data"] is None
    assert await service.balance() == 10_000


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"text"', b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(service: Service, content: bytes) -> None:
    """Anything but a JSON object is answered with code 400."""
    answer = await service.client.post(CREATE, content=content)
    assert answer.json()["code"] == 400


async def test_an_index_is_ignored_with_an_own_picture(service: Service) -> None:
    """The documented example sends index 42 beside image_urls, and that is no error."""
    assert (await service.post(CREATE, grok(index=42)))["code"] == 200


async def test_spicy_becomes_normal_with_an_outside_picture(
    service: Service, renderer: FakeRenderer
) -> None:
    """Only a Grok picture can be made spicy; others are made in normal mode."""
    await service.ended(await service.create(grok(mode="spicy")))
    of_task = grok(image_urls=None, task_id="sample-grok-b", index=5, mode="spicy")
    await service.ended(await service.create(of_task))
    assert [clip.mode for clip in renderer.clips] == ["normal", "spicy"]
    start = renderer.clips[1].start
    assert isinstance(start, Path)
    assert start.as_posix().endswith("samples/grok-b/5.jpg")


async def test_optional_defaults_are_filled_in(service: Service, renderer: FakeRenderer) -> None:
    """Without duration and resolution V1 Lite makes 5 s at 720p, at the price of that."""
    await service.ended(await service.create(lite()))
    clip = renderer.clips[0]
    assert (clip.duration_s, clip.short_side_px, clip.is_camera_fixed) == (5.0, 720, False)
    assert await service.balance() == 10_000 - 22.5


async def test_a_seed_is_kept_and_a_missing_one_chosen(
    service: Service, renderer: FakeRenderer
) -> None:
    """The requested seed reaches the renderer; -1 means a random one, never -1 itself."""
    for values in ({"seed": 7}, {"seed": -1}, {}):
        await service.ended(await service.create(lite(**values)))
    seeds = [clip.seed for clip in renderer.clips]
    assert seeds[0] == 7
    assert all(seed >= 0 for seed in seeds)


async def test_sample_image_tasks_are_known_to_every_key(service: Service) -> None:
    """The sample Grok tasks answer a success record with six pictures that can be had."""
    record = await service.record("sample-grok-a")
    urls = json.loads(record["resultJson"])["resultUrls"]
    assert (record["state"], len(urls)) == ("success", 6)
    answer = await service.client.get(urls[5])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")


async def test_an_unknown_path_answers_404(service: Service) -> None:
    """A path that the service does not have answers 404 in the envelope."""
    answer = await service.client.get("/api/v1/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, 404)
