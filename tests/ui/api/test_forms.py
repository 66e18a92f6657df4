import asyncio
from pathlib import Path
from typing import Any

import pytest

from kie_ui.catalog.library import EVERYONE
from kie_ui.catalog.rules import EXTRA
from kie_ui.catalog.spec import ModelSpec
from kie_ui.runs.run import Run, Step
from kie_ui.ui.api.forms import give_sample, look
from kie_ui.ui.errors import EXPECTED, BadRequest
from kie_ui.ui.form.components import UPLOAD_META
from kie_ui.ui.form.values import ADDRESS, RANDOM, START_FROM, describe_price
from kie_ui.ui.services import MAX_PRESSES, Services
from tests.ui.driving import GROK, HOSTILE, V1_LITE, DrivenForm, MakeServices
from tests.ui.specs import EVERY_KIND


async def runs_of(services: Services, owner: str = "ada") -> tuple[Run, ...]:
    """List an owner's runs, the newest first."""
    return await (await services.runs()).recent(owner, 10)


async def ended(services: Services, owner: str = "ada") -> Run:
    """Wait for the end of an owner's one run."""
    (run,) = await runs_of(services, owner)
    async with asyncio.timeout(20):
        return await (await services.runs()).ended(owner, run.id)


def names_in(folder: Path) -> set[str]:
    """Tell the names of all files in a folder."""
    return {path.name for path in folder.rglob("*")}


def file(path: Path) -> dict[str, Any]:
    """Make what a page sends for an uploaded picture."""
    return {"path": str(path), "orig_name": path.name, "meta": UPLOAD_META}


async def test_a_press_on_the_untouched_form_makes_a_clip(live: Services, kie: Any) -> None:
    """The form works as it is, with one create, and leaves every field as it is."""
    creates = kie.request_log.creates
    form = DrivenForm(GROK, live)
    await form.press()
    run = await ended(live)
    assert run.step is Step.DONE
    assert run.backend == "live"
    assert kie.request_log.creates == creates + 1
    assert form.state.notes == []


async def test_what_is_shown_as_request_is_what_is_sent(live: Services, uploaded: Path) -> None:
    """All but the address that a picture gets when it is uploaded."""
    form = DrivenForm(V1_LITE, live)
    typed = {"image_url": file(uploaded), "seed": 42, "seed" + RANDOM: False, "duration": "3"}
    await form.press(prompt="She waves.", **typed)
    run = await ended(live)
    assert run.request is not None
    shown = (await form.body(prompt="She waves.", **typed))["input"]
    sent = run.request["input"]
    assert shown.pop("image_url") == "<address of the uploaded given.png>"
    assert sent.pop("image_url").startswith("http")
    assert shown == sent
    assert sent["seed"] == 42


async def test_without_a_key_a_press_is_a_demo(demo: Services) -> None:
    """Nothing is needed to begin: the simulator takes it."""
    await DrivenForm(V1_LITE, demo).press(prompt="[stuck]")
    (run,) = await runs_of(demo)
    assert run.backend == "demo"


async def test_a_run_belongs_to_who_pressed(live: Services) -> None:
    """And to nobody else."""
    await DrivenForm(GROK, live, owner="ada").press(prompt="[stuck]")
    assert len(await runs_of(live, "ada")) == 1
    assert await runs_of(live, "ben") == ()


async def test_pressing_again_starts_another(live: Services) -> None:
    """The first goes on."""
    form = DrivenForm(GROK, live)
    await asyncio.gather(form.press(prompt="[stuck]"), form.press(prompt="[stuck] too"))
    assert len(await runs_of(live)) == 2


async def test_a_press_that_would_wait_too_long_is_refused_in_words(
    demo: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others wait in order until the ones before them are saved."""
    form = DrivenForm(GROK, demo)
    for _ in range(MAX_PRESSES):
        await demo.presses.acquire()
    waiting = asyncio.create_task(form.press(prompt="[stuck]"))
    await asyncio.sleep(0)
    demo.presses.release()
    await waiting
    await demo.presses.acquire()
    monkeypatch.setattr("kie_ui.ui.api.forms.MAX_WAIT_S", 0.0)
    with pytest.raises(BadRequest, match="the server is busy") as refused:
        await form.press(prompt="[stuck]")
    assert refused.value.status == 503
    assert len(await runs_of(demo)) == 1


async def test_the_price_follows_the_form(demo: Services) -> None:
    """By resolution and duration, as an estimate with its date."""
    form = DrivenForm(V1_LITE, demo)
    await form.follow(resolution="480p", duration="3")
    assert form.state.price.text == "about 6 credits ($0.03)"
    await form.follow(resolution="1080p", duration="12")
    assert form.state.price.text == "about 120 credits ($0.60)"
    assert form.state.price.note == "estimate, prices of September 2026"


def test_a_model_without_a_price_says_so() -> None:
    """Better than a number that nobody knows."""
    unpriced = GROK.model_copy(update={"price": None})
    assert describe_price(unpriced, {}).text == "Price unknown"


async def test_spicy_with_an_own_picture_is_told_before_the_press(demo: Services) -> None:
    """It would be made as normal; with an image task it is made as requested."""
    form = DrivenForm(GROK, demo)
    await form.follow(mode="spicy")
    assert "normal mode" in form.note("mode")
    assert (await form.body(mode="spicy"))["input"]["mode"] == "normal"
    with_task = {"task_id": "sample-grok-a", START_FROM: "task_id"}
    await form.follow(mode="spicy", **with_task)
    assert form.note("mode") == ""
    assert (await form.body(mode="spicy", **with_task))["input"]["mode"] == "spicy"


async def test_the_code_follows_the_form(demo: Services) -> None:
    """Each view spells out the same request."""
    typed = {START_FROM: "task_id", "task_id": "281e5b0", "index": 2, "prompt": "She waves."}
    form = DrivenForm(GROK, demo)
    shown = (await form.body(**typed))["input"]
    assert (shown["task_id"], shown["index"]) == ("281e5b0", 2)
    assert "image_urls" not in shown
    code = await form.code(**typed)
    for view in ("curl", "python"):
        assert "She waves." in getattr(code, view)
        assert "281e5b0" in getattr(code, view)


async def test_a_model_that_was_removed_in_another_window_is_refused_in_words(
    with_every_kind: Services,
) -> None:
    """The form is still on the page."""
    form = DrivenForm(EVERY_KIND, with_every_kind)
    with_every_kind.library.remove(EVERYONE, EVERY_KIND.model)
    with pytest.raises(BadRequest, match="is no longer here: add its page again"):
        await form.press(prompt="p")


async def test_while_typing_nothing_is_held_against_anyone(demo: Services) -> None:
    """A form that is still being filled in has no errors."""
    form = DrivenForm(V1_LITE, demo)
    await form.follow(prompt="", image_url=None)
    assert form.state.notes == []


async def test_a_refused_press_says_every_problem_at_its_field(demo: Services) -> None:
    """All at once; no run is made, and every field keeps what it holds."""
    form = DrivenForm(V1_LITE, demo)
    await form.press(prompt="x" * 10_001, image_url=None)
    assert "10,001 characters" in form.note("prompt")
    assert "is missing" in form.note("image_url")
    assert form.note("duration") == ""
    assert await runs_of(demo) == ()


async def test_problems_stay_until_they_are_mended(demo: Services) -> None:
    """From a refused press on the form says what is amiss; from a taken one on it is silent."""
    form = DrivenForm(V1_LITE, demo)
    await form.press(prompt="")
    await form.follow(prompt="")
    assert "is missing" in form.note("prompt")
    await form.follow(prompt="[stuck]")
    assert form.note("prompt") == ""
    await form.press(prompt="[stuck]")
    await form.follow(prompt="")
    assert form.note("prompt") == ""


async def test_what_is_no_picture_is_said_at_its_field(demo: Services, uploads: Path) -> None:
    """Together with what else is wrong, though only looking inside can tell."""
    fake = uploads / "cat.png"
    fake.write_text(HOSTILE)
    form = DrivenForm(V1_LITE, demo)
    await form.press(prompt="", image_url=file(fake))
    assert {note.field for note in form.state.notes} == {"image_url", "prompt"}
    assert all(note.kind == "error" for note in form.state.notes)
    assert await runs_of(demo) == ()


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd"])
async def test_no_page_can_name_a_file_of_this_computer(
    demo: Services, uploads: Path, path: str
) -> None:
    """It counts as no picture at all, and no copy is put where it could be requested."""
    form = DrivenForm(V1_LITE, demo)
    await form.press(image_url={"path": path, "meta": UPLOAD_META})
    assert "is missing" in form.note("image_url")
    assert "passwd" not in names_in(uploads)
    assert await runs_of(demo) == ()


async def test_a_picture_of_somebody_else_is_gone(
    make_services: MakeServices, uploaded: Path
) -> None:
    """On a server with many visitors each may name their own uploads, and our samples."""
    services = make_services(visitors="many", simulator_speed=1000)
    form = DrivenForm(V1_LITE, services)
    assert (await form.send(look, {"image_url": file(uploaded)}, parameter="image_url")).is_gone
    await form.press(image_url=file(uploaded))
    assert form.note("image_url")
    await services.files.give("ada", [uploaded])
    looked = await form.send(look, {"image_url": file(uploaded)}, parameter="image_url")
    assert looked.facts
    await form.press(prompt="[stuck]")
    assert len(await runs_of(services)) == 1


async def test_an_address_goes_to_kie_as_it_is(live: Services) -> None:
    """Our server does not look at it."""
    address = "http://127.0.0.1:9/never-asked.png"
    given = {"path": address, "url": address, "meta": UPLOAD_META}
    await DrivenForm(V1_LITE, live).press(image_url=given, prompt="[stuck]")
    (run,) = await runs_of(live)
    async with asyncio.timeout(10):
        while run.request is None:
            await asyncio.sleep(0.01)
            (run,) = await runs_of(live)
    assert run.request["input"]["image_url"] == address


async def test_the_code_shows_where_requests_go(make_services: MakeServices, key: str) -> None:
    """To the API that this server is set to; the key is read from the environment."""
    services = make_services(kie_api_key=key, kie_api_base_url="https://kie.example/")
    form = DrivenForm(GROK, services)
    code = await form.code()
    for view in (code.curl, code.python):
        assert "https://kie.example/api/v1/jobs/createTask" in view
        assert "KIE_API_KEY" in view
        assert key not in view


async def test_a_data_folder_that_cannot_be_used_is_said_and_not_thrown(
    make_services: MakeServices, tmp_path: Path
) -> None:
    """The press is refused with a sentence."""
    (tmp_path / "taken").write_text("a file")
    form = DrivenForm(GROK, make_services(data_dir=tmp_path / "taken"))
    with pytest.raises(EXPECTED) as raised:
        await form.press()
    assert "Errno" not in str(raised.value)


async def test_a_typed_address_goes_before_the_picture_above_it(demo: Services) -> None:
    """Also one that cannot be used, which is reported at its field and not ignored."""
    form = DrivenForm(V1_LITE, demo)
    shown = await form.body(**{"image_url" + ADDRESS: " https://a.test/b.png "})
    assert shown["input"]["image_url"] == "https://a.test/b.png"
    await form.press(**{"image_url" + ADDRESS: "a.test/b.png"})
    assert "web address" in form.note("image_url")
    assert await runs_of(demo) == ()


@pytest.mark.parametrize("spec", [GROK, V1_LITE], ids=lambda spec: spec.api_name)
async def test_before_anything_is_touched_all_is_said_that_a_change_would_say(
    demo: Services, spec: ModelSpec
) -> None:
    """Price and notes stand there from the start, just as they follow later."""
    form = DrivenForm(spec, demo)
    at_first = form.state
    await form.follow()
    assert at_first == form.state


@pytest.fixture
def with_every_kind(make_services: MakeServices) -> Services:
    """Give a demo to whose models one of every kind was added."""
    services = make_services(simulator_speed=1000)
    services.library.add(EVERYONE, [EVERY_KIND])
    return services


async def test_a_form_of_every_kind_is_sent_as_it_says(
    with_every_kind: Services, uploaded: Path
) -> None:
    """Files in their order, rows, numbers as numbers; the extra input last, and over the rest."""
    form = DrivenForm(EVERY_KIND, with_every_kind)
    pictures = [{"path": "https://a.test/b.png", "meta": UPLOAD_META}, file(uploaded)]
    said: dict[str, Any] = {
        "steps": 8,
        "styles": ["oil"],
        "shots": [{"prompt": "a", "duration": 2}, {}],
        "colours": ["red", None],
    }
    said |= {"prompt": "p", "image_urls": pictures, "nsfw_checker": "no", "boxes": "[[1]]"}
    said[EXTRA] = '{"prompt": "extra", "new": {"a": 1}}'
    await form.follow(**said)
    assert "prompt" in form.note(EXTRA)
    await form.press(**said)
    run = await ended(with_every_kind)
    assert run.request is not None
    sent = run.request["input"]
    assert sent["image_urls"][0] == "https://a.test/b.png"
    assert sent["image_urls"][1].startswith("http://127.0.0.1")
    expected = {
        "prompt": "extra",
        "voice": "voice-7",
        "steps": 8,
        "styles": ["oil"],
        "strength": 0.5,
        "nsfw_checker": False,
        "shots": [{"prompt": "a", "duration": 2}],
        "colours": ["red"],
        "boxes": [[1]],
        "new": {"a": 1},
    }
    assert {name: value for name, value in sent.items() if name != "image_urls"} == expected


async def test_a_field_that_is_wrong_is_told(with_every_kind: Services) -> None:
    """Whatever its kind; and nothing is sent."""
    form = DrivenForm(EVERY_KIND, with_every_kind)
    wrong = {"boxes": "[[1", "scale": 99, "shots": [{"duration": 2}], "word": "NO"}
    await form.press(prompt="p", image_urls=[{"typed": "no address"}], **wrong)
    for name, words in (
        ("boxes", "is not JSON yet"),
        ("scale", "is 99"),
        ("shots", "row 1: Prompt is missing"),
        ("word", "does not have the documented form"),
        ("image_urls", "needs a picture"),
    ):
        assert words in form.note(name)
    assert await runs_of(with_every_kind) == ()


async def test_json_is_told_of_before_any_press(with_every_kind: Services) -> None:
    """As soon as it is begun; what is merely missing waits for the press."""
    form = DrivenForm(EVERY_KIND, with_every_kind)
    await form.follow(boxes="[[1", **{EXTRA: "[]"})
    assert "is not JSON yet" in form.note("boxes")
    assert "must be a JSON object" in form.note(EXTRA)
    assert form.note("prompt") == ""


async def test_a_given_picture_is_described(demo: Services, uploaded: Path) -> None:
    """In words; one that is no longer there is said to be gone."""
    form = DrivenForm(V1_LITE, demo)
    looked = await form.send(look, {"image_url": file(uploaded)}, parameter="image_url")
    assert looked.facts.startswith("PNG · ")
    assert looked.instead is None
    await asyncio.to_thread(uploaded.unlink)
    assert (await form.send(look, {"image_url": file(uploaded)}, parameter="image_url")).is_gone


async def test_a_sample_is_given_where_there_is_one(demo: Services) -> None:
    """A copy in Gradio's folder, with which a press works."""
    form = DrivenForm(V1_LITE, demo)
    sample = await form.send(give_sample, {}, parameter="end_image_url")
    assert sample["orig_name"] == "archway-end.jpg"
    await form.press(end_image_url=sample, prompt="[stuck]")
    assert len(await runs_of(demo)) == 1
