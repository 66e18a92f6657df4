from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from kie_ui.catalog.rules import EXTRA
from kie_ui.catalog.values import FileRef, JsonValue, UrlRef
from kie_ui.media.recipe import Recipe, write_recipe
from kie_ui.runs.run import Run, Step
from kie_ui.settings import ASSETS
from kie_ui.ui.api import reuse as recipes
from kie_ui.ui.api.reuse import values_of
from kie_ui.ui.form.values import ADDRESS
from tests.ui.driving import GROK, V1_LITE, MakeServices, make_site
from tests.ui.specs import EVERY_KIND

PICTURE = "https://pictures.example/one.png"


@pytest.fixture
async def browser(make_services: MakeServices) -> AsyncIterator[httpx.AsyncClient]:
    """Give a browser at a fresh installation."""
    transport = httpx.ASGITransport(make_site(make_services(), has_many=False))
    async with httpx.AsyncClient(transport=transport, base_url="https://page.test") as browser:
        yield browser


@pytest.fixture
def plain(clip: bytes, tmp_path: Path) -> Path:
    """Give a clip that carries no recipe."""
    path = tmp_path / "plain.mp4"
    path.write_bytes(clip)
    return path


def carrying(plain: Path, **fields: Any) -> bytes:
    """Put a recipe into a clip."""
    write_recipe(plain, plain, Recipe(**fields))
    return plain.read_bytes()


def content_of(given: dict[str, Any]) -> bytes:
    """Read the picture that a form is given."""
    return Path(given["path"]).read_bytes()


async def test_a_clip_that_was_made_here_fills_in_its_form(
    browser: httpx.AsyncClient, plain: Path
) -> None:
    """Its model, its values, and its picture where that is an address."""
    values = {"prompt": "a boat", "resolution": "480p", "image_url": PICTURE}
    clip = carrying(plain, model=V1_LITE.model, values=values, task_id="t1")
    answer = await browser.post("/kie-ui/recipe", content=clip)
    assert answer.status_code == 200
    shown = answer.json()
    assert shown["model"] == V1_LITE.model
    expected = {"prompt": "a boat", "resolution": "480p", "image_url" + ADDRESS: PICTURE}
    assert shown["fields"].items() >= expected.items()
    assert shown["notes"] == []


async def test_the_first_frame_stands_in_for_a_picture_that_only_its_maker_has(
    browser: httpx.AsyncClient, plain: Path
) -> None:
    """A clip holds the name of a file alone; the picture that it ends with is named."""
    values = {"image_url": ["mine.png"], "end_image_url": ["end.png"]}
    clip = carrying(plain, model=V1_LITE.model, values=values)
    shown = (await browser.post("/kie-ui/recipe", content=clip)).json()
    with Image.open(shown["fields"]["image_url"]["path"]) as stand_in:
        assert stand_in.size == (64, 48)
    assert shown["fields"]["end_image_url"] is None
    end, start = shown["notes"]
    assert "“end.png” is not inside the clip" in end
    assert "“mine.png” is not inside the clip: its first frame replaces it." in start


async def test_only_the_first_picture_is_replaced_by_a_frame(
    browser: httpx.AsyncClient, plain: Path
) -> None:
    """Where the clip began with an address, a file that it ended with is not its first frame."""
    values = {"image_url": [PICTURE], "end_image_url": ["end.png"]}
    clip = carrying(plain, model=V1_LITE.model, values=values)
    shown = (await browser.post("/kie-ui/recipe", content=clip)).json()
    assert shown["fields"]["end_image_url"] is None
    (note,) = shown["notes"]
    assert "end.png" in note


async def test_a_sample_picture_is_everywhere(browser: httpx.AsyncClient, plain: Path) -> None:
    """And is named, since it could be another of that name."""
    clip = carrying(plain, model=GROK.model, values={"image_urls": ["lighthouse.jpg"]})
    shown = (await browser.post("/kie-ui/recipe", content=clip)).json()
    sample = (ASSETS / "samples" / "lighthouse.jpg").read_bytes()
    assert content_of(shown["fields"]["image_urls"]) == sample
    (note,) = shown["notes"]
    assert "sample" in note


async def test_who_made_a_clip_here_gets_its_own_picture_back(
    make_services: MakeServices, plain: Path
) -> None:
    """The task id in the clip leads to the run; somebody else's leads nowhere."""
    services = make_services()
    runs = await services.runs()
    picture = services.settings.data_path / "inputs" / "mine.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (96, 64), "teal").save(picture)
    values = {"image_urls": (FileRef(path="inputs/mine.png", name="mine.png"),)}
    for owner in ("local", "ada"):
        await runs._store.add(a_run(owner, values, task_id=f"task of {owner}"))
    transport = httpx.ASGITransport(make_site(services, has_many=False))
    async with httpx.AsyncClient(transport=transport, base_url="https://page.test") as browser:
        for task, is_found in (("task of local", True), ("task of ada", False)):
            told_values = {"image_urls": ["mine.png"]}
            clip = carrying(plain, model=GROK.model, values=told_values, task_id=task)
            shown = (await browser.post("/kie-ui/recipe", content=clip)).json()
            given = content_of(shown["fields"]["image_urls"])
            assert (given == picture.read_bytes()) is is_found


def a_run(owner: str, values: dict[str, Any], task_id: str) -> Run:
    """Make a run that has ended."""
    return Run(
        id=f"run of {owner}",
        owner=owner,
        backend="demo",
        model=GROK.model,
        values=values,
        task_id=task_id,
        step=Step.DONE,
        created_at_ms=1,
        updated_at_ms=1,
    )


@pytest.mark.parametrize("content", [b"", b"no clip at all", b"\0" * 2000])
async def test_what_is_no_clip_is_told_in_a_sentence(
    browser: httpx.AsyncClient, content: bytes
) -> None:
    """Nothing breaks, whatever is dropped."""
    answer = await browser.post("/kie-ui/recipe", content=content)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("This file carries no recipe")


async def test_a_clip_without_a_recipe_is_told_in_a_sentence(
    browser: httpx.AsyncClient, clip: bytes
) -> None:
    """It was made elsewhere."""
    answer = await browser.post("/kie-ui/recipe", content=clip)
    assert answer.status_code == 400
    assert "The form is left as it is." in answer.json()["message"]


async def test_a_clip_of_a_model_without_a_tab_is_told_in_a_sentence(
    browser: httpx.AsyncClient, plain: Path
) -> None:
    """It names the model."""
    clip = carrying(plain, model="maker/other", values={})
    answer = await browser.post("/kie-ui/recipe", content=clip)
    assert answer.status_code == 400
    assert "“maker/other”" in answer.json()["message"]


@pytest.mark.parametrize("announces", [True, False])
async def test_more_than_any_clip_is_not_taken(
    browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, *, announces: bool
) -> None:
    """Whether the body says beforehand how long it is or not."""
    monkeypatch.setattr(recipes, "MAX_CLIP_BYTES", 1000)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b"\0" * 400

    content: Any = b"\0" * 1600 if announces else pieces()
    answer = await browser.post("/kie-ui/recipe", content=content)
    assert answer.status_code == 413
    assert "too large" in answer.json()["message"]


async def test_another_site_may_not_ask(browser: httpx.AsyncClient, plain: Path) -> None:
    """As with everything that the page's scripts may have done."""
    headers = {"sec-fetch-site": "cross-site"}
    answer = await browser.post("/kie-ui/recipe", content=b"x", headers=headers)
    assert answer.status_code == 403


def test_pictures_of_a_recipe_are_addresses_or_names() -> None:
    """Anything else that a foreign file may say is passed over."""
    shown = {"image_urls": [PICTURE, "mine.png", 3, None, {"path": "/etc/passwd"}, " "]}
    assert values_of(GROK, shown) == {
        "image_urls": (UrlRef(url=PICTURE), FileRef(path="", name="mine.png"))
    }
    assert values_of(GROK, {"image_urls": 3, "prompt": "p"}) == {"image_urls": (), "prompt": "p"}


def test_lists_and_objects_of_a_recipe_are_data_where_they_stand_for_no_file() -> None:
    """Whatever they look like; media of every kind are addresses and names."""
    shown = {
        "shots": [{"prompt": "a"}],
        "video_url": ["https://a.test/b.mp4"],
        "audio_urls": ["mine.wav", "https://a.test/c.wav"],
        "prompt": "p",
        EXTRA: {"path": "/etc/passwd"},
    }
    assert values_of(EVERY_KIND, shown) == {
        "shots": JsonValue(value=[{"prompt": "a"}]),
        "video_url": (UrlRef(url="https://a.test/b.mp4"),),
        "audio_urls": (FileRef(path="", name="mine.wav"), UrlRef(url="https://a.test/c.wav")),
        "prompt": "p",
        EXTRA: JsonValue(value={"path": "/etc/passwd"}),
    }
