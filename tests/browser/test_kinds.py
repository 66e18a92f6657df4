from __future__ import annotations

import re
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.kinds import WITH_KINDS, KindsForm
from tests.browser.models import ModelsTab
from tests.browser.pages import KiePage, Watch, drop_file
from tests.browser.past import Past
from tests.ui.specs import EVERY_KIND, EVIL, HOSTILE
from tests.wire.app_process import AppProcess, with_fast_clock
from tests.wire.tiny_media import tiny_clip, tiny_picture, tiny_sound

COLOURS = ("red", "green", "blue", "black")


@pytest.fixture(scope="module")
def program(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """Run the program with models of every kind, of which one has a tab of its own."""
    settings = {
        "KIE_UI_SIMULATOR_SPEED": "20",
        "KIE_UI_VISITORS": "many",
        "KIE_UI_TABS": EVERY_KIND.model,
    }
    before = (WITH_KINDS, with_fast_clock(5))
    with AppProcess(tmp_path_factory.mktemp("kinds"), *before, **settings) as program:
        yield program


@pytest.fixture
def form(kie: KiePage) -> KindsForm:
    """Go to the model of every kind."""
    kie.open_tab(EVERY_KIND.title)
    return KindsForm(kie.page, EVERY_KIND.model)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Give pictures that look different."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"{colour}.png" for colour in COLOURS]
    for colour, path in zip(COLOURS, paths, strict=True):
        Image.new("RGB", (64, 48), colour).save(path)
    return paths


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give two seconds of silence."""
    path = tmp_path_factory.mktemp("sounds") / "silence.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(bytes(32_000))
    return path


@pytest.fixture(scope="session")
def clip() -> bytes:
    """Give a clip of half a second."""
    return tiny_clip()


def uploaded(*names: str) -> list[str]:
    """Name files as the code view does."""
    return [f"<address of the uploaded {name}>" for name in names]


def fill_in(form: KindsForm, pictures: list[Path], sound: Path) -> dict[str, Any]:
    """Fill in one field of every kind, and tell what the request says of it."""
    form.prompt.fill("half filled in")
    form.choose_files("image_urls", *pictures[:2])
    form.choose_files("audio_urls", sound)
    form.pick("voice", "voice-93")
    form.pick("steps", "16")
    form.pick("styles", "oil")
    form.root.page.keyboard.press("Escape")
    form.field("scale").get_by_role("spinbutton").fill("3")
    form.choose("nsfw_checker", "No")
    form.add_row("shots", Prompt="a boat", Duration="4", Camera="pan")
    form.add_row("shots", Prompt="a storm")
    form.add_row("colours", Colour="#ff0000")
    form.unfold("More settings")
    form.field("boxes").get_by_role("textbox").fill("[[1, 2], [3]]")
    form.unfold("Extra input")
    form.extra.fill('{"style_of": {"year": 1900}}')
    return {
        "prompt": "half filled in",
        "image_urls": uploaded("red.png", "green.png"),
        "audio_urls": uploaded("silence.wav"),
        "voice": "voice-93",
        "steps": 16,
        "styles": ["oil"],
        "strength": 0.5,
        "scale": 3,
        "nsfw_checker": False,
        "shots": [{"prompt": "a boat", "duration": 4, "camera": "pan"}, {"prompt": "a storm"}],
        "colours": ["#ff0000"],
        "boxes": [[1, 2], [3]],
        "style_of": {"year": 1900},
        "word": None,
        "video_url": None,
    }


def test_every_kind_is_sent_kept_over_a_refresh_and_put_back_from_a_run(
    kie: KiePage, form: KindsForm, pictures: list[Path], sound: Path
) -> None:
    """What is folded away is kept as well; starting over can be undone."""
    said = fill_in(form, pictures, sound)
    form.expect_body(**said)
    kie.expect_kept("style_of")

    kie.reload()
    form.expect_body(**said)
    form.expect_items("image_urls", "red.png", "green.png")
    expect(form.items("audio_urls").locator("audio")).to_be_visible()
    expect(form.rows("shots")).to_have_count(2)

    form.generate.click()
    expect(form.cards).to_have_count(1)
    form.root.get_by_role("button", name="Start over").click()
    expect(form.rows("shots")).to_have_count(0)
    form.root.get_by_role("button", name="Undo", exact=True).click()
    form.expect_body(**said)

    form.root.get_by_role("button", name="Start over").click()
    form.expect_body(voice="voice-7", **dict.fromkeys(said.keys() - {"voice", "strength"}))
    expect(form.cards.get_by_text("Done")).to_be_visible()
    form.cards.get_by_role("button", name="Use these settings").click()
    form.expect_body(**said)
    form.expect_items("image_urls", "red.png", "green.png")


def test_files_have_an_order_and_come_and_go_by_keyboard_too(
    form: KindsForm, pictures: list[Path]
) -> None:
    """Each with a preview and facts; the focus stays where it was."""
    form.choose_files("image_urls", *pictures[:3])
    form.expect_items("image_urls", "red.png", "green.png", "blue.png")
    expect(form.items("image_urls").first).to_contain_text("64 × 48")
    form.items("image_urls").first.get_by_label("Move picture 1 down").focus()
    form.root.page.keyboard.press("Enter")
    form.root.page.keyboard.press("Enter")
    form.expect_items("image_urls", "green.png", "blue.png", "red.png")
    form.expect_body(image_urls=uploaded("green.png", "blue.png", "red.png"))
    form.items("image_urls").first.get_by_label("Remove picture 1").focus()
    form.root.page.keyboard.press("Enter")
    form.root.page.keyboard.press("Enter")
    form.expect_body(image_urls=uploaded("red.png"))
    form.items("image_urls").nth(0).drag_to(form.items("image_urls").nth(0))
    form.choose_files("image_urls", pictures[1])
    form.items("image_urls").nth(1).drag_to(form.items("image_urls").nth(0))
    form.expect_items("image_urls", "green.png", "red.png")


def test_results_are_added_to_a_list_until_it_is_full(past: Past, unopened: KiePage) -> None:
    """Sounds and clips go where such are taken; nothing that is there is pushed out."""
    made = [tiny_picture((n, n, n)) for n in range(4)]
    past.make("all of it", *made, tiny_sound(), tiny_clip(), model=EVERY_KIND.model)
    unopened.open()
    unopened.open_tab(EVERY_KIND.title)
    form = KindsForm(unopened.page, EVERY_KIND.model)
    card = form.card("all of it").node
    notice = unopened.page.locator(".kie-notice")
    form.prompt.fill("typed before")

    def use(number: int, field: str) -> None:
        card.get_by_role("button", name="Use in…").nth(number).click()
        menu = unopened.page.get_by_role("dialog", name="Use this")
        menu.get_by_role("button", name=f"{EVERY_KIND.title} {field}", exact=True).click()
        expect(menu).to_have_count(0)

    for count in (1, 2, 3):
        use(count - 1, "Pictures")
        expect(form.items("image_urls")).to_have_count(count)
    expect(form.items("image_urls").nth(2)).to_contain_text("96 × 64")
    use(3, "Pictures")
    expect(notice).to_contain_text("There is no room for more")
    expect(form.items("image_urls")).to_have_count(3)
    use(4, "Sounds")
    expect(form.items("audio_urls")).to_have_count(1)
    use(5, "Video")
    expect(form.items("video_url").locator("video")).to_be_visible()
    expect(form.items("image_urls")).to_have_count(3)
    expect(form.prompt).to_have_value("typed before")


def test_what_does_not_fit_a_list_is_told_at_once(
    form: KindsForm, pictures: list[Path], sound: Path
) -> None:
    """Too many, of another kind, and what is no address; nothing of it gets lost in silence."""
    field = form.field("image_urls")
    form.choose_files("image_urls", sound)
    expect(field.get_by_role("alert").first).to_have_text("“silence.wav” is not a picture.")
    form.choose_files("image_urls", *pictures)
    form.expect_items("image_urls", "red.png", "green.png", "blue.png")
    expect(field.get_by_role("alert").first).to_contain_text("Up to 3 pictures are accepted")
    expect(field.get_by_placeholder("web address")).to_be_hidden()
    form.items("image_urls").first.get_by_label("Remove picture 1").click()
    form.add_address("image_urls", "no address")
    expect(form.items("image_urls").last.get_by_role("alert")).to_contain_text("not a web address")
    form.prompt.fill("so")
    form.generate.click()
    expect(form.said("image_urls").get_by_role("alert")).to_contain_text("needs a picture")
    expect(form.cards).to_have_count(0)


def test_a_clip_dropped_onto_a_video_is_that_video(
    kie: KiePage, form: KindsForm, clip: bytes
) -> None:
    """Anywhere else it would fill in the form that it was made with."""
    expect(form.field("video_url").first).to_be_visible()
    drop_file(kie, clip, "mine.mp4", at=".kie-media[data-media=video]")
    form.expect_items("video_url", "mine.mp4")
    expect(form.items("video_url").locator("video")).to_be_visible()
    form.expect_body(video_url=uploaded("mine.mp4")[0])
    drop_file(kie, clip, "other.mp4", at=".kie-media[data-media=video]")
    form.expect_items("video_url", "other.mp4")


def test_an_address_is_looked_at_only_by_who_asks(
    kie: KiePage, form: KindsForm, watch: Watch
) -> None:
    """A page that is opened asks nothing of other hosts, and the server never does."""
    form.field("video_url").get_by_role("button", name="Use the documentation’s example").click()
    form.expect_body(video_url="https://media.example/clip.mp4")
    kie.expect_kept("media.example")
    kie.reload()
    expect(form.items("video_url").get_by_role("button", name="Show")).to_be_visible()
    form.expect_body(video_url="https://media.example/clip.mp4")
    assert watch.foreign == []


def test_rows_come_go_and_move_by_keyboard(form: KindsForm) -> None:
    """The focus stays with what was pressed; beyond the most there is no more to add."""
    shots = form.field("shots")
    for number in range(1, 5):
        form.add_row("shots", Prompt=f"shot {number}")
    expect(shots.get_by_role("button", name="Add a row")).to_be_hidden()
    form.rows("shots").nth(0).get_by_label("Move row 1 down").focus()
    form.root.page.keyboard.press("Enter")
    expect(shots.get_by_label("Move row 2 down")).to_be_focused()
    form.rows("shots").nth(2).get_by_label("Remove row 3").click()
    form.expect_body(shots=[{"prompt": f"shot {number}"} for number in (2, 1, 4)])
    shots.get_by_label("Duration, row 1").fill("99")
    form.prompt.fill("so")
    form.generate.click()
    expect(form.said("shots").get_by_role("alert")).to_contain_text("row 1: Duration is 99")


def test_an_error_in_a_table_marks_its_cell_and_nothing_else(form: KindsForm) -> None:
    """An empty row counts; the mark stays while rows come, goes where they move, and ends."""
    blamed = form.root.locator("[aria-invalid=true]")
    shots = form.field("shots")
    form.add_row("shots")
    form.add_row("shots", Prompt="a boat", Duration="99")
    form.prompt.fill("so")
    form.generate.click()
    wrong = shots.get_by_label("Duration, row 2")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_have_accessible_description(re.compile("row 2: Duration is 99"))
    expect(blamed).to_have_count(1)
    border = "node => getComputedStyle(node).borderTopColor"
    right = shots.get_by_label("Prompt, row 2")
    assert wrong.evaluate(border) == form.said("shots").locator("p").evaluate(
        "node => getComputedStyle(node).color"
    )
    assert right.evaluate(border) != wrong.evaluate(border)

    shots.get_by_role("button", name="Add a row").click()
    expect(wrong).to_have_attribute("aria-invalid", "true")
    shots.get_by_label("Remove row 1").click()
    expect(shots.get_by_label("Duration, row 1")).to_have_attribute("aria-invalid", "true")
    expect(blamed).to_have_count(1)
    shots.get_by_label("Duration, row 1").fill("9")
    expect(blamed).to_have_count(0)


def test_json_is_checked_as_it_is_typed(form: KindsForm) -> None:
    """Before any press; and the extra input says what it sends in place of the form."""
    form.unfold("More settings")
    boxes = form.field("boxes").get_by_role("textbox")
    boxes.fill("[[1, 2")
    expect(form.said("boxes").get_by_role("alert")).to_contain_text("is not JSON yet")
    boxes.fill('[["a"]]')
    expect(form.said("boxes").get_by_role("alert")).to_contain_text("does not fit")
    boxes.fill("[[1]]")
    expect(form.said("boxes").get_by_role("alert")).to_have_count(0)
    form.unfold("Extra input")
    form.extra.fill('{"prompt": "the extra one", "new": 1}')
    expect(form.root.locator(".kie-extra").get_by_role("status")).to_contain_text("prompt")
    form.expect_body(prompt="the extra one", new=1)
    form.extra.fill('{"new": 1}')
    expect(form.root.locator(".kie-extra").get_by_role("status")).to_have_text("Sent as well: new.")
    form.unfold("Extra input")
    expect(form.extra).to_be_hidden()
    expect(form.root.locator(".kie-extra").get_by_role("status")).to_be_visible()


def test_a_fold_opens_where_a_problem_lies(form: KindsForm) -> None:
    """A problem is never shown where nobody sees it."""
    form.unfold("Advanced")
    form.field("word").get_by_role("textbox").fill("NO")
    form.unfold("Advanced")
    expect(form.field("word").get_by_role("textbox")).to_be_hidden()
    form.prompt.fill("so")
    form.generate.click()
    expect(form.said("word").get_by_role("alert")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_reaches_beyond_the_edge(
    kie: KiePage, form: KindsForm, pictures: list[Path], sound: Path, width: int
) -> None:
    """On a telephone a row becomes a card."""
    kie.page.set_viewport_size({"width": width, "height": 844})
    fill_in(form, pictures, sound)
    assert kie.overflowing() == []
    prompt = form.rows("shots").first.get_by_label("Prompt, row 1").bounding_box()
    assert prompt is not None
    assert prompt["width"] > 180


def test_what_a_hostile_page_says_is_text(kie: KiePage) -> None:
    """In labels, help, options, defaults, rows and JSON, before and after a refresh."""
    ModelsTab(kie).pick(HOSTILE)
    form = KindsForm(kie.page, HOSTILE.model)
    form.unfold("Extra input")
    expect(form.field("text").get_by_role("textbox")).to_have_value(EVIL)
    expect(form.field("few").get_by_text(EVIL).first).to_be_visible()
    form.field("self").get_by_role("textbox").fill("x")
    form.generate.click()
    kie.expect_kept('"x"')
    kie.reload()
    expect(form.field("self").get_by_role("textbox")).to_have_value("x")
    page: Page = kie.page
    assert page.evaluate("window.hit") is None
    assert page.locator(".kie-model img[src=x], .kie-model b, a[href^=javascript]").count() == 0


def test_a_file_of_another_visitor_is_nobodys(
    kie: KiePage, form: KindsForm, pictures: list[Path], context: BrowserContext, watch: Watch
) -> None:
    """Whoever knows where it lies gets no preview, and sends nothing."""
    watch.expects("404", "red.png")
    form.choose_files("image_urls", pictures[0])
    form.prompt.fill("mine")
    kie.expect_kept("red.png")
    kept = kie.page.evaluate("JSON.stringify({ ...localStorage })")
    watch.settle(kie.page)  # what is under way would be another's all at once
    context.clear_cookies()
    kie.page.evaluate("kept => Object.assign(localStorage, JSON.parse(kept))", kept)
    kie.reload()
    expect(form.items("image_urls").get_by_role("alert")).to_contain_text("no longer here")
    form.generate.click()
    expect(form.said("image_urls").get_by_role("alert")).to_be_visible()
    expect(form.cards).to_have_count(0)
