import asyncio
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.exceptions import InvalidPathError

from kie_ui.catalog.library import EVERYONE
from kie_ui.catalog.rules import EXTRA
from kie_ui.catalog.spec import ModelSpec
from kie_ui.runs.run import Run, Step
from kie_ui.ui.form.components import UPLOAD_META
from kie_ui.ui.form.form import ADDRESS, RANDOM, START_FROM
from kie_ui.ui.services import Services
from kie_ui.ui.tabs.generate import price_html
from tests.ui.driving import GROK, HOSTILE, V1_LITE, DrivenTab, MakeServices
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
    tab = DrivenTab(GROK, live)
    await tab.press()
    run = await ended(live)
    assert run.step is Step.DONE
    assert run.backend == "live"
    assert kie.request_log.creates == creates + 1
    assert not set(tab.seen) & set(tab.tab.form.inputs.values())
    assert not any(tab.note(name) for name in tab.tab.form.fields)


async def test_what_is_shown_as_request_is_what_is_sent(live: Services, uploaded: Path) -> None:
    """All but the address that a picture gets when it is uploaded."""
    tab = DrivenTab(V1_LITE, live)
    typed = {"image_url": file(uploaded), "seed": 42, "seed" + RANDOM: False, "duration": "3"}
    await tab.press(prompt="She waves.", **typed)
    run = await ended(live)
    assert run.request is not None
    shown, sent = tab.body["input"], run.request["input"]
    assert shown.pop("image_url") == "<address of the uploaded given.png>"
    assert sent.pop("image_url").startswith("http")
    assert shown == sent
    assert sent["seed"] == 42


async def test_without_a_key_a_press_is_a_demo(demo: Services) -> None:
    """Nothing is needed to begin: the simulator takes it."""
    await DrivenTab(V1_LITE, demo).press(prompt="[stuck]")
    (run,) = await runs_of(demo)
    assert run.backend == "demo"


async def test_a_run_belongs_to_who_pressed(live: Services) -> None:
    """And to nobody else."""
    await DrivenTab(GROK, live, owner="ada").press(prompt="[stuck]")
    assert len(await runs_of(live, "ada")) == 1
    assert await runs_of(live, "ben") == ()


async def test_pressing_again_starts_another(live: Services) -> None:
    """The first goes on."""
    tab = DrivenTab(GROK, live)
    await asyncio.gather(tab.press(prompt="[stuck]"), tab.press(prompt="[stuck] too"))
    assert len(await runs_of(live)) == 2


async def test_the_price_follows_the_form(demo: Services) -> None:
    """By resolution and duration, as an estimate with its date."""
    tab = DrivenTab(V1_LITE, demo)
    await tab.follow(resolution="480p", duration="3")
    assert "about 6 credits ($0.03)" in tab.price
    await tab.follow(resolution="1080p", duration="12")
    assert "about 120 credits ($0.60)" in tab.price
    assert "estimate, prices of September 2026" in tab.price


def test_a_model_without_a_price_says_so() -> None:
    """Better than a number that nobody knows."""
    unpriced = GROK.model_copy(update={"price": None})
    assert price_html(unpriced, {}) == "<strong>Price unknown</strong>"


async def test_spicy_with_an_own_picture_is_told_before_the_press(demo: Services) -> None:
    """It would be made as normal; with an image task it is made as requested."""
    tab = DrivenTab(GROK, demo)
    await tab.follow(mode="spicy")
    assert "normal mode" in tab.note("mode")
    assert tab.body["input"]["mode"] == "normal"
    await tab.follow(mode="spicy", task_id="sample-grok-a", **{START_FROM: "task_id"})
    assert tab.note("mode") == ""
    assert tab.body["input"]["mode"] == "spicy"


async def test_the_code_follows_the_form(demo: Services) -> None:
    """Each view spells out the same request."""
    tab = DrivenTab(GROK, demo)
    await tab.follow(prompt="She waves.", **{START_FROM: "task_id"}, task_id="281e5b0", index=2)
    assert tab.body["input"]["task_id"] == "281e5b0"
    assert tab.body["input"]["index"] == 2
    assert "image_urls" not in tab.body["input"]
    for view in (tab.tab.as_curl, tab.tab.as_python):
        assert "She waves." in tab.seen[view]
        assert "281e5b0" in tab.seen[view]


async def test_the_counter_follows_the_prompt(demo: Services) -> None:
    """Also above the limit, before anyone presses."""
    tab = DrivenTab(GROK, demo)
    await tab.follow(prompt="x" * 5_001)
    assert "5,001 / 5,000 · 1 too many" in tab.counter("prompt")


async def test_while_typing_nothing_is_held_against_anyone(demo: Services) -> None:
    """A form that is still being filled in has no errors."""
    tab = DrivenTab(V1_LITE, demo)
    await tab.follow(prompt="", image_url=None)
    assert not any(tab.note(name) for name in tab.tab.form.fields)


async def test_a_refused_press_says_every_problem_at_its_field(demo: Services) -> None:
    """All at once; no run is made, and every field keeps what it holds."""
    tab = DrivenTab(V1_LITE, demo)
    await tab.press(prompt="x" * 10_001, image_url=None)
    assert "10,001 characters" in tab.note("prompt")
    assert "is missing" in tab.note("image_url")
    assert tab.note("duration") == ""
    assert await runs_of(demo) == ()
    assert not set(tab.seen) & set(tab.tab.form.inputs.values())


async def test_problems_stay_until_they_are_mended(demo: Services) -> None:
    """From a refused press on the form says what is amiss; from a taken one on it is silent."""
    tab = DrivenTab(V1_LITE, demo)
    await tab.press(prompt="")
    await tab.follow(prompt="")
    assert "is missing" in tab.note("prompt")
    await tab.follow(prompt="[stuck]")
    assert tab.note("prompt") == ""
    await tab.press(prompt="[stuck]")
    await tab.follow(prompt="")
    assert tab.note("prompt") == ""


async def test_what_is_no_picture_is_said_at_its_field(demo: Services, uploads: Path) -> None:
    """Together with what else is wrong, though only looking inside can tell."""
    fake = uploads / "cat.png"
    fake.write_text(HOSTILE)
    tab = DrivenTab(V1_LITE, demo)
    await tab.press(prompt="", image_url=file(fake))
    assert "kie-note-error" in tab.note("image_url")
    assert "<img" not in tab.note("image_url")
    assert "is missing" in tab.note("prompt")
    assert await runs_of(demo) == ()


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd"])
async def test_no_page_can_name_a_file_of_this_computer(
    demo: Services, uploads: Path, path: str
) -> None:
    """Gradio refuses it before we would, and puts no copy where it could be requested."""
    tab = DrivenTab(V1_LITE, demo)
    forged = {"path": path, "meta": UPLOAD_META}
    with pytest.raises(InvalidPathError):
        await tab.press(image_url=forged)
    assert "passwd" not in names_in(uploads)
    assert await runs_of(demo) == ()


async def test_an_address_goes_to_kie_as_it_is(live: Services) -> None:
    """Our server does not look at it."""
    address = "http://127.0.0.1:9/never-asked.png"
    given = {"path": address, "url": address, "meta": UPLOAD_META}
    await DrivenTab(V1_LITE, live).press(image_url=given, prompt="[stuck]")
    (run,) = await runs_of(live)
    async with asyncio.timeout(10):
        while run.request is None:
            await asyncio.sleep(0.01)
            (run,) = await runs_of(live)
    assert run.request["input"]["image_url"] == address


async def test_hostile_text_stays_text_in_every_view(demo: Services) -> None:
    """Notes, counters and price are HTML; the code views are not, and show it as it is."""
    tab = DrivenTab(GROK, demo)
    await tab.press(prompt=HOSTILE * 200, task_id=HOSTILE, **{START_FROM: "task_id"})
    html = [str(value) for output, value in tab.seen.items() if isinstance(output, gr.HTML)]
    assert any("kie-note-error" in text for text in html)
    assert not any("<img" in text for text in html)


async def test_the_code_shows_where_requests_go(make_services: MakeServices, key: str) -> None:
    """To the API that this server is set to; the key is read from the environment."""
    services = make_services(kie_api_key=key, kie_api_base_url="https://kie.example/")
    tab = DrivenTab(GROK, services)
    await tab.follow()
    for view in (tab.tab.as_curl, tab.tab.as_python):
        assert "https://kie.example/api/v1/jobs/createTask" in tab.seen[view]
        assert "KIE_API_KEY" in tab.seen[view]
        assert key not in tab.seen[view]


async def test_a_data_folder_that_cannot_be_used_is_said_and_not_thrown(
    make_services: MakeServices, tmp_path: Path
) -> None:
    """The press is refused with a sentence."""
    (tmp_path / "taken").write_text("a file")
    tab = DrivenTab(GROK, make_services(data_dir=tmp_path / "taken"))
    with pytest.raises(gr.Error) as raised:
        await tab.press()
    assert raised.value.print_exception is False
    assert "Errno" not in raised.value.message


async def test_a_typed_address_goes_before_the_picture_above_it(demo: Services) -> None:
    """Also one that cannot be used, which is reported at its field and not ignored."""
    tab = DrivenTab(V1_LITE, demo)
    await tab.follow(**{"image_url" + ADDRESS: " https://a.test/b.png "})
    assert tab.body["input"]["image_url"] == "https://a.test/b.png"
    await tab.press(**{"image_url" + ADDRESS: "a.test/b.png"})
    assert "web address" in tab.note("image_url")
    assert await runs_of(demo) == ()


@pytest.mark.parametrize("spec", [GROK, V1_LITE], ids=lambda spec: spec.api_name)
async def test_before_anything_is_touched_all_is_said_that_a_change_would_say(
    demo: Services, spec: ModelSpec
) -> None:
    """Price, counts and code stand there from the start, just as they follow later."""
    tab = DrivenTab(spec, demo)
    followers: list[Any] = tab.tab.followers
    at_first = {follower: follower.value for follower in followers}
    await tab.follow()
    assert at_first == tab.seen
    assert tab.body["input"]


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
    tab = DrivenTab(EVERY_KIND, with_every_kind)
    pictures = [{"path": "https://a.test/b.png", "meta": UPLOAD_META}, file(uploaded)]
    said = {
        "steps": 8,
        "styles": ["oil"],
        "shots": [{"prompt": "a", "duration": 2}, {}],
        "colours": ["red", None],
    }
    await tab.press(
        **said,
        prompt="p",
        image_urls=pictures,
        nsfw_checker="no",
        boxes="[[1]]",
        **{EXTRA: '{"prompt": "extra", "new": {"a": 1}}'},
    )
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
    assert "prompt" in tab.note(EXTRA)


async def test_a_field_that_is_wrong_is_told_and_its_fold_opens(with_every_kind: Services) -> None:
    """Whatever its kind; and nothing is sent."""
    tab = DrivenTab(EVERY_KIND, with_every_kind)
    wrong = {"boxes": "[[1", "scale": 99, "shots": [{"duration": 2}], "word": "NO"}
    await tab.press(prompt="p", image_urls=[{"typed": "no address"}], **wrong)
    for name, words in (
        ("boxes", "is not JSON yet"),
        ("scale", "is 99"),
        ("shots", "row 1: Prompt is missing"),
        ("word", "does not have the documented form"),
        ("image_urls", "needs a picture"),
    ):
        assert words in tab.note(name)
    seen: dict[Any, Any] = dict(tab.seen)
    opened = {str(fold.label): seen[fold] for fold in tab.tab.form.folds}
    assert opened["Advanced"]["open"] is True
    assert "open" not in opened["Extra input"]
    assert await runs_of(with_every_kind) == ()


async def test_json_is_told_of_before_any_press(with_every_kind: Services) -> None:
    """As soon as it is begun; what is merely missing waits for the press."""
    tab = DrivenTab(EVERY_KIND, with_every_kind)
    await tab.follow(boxes="[[1", **{EXTRA: "[]"})
    assert "is not JSON yet" in tab.note("boxes")
    assert "must be a JSON object" in tab.note(EXTRA)
    assert tab.note("prompt") == ""
