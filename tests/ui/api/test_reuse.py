from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from kie_ui.catalog.parameters import MediaParameter, TextParameter
from kie_ui.catalog.spec import ModelSpec
from kie_ui.runs.history import clip_name
from kie_ui.runs.run import Clip, Run, Step, StepChange
from kie_ui.settings import ASSETS
from kie_ui.ui.api.reuse import can_animate, fill_with_task_picture, maker_of
from kie_ui.ui.form.values import ADDRESS, START_FROM
from kie_ui.ui.services import Services
from tests.ui.driving import GROK, JSON, V1_LITE, MakeServices, make_site
from tests.wire.tiny_media import tiny_clip, tiny_picture, tiny_sound

MAKER = maker_of(GROK.model)
CONTENT = {"image": tiny_picture(), "audio": tiny_sound(), "video": tiny_clip()}
SUFFIXES = {"image": ".png", "audio": ".wav", "video": ".mp4"}
LIPS = ModelSpec(
    model="maker/lips",
    title="Lips",
    maker="Maker",
    summary="Has a face speak.",
    documentation="",
    parameters=(
        TextParameter(name="prompt", label="Prompt", help=""),
        MediaParameter(name="face", label="Face", help="", media="video"),
        MediaParameter(name="voice", label="Voice", help="", media="audio"),
    ),
)


def bytes_of(given: dict[str, Any]) -> bytes:
    """Read what a form is given."""
    return Path(given["path"]).read_bytes()


@pytest.fixture
def services(make_services: MakeServices) -> Services:
    """Give services for one owner, who has three models."""
    services = make_services()
    services.library.add("local", [LIPS])
    return services


@pytest.fixture
async def browser(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """Give the one owner's browser."""
    transport = httpx.ASGITransport(make_site(services, has_many=False))
    base = "https://page.test/kie-ui"
    async with httpx.AsyncClient(transport=transport, base_url=base) as browser:
        yield browser


async def plant(services: Services, *kinds: str, owner: str = "local", **fields: Any) -> Run:
    """Keep a run that has made results of some kinds."""
    folder = services.settings.data_path / "clips"
    folder.mkdir(parents=True, exist_ok=True)
    clips = []
    for kind in kinds:
        name = f"{uuid4().hex}{SUFFIXES.get(kind, '.bin')}"
        (folder / name).write_bytes(CONTENT.get(kind, b"anything"))
        clips.append(Clip.model_validate({"name": f"clips/{name}", "kind": kind}))
    usual: dict[str, Any] = {
        "id": uuid4().hex,
        "owner": owner,
        "backend": "demo",
        "model": f"{MAKER}/text-to-image",
        "values": {"prompt": "A fox."},
        "step": Step.DONE,
        "step_changes": (StepChange(Step.DONE, 1),),
        "task_id": "task-of-pictures",
        "clips": tuple(clips),
        "created_at_ms": 1,
        "updated_at_ms": 1,
    }
    return await (await services.runs())._store.add(Run.model_validate(usual | fields))


@pytest.mark.parametrize(
    ("kind", "takers"),
    [
        (
            "image",
            [
                (GROK.model, "image_urls"),
                (V1_LITE.model, "image_url"),
                (V1_LITE.model, "end_image_url"),
            ],
        ),
        ("video", [(LIPS.model, "face")]),
        ("audio", [(LIPS.model, "voice")]),
        ("file", []),
    ],
)
async def test_every_parameter_that_takes_a_result_is_named(
    browser: httpx.AsyncClient, services: Services, kind: str, takers: list[tuple[str, str]]
) -> None:
    """Of each of the owner's models, with the words of its form."""
    run = await plant(services, kind)
    shown = (await browser.get(f"/runs/{run.id}/clips/0/uses")).json()["uses"]
    assert [(use["model"], use["parameter"]) for use in shown] == takers
    assert all(use["title"] and use["label"] for use in shown)


async def test_a_picture_goes_into_one_field_and_nothing_else_changes(
    browser: httpx.AsyncClient, services: Services
) -> None:
    """As a copy of this owner's, described, and as what the run starts from."""
    run = await plant(services, "video", "image")
    body = {"model": GROK.model, "parameter": "image_urls"}
    shown = (await browser.post(f"/runs/{run.id}/clips/1/use", json=body)).json()
    assert shown["model"] == GROK.model
    assert shown["keeps_rest"] is True
    assert shown["notes"] == []
    fields = shown["fields"]
    assert fields.keys() == {
        "image_urls", "image_urls" + ADDRESS, START_FROM,
    }  # fmt: skip
    assert (fields[START_FROM], fields["image_urls" + ADDRESS]) == ("image_urls", "")
    given = fields["image_urls"]
    assert bytes_of(given) == CONTENT["image"]
    assert given["orig_name"] == clip_name(run, 1, ".png")
    assert await services.files.is_owned("local", given["path"])


@pytest.mark.parametrize(
    ("kind", "model", "parameter"),
    [
        ("image", GROK.model, "prompt"),
        ("image", LIPS.model, "face"),
        ("image", "maker/gone", "image_url"),
        ("audio", GROK.model, "image_urls"),
        ("image", None, "image_urls"),
        ("image", GROK.model, None),
    ],
)
async def test_what_takes_no_such_result_is_given_none(
    browser: httpx.AsyncClient, services: Services, kind: str, model: Any, parameter: Any
) -> None:
    """Nor is what is no longer there; the page hears it in words."""
    run = await plant(services, kind)
    body = {"model": model, "parameter": parameter}
    answer = await browser.post(f"/runs/{run.id}/clips/0/use", json=body)
    assert answer.status_code == 409
    assert "accepts nothing of this kind" in answer.json()["message"]


async def test_only_what_is_there_can_be_used(
    browser: httpx.AsyncClient, services: Services
) -> None:
    """Neither someone else's result, nor one of no such number, nor one that was dropped."""
    theirs = await plant(services, "image", owner="ben")
    run = await plant(services, "image")
    dropped = Clip(name="clips/00.png", kind="image", is_dropped=True)
    gone = await plant(services, clips=(dropped,))
    body = {"model": GROK.model, "parameter": "image_urls"}
    for path, status in (
        (f"/runs/{theirs.id}/clips/0", 404),
        (f"/runs/{run.id}/clips/1", 409),
        (f"/runs/{gone.id}/clips/0", 409),
    ):
        assert (await browser.post(f"{path}/use", json=body)).status_code == status
    for asked_of in ("use", "animate"):
        path = f"/runs/{theirs.id}/clips/0/{asked_of}"
        assert (await browser.post(path, json={"model": GROK.model})).status_code == 404
    assert (await browser.get(f"/runs/{theirs.id}/clips/0/uses")).status_code == 404


async def test_a_file_that_was_tidied_away_changes_nothing(
    browser: httpx.AsyncClient, services: Services
) -> None:
    """It is said, and the form keeps what it has."""
    run = await plant(services, "image")
    (services.settings.data_path / run.clips[0].name).unlink()
    body = {"model": V1_LITE.model, "parameter": "image_url"}
    answer = await browser.post(f"/runs/{run.id}/clips/0/use", json=body)
    assert answer.status_code == 409
    assert "no longer there" in answer.json()["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 90_000])
async def test_a_body_that_makes_no_sense_is_refused(
    browser: httpx.AsyncClient, services: Services, body: bytes
) -> None:
    """With words, as everywhere."""
    run = await plant(services, "image")
    for what in ("use", "animate"):
        answer = await browser.post(f"/runs/{run.id}/clips/0/{what}", content=body, headers=JSON)
        assert answer.status_code == 400
        assert answer.json()["message"]


def test_what_animates_is_a_matter_of_data() -> None:
    """A text that names a task of pictures."""
    assert [can_animate(spec) for spec in (GROK, V1_LITE, LIPS)] == [True, False, False]


async def test_a_picture_of_a_task_is_animated(
    browser: httpx.AsyncClient, services: Services
) -> None:
    """Its task id and its number in Kie's order, and the alternative that takes them; no more."""
    run = await plant(services, "image", "image", "image")
    body = {"model": GROK.model}
    shown = (await browser.post(f"/runs/{run.id}/clips/2/animate", json=body)).json()
    assert shown["fields"] == {START_FROM: "task_id", "task_id": "task-of-pictures", "index": 2}
    assert (shown["model"], shown["keeps_rest"], shown["notes"]) == (GROK.model, True, [])


def test_a_page_without_rules_is_animated_by_the_name_of_its_number() -> None:
    """The very picture that was pressed, and no other one of its task."""
    bare = GROK.model_copy(update={"rules": ()})
    prefill = fill_with_task_picture(bare, "task-of-pictures", 3)
    assert prefill.fields == {"task_id": "task-of-pictures", "index": 3}


async def test_a_picture_made_elsewhere_is_said_to_be(
    browser: httpx.AsyncClient, services: Services
) -> None:
    """Kie knows no task of the demo, and the demo none of Kie's."""
    run = await plant(services, "image", backend="live")
    body = {"model": GROK.model}
    shown = (await browser.post(f"/runs/{run.id}/clips/0/animate", json=body)).json()
    assert shown["fields"]["task_id"] == "task-of-pictures"
    assert "made at Kie" in shown["notes"][0]


@pytest.mark.parametrize(
    ("kinds", "index", "fields", "model"),
    [
        (("video",), 0, {}, GROK.model),
        (("image",), 0, {"task_id": None}, GROK.model),
        (("image",), 0, {"model": "bytedance/seedream"}, GROK.model),
        (("image",), 0, {}, V1_LITE.model),
        (("image",), 0, {}, f"{MAKER}/text-to-image"),
        (("image",) * 8, 7, {}, GROK.model),
    ],
    ids=["a clip", "no task", "another maker", "no such field", "no tab", "beyond the range"],
)
async def test_what_cannot_be_animated_is_not(
    browser: httpx.AsyncClient,
    services: Services,
    kinds: tuple[str, ...],
    index: int,
    fields: dict[str, Any],
    model: str,
) -> None:
    """And it is said in words."""
    run = await plant(services, *kinds, **fields)
    answer = await browser.post(f"/runs/{run.id}/clips/{index}/animate", json={"model": model})
    assert answer.status_code == 409
    assert answer.json()["message"]


async def test_an_example_fills_in_its_form(browser: httpx.AsyncClient, services: Services) -> None:
    """With all its values, and a copy of its picture that is this owner's."""
    example = GROK.examples[0]
    body = {"model": GROK.model, "title": example.title}
    shown = (await browser.post("/examples", json=body)).json()
    fields, given = shown["fields"], shown["fields"]["image_urls"]
    texts = {name: value for name, value in example.values.items() if name != "image_urls"}
    assert texts.items() <= fields.items()
    assert (shown["keeps_rest"], shown["notes"]) == (False, [])
    (sample,) = example.values["image_urls"]
    assert bytes_of(given) == (ASSETS / sample).read_bytes()
    assert await services.files.is_owned("local", given["path"])


@pytest.mark.parametrize("model", [GROK.model, LIPS.model, "maker/gone"])
async def test_an_example_that_is_not_there_is_refused(
    browser: httpx.AsyncClient, model: str
) -> None:
    """In words."""
    answer = await browser.post("/examples", json={"model": model, "title": "Of yesterday"})
    assert answer.status_code == 409
    assert answer.json()["message"].startswith("There is no")
