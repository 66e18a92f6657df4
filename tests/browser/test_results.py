from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from kie_ui.runs.run import Run, Step
from tests.browser.pages import GROK, V1_LITE, KiePage, Watch
from tests.browser.past import Past, ended
from tests.browser.test_history import HistoryTab
from tests.fake_kie import KEY, FakeKie, Story, raw_answer
from tests.kie_documentation import V1_LITE as V1_LITE_ID
from tests.wire.tiny_media import tiny_picture, tiny_sound

IMAGES_OF_GROK = "grok-imagine/text-to-image"
HOSTILE = "<b>bold</b><img src=x onerror=alert(1)>\n  second line & more"

Open = Callable[[], KiePage]


@pytest.fixture
def opened(past: Past, unopened: KiePage) -> Open:
    """Open the page at the tab whose runs are planted."""

    def open_tab() -> KiePage:
        unopened.open()
        unopened.form(V1_LITE)
        return unopened

    return open_tab


def pictures(count: int) -> list[bytes]:
    """Draw pictures, each of another colour."""
    return [tiny_picture((n, 90, 200)) for n in range(count)]


def is_loaded(image: Locator) -> None:
    """Wait until a picture is there."""
    expect(image).to_have_js_property("naturalWidth", 96)


def others(kie: KiePage) -> Locator:
    """Find the runs of models without a tab."""
    return kie.page.locator(".kie-feed:not([data-model]) li[data-run]")


def download(link: Locator) -> tuple[str, bytes]:
    """Take a result along, and tell its name and what it holds."""
    with link.page.expect_download() as begun:
        link.click()
    return begun.value.suggested_filename, Path(begun.value.path()).read_bytes()


def test_one_picture_is_shown_large_and_larger(past: Past, opened: Open) -> None:
    """It can be looked at alone, as it is, and be taken along."""
    past.make("one picture", tiny_picture())
    kie = opened()
    form = kie.form(V1_LITE)
    card = form.card("one picture").node
    is_loaded(card.locator(".kie-stage img"))
    expect(card).to_contain_text("96 × 64")
    card.get_by_role("button", name="Picture: one picture").click()
    viewer = kie.page.get_by_role("dialog", name="Picture", exact=True)
    is_loaded(viewer.locator("img"))
    size = viewer.get_by_role("button", name="Actual size")
    size.click()
    expect(size).to_have_attribute("aria-pressed", "true")
    kie.page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    name, content = download(card.get_by_role("link", name="Download"))
    assert name.endswith(".png")
    assert "one picture" in name
    assert content == tiny_picture()


def test_several_pictures_are_a_gallery(past: Past, opened: Open) -> None:
    """Each is looked at, the next by an arrow key, and all are taken along as one file."""
    past.make("three of them", *pictures(3))
    kie = opened()
    form = kie.form(V1_LITE)
    card = form.card("three of them").node
    expect(card.locator(".kie-cell")).to_have_count(3)
    is_loaded(card.locator(".kie-cell img").nth(2))
    card.get_by_role("button", name="Picture 2: three of them").click()
    viewer = kie.page.get_by_role("dialog", name="Picture", exact=True)
    expect(viewer).to_contain_text("2 of 3")
    kie.page.keyboard.press("ArrowRight")
    expect(viewer).to_contain_text("3 of 3")
    kie.page.keyboard.press("ArrowRight")
    expect(viewer).to_contain_text("1 of 3")
    viewer.get_by_role("button", name="Close").click()
    name, content = download(card.get_by_role("link", name="Download: Picture 3"))
    assert name.endswith("-3.png")
    assert content == pictures(3)[2]
    name, content = download(card.get_by_role("button", name="Download all"))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert len([each for each in archive.namelist() if each.endswith(".png")]) == 3


def test_of_very_many_the_first_few_are_shown(past: Past, opened: Open) -> None:
    """The others come with a press."""
    past.make("very many", *pictures(30))
    card = opened().form(V1_LITE).card("very many").node
    expect(card.locator(".kie-cell")).to_have_count(12)
    card.get_by_role("button", name="Show all 30 pictures").click()
    expect(card.locator(".kie-cell")).to_have_count(30)
    expect(card.get_by_role("button", name="Show all")).to_have_count(0)


def test_a_sound_is_drawn_and_played(past: Past, opened: Open) -> None:
    """With its name and how long it is."""
    past.make("a sound", tiny_sound(2.0))
    card = opened().form(V1_LITE).card("a sound").node
    expect(card.locator(".kie-waveform")).to_have_js_property("naturalWidth", 480)
    audio = card.locator("audio")
    expect(audio).to_have_js_property("duration", 2)
    expect(audio).to_have_attribute("aria-label", "Sound of 2 seconds")
    expect(card).to_contain_text("0:02")
    name, content = download(card.get_by_role("link", name="Download"))
    assert name.endswith(".wav")
    assert content == tiny_sound(2.0)


def test_a_text_is_text(past: Past, opened: Open) -> None:
    """With its line breaks, whatever it contains; it can be copied and downloaded."""
    past.make("a text", written=HOSTILE)
    kie = opened()
    form = kie.form(V1_LITE)
    kie.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    card = form.card("a text").node
    body = card.locator(".kie-written-body")
    expect(body).to_have_js_property("textContent", HOSTILE)
    assert body.locator("*").count() == 0
    expect(body).to_have_css("white-space", "pre-wrap")
    card.get_by_role("button", name="Copy the text").click()
    expect(card.get_by_role("button", name="Copied")).to_be_visible()
    assert kie.page.evaluate("navigator.clipboard.readText()") == HOSTILE
    name, content = download(card.get_by_role("link", name="Download"))
    assert name.endswith(".txt")
    assert content.decode() == HOSTILE


def test_data_is_names_and_values(past: Past, opened: Open) -> None:
    """And JSON, unfolded; nothing in it is markup."""
    made: dict[str, Any] = {
        HOSTILE: HOSTILE,
        "tags": ["red", "fox"],
        "parts": [{"start": 0, "text": "Hello"}],
        "is_long": False,
        "nothing": None,
        "deep": {"a": {"b": {"c": {"d": 1}}}},
    }
    past.make("some data", written=made)
    card = opened().form(V1_LITE).card("some data").node
    body = card.locator(".kie-written-body")
    expect(body.locator("dt").first).to_have_js_property("textContent", HOSTILE)
    expect(body.locator("b, img")).to_have_count(0)
    for words in ("red", "Hello", "no", "nothing", '{"c":{"d":1}}'):
        expect(body.get_by_text(words, exact=True).first).to_be_visible()
    card.get_by_text("JSON", exact=True).click()
    expect(card.locator(".kie-written pre")).to_contain_text('"start": 0')


def test_of_very_much_data_a_part_is_shown(past: Past, opened: Open) -> None:
    """No page is kept busy by it; all of it is in the JSON."""
    past.make("very much", written=[[[n, n, n]] * 60 for n in range(60)])
    card = opened().form(V1_LITE).card("very much").node
    body = card.locator(".kie-written-body")
    expect(body).to_contain_text("more: see the JSON")
    assert body.locator("li").count() <= 300
    card.get_by_text("JSON", exact=True).click()
    text = card.locator(".kie-written pre").text_content()
    assert text is not None
    assert text.count("59") == 180


def test_all_kinds_come_together(past: Past, opened: Open) -> None:
    """Each is shown as what it is, and has its own download."""
    past.make("all of them", tiny_picture(), tiny_sound(), b"%PDF-1.7 a document", written="Words.")
    card = opened().form(V1_LITE).card("all of them").node
    kinds = [cell.get_attribute("data-kind") for cell in card.locator(".kie-cell").all()]
    assert kinds == ["image", "audio", "file", "text"]
    expect(card).to_contain_text("Sound 2 · 0:01")
    expect(card).to_contain_text("4 results")
    name, content = download(card.get_by_role("link", name="Download: File 3"))
    assert name.endswith("-3.pdf")
    assert content == b"%PDF-1.7 a document"
    expect(card.get_by_role("link", name="Download")).to_have_count(4)


def test_the_history_shows_every_kind(past: Past, unopened: KiePage) -> None:
    """A still of pictures, how a sound goes, how a text begins; all of it in full."""
    past.make("a text", written="It begins so.\nAnd ends.")
    past.make("two sounds", tiny_sound(), tiny_sound())
    past.make("a sound", tiny_sound(62.0, 2_000))
    past.make("pictures", *pictures(3))
    past.make("a file", b"%PDF-1.7 a document")
    unopened.open()
    tab = HistoryTab(unopened)
    expect(tab.tile("a text").locator(".kie-tile-poster")).to_contain_text("It begins so.")
    expect(tab.tile("a file").locator(".kie-tile-poster")).to_have_text("PDF file")
    for prompt, badge in (
        ("a sound", "1:02"),
        ("two sounds", "2 sounds"),
        ("pictures", "3 pictures"),
    ):
        tile = tab.tile(prompt)
        expect(tile.locator(".kie-tile-badge")).to_have_text(badge)
        expect(tile.locator("img")).not_to_have_js_property("naturalWidth", 0)
    dialog = tab.open("a text")
    expect(dialog.locator(".kie-written-body")).to_have_text("It begins so.\nAnd ends.")
    unopened.page.keyboard.press("Escape")
    dialog = tab.open("pictures")
    expect(dialog.locator(".kie-cell")).to_have_count(3)
    dialog.get_by_role("button", name="Picture 2: pictures").click()
    viewer = unopened.page.get_by_role("dialog", name="Picture", exact=True)
    unopened.page.keyboard.press("ArrowLeft")
    expect(viewer).to_contain_text("1 of 3")
    unopened.page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(dialog.locator(".kie-prompt")).to_have_text("pictures")


def test_a_file_that_is_gone_says_so_in_its_place(past: Past, opened: Open, watch: Watch) -> None:
    """Of several only that one."""
    run = past.make("one is gone", *pictures(2))
    (past.data_dir / run.clips[1].name).unlink()
    kie = opened()
    form = kie.form(V1_LITE)
    card = form.card("one is gone").node
    expect(card.locator(".kie-cell").nth(1)).to_contain_text("may have been moved or deleted")
    is_loaded(card.locator(".kie-cell").first.locator("img"))
    watch.complaints.clear()  # the browser's own about the answer 404


def test_a_result_made_elsewhere_is_shown_too(past: Past, unopened: KiePage) -> None:
    """Of a model that has no tab here."""
    past.make("of another model", *pictures(2), model="maker/other")
    unopened.open()
    card = others(unopened)
    is_loaded(card.locator("img").first)


class Use:
    """The list of where a result may go on."""

    def __init__(self, root: Locator, number: int = 0) -> None:
        root.get_by_role("button", name="Use in…").nth(number).click()
        self.menu = root.page.get_by_role("dialog", name="Use this picture in")
        expect(self.menu).to_be_visible()

    def choose(self, title: str, field: str) -> None:
        """Choose a field of a model."""
        self.menu.get_by_role("button", name=f"{title} {field}", exact=True).click()


def test_a_picture_goes_into_another_model_and_nothing_else_changes(
    past: Past, opened: Open
) -> None:
    """Its tab opens; what was typed there stays; and that can be undone."""
    past.make("to be used", *pictures(2))
    kie = opened()
    form = kie.form(V1_LITE)
    grok = kie.form(GROK)
    grok.prompt.fill("what was typed before")
    grok.root.get_by_text("An earlier Grok image task", exact=True).click()
    form = kie.form(V1_LITE)
    Use(form.card("to be used").node, 1).choose(GROK, "Picture")
    expect(grok.preview("image_urls")).to_have_js_property("naturalWidth", 96)
    expect(grok.preview("image_urls")).to_be_in_viewport()
    expect(grok.field("image_urls")).to_contain_text("PNG · 96 × 64")
    expect(grok.prompt).to_have_value("what was typed before")
    notice = kie.page.locator(".kie-notice")
    expect(notice).to_contain_text("It is now in “Picture” of Grok Imagine.")
    notice.get_by_role("button", name="Undo").click()
    expect(grok.field("image_urls")).to_be_hidden()
    expect(grok.field("task_id")).to_be_visible()
    expect(grok.prompt).to_have_value("what was typed before")


def test_the_list_of_places_is_operated_by_keyboard(past: Past, opened: Open) -> None:
    """Arrow keys go through it, Esc closes it and nothing else."""
    past.make("by keyboard", tiny_picture())
    kie = opened()
    form = kie.form(V1_LITE)
    tab = HistoryTab(kie)
    dialog = tab.open("by keyboard")
    opener = dialog.get_by_role("button", name="Use in…")
    opener.focus()
    kie.page.keyboard.press("Enter")
    menu = kie.page.get_by_role("dialog", name="Use this picture in")
    expect(menu.get_by_role("button").first).to_be_focused()
    kie.page.keyboard.press("ArrowUp")
    expect(menu.get_by_role("button").last).to_be_focused()
    kie.page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(dialog).to_be_visible()
    expect(opener).to_be_focused()
    kie.page.keyboard.press("Enter")
    expect(menu.get_by_role("button").first).to_be_focused()
    kie.page.keyboard.press("ArrowDown")
    kie.page.keyboard.press("ArrowDown")
    kie.page.keyboard.press("Enter")
    expect(menu).to_be_hidden()
    expect(dialog).to_be_hidden()
    expect(form.preview("end_image_url")).to_have_js_property("naturalWidth", 96)
    expect(form.preview("end_image_url")).to_be_in_viewport()


def test_a_picture_of_grok_is_animated(past: Past, unopened: KiePage) -> None:
    """From the picture alone: its task and its number, and no other field is touched."""
    run = past.make("three of Grok", *pictures(3), model=IMAGES_OF_GROK)
    past.make("of another maker", *pictures(3), model="maker/text-to-image")
    unopened.open()
    grok = unopened.form(GROK)
    grok.choose("resolution", "720p")
    cards = others(unopened)
    expect(
        cards.filter(has_text="of another maker").get_by_role("button", name="Animate")
    ).to_have_count(0)
    card = cards.filter(has_text="three of Grok")
    card.get_by_role("button", name="Picture 3: three of Grok").click()
    viewer = unopened.page.get_by_role("dialog", name="Picture", exact=True)
    viewer.get_by_role("button", name="Animate this").click()
    expect(viewer).to_be_hidden()
    expect(grok.field("task_id").get_by_role("textbox")).to_have_value(run.task_id or "")
    expect(grok.field("index").get_by_role("spinbutton")).to_have_value("2")
    expect(grok.field("image_urls")).to_be_hidden()
    grok.expect_body(task_id=run.task_id, index=2, resolution="720p", image_urls=None)


def test_clips_and_sounds_have_nowhere_to_go_until_a_model_takes_them(
    past: Past, opened: Open
) -> None:
    """It is said in words."""
    past.make("only a sound", tiny_sound())
    kie = opened()
    form = kie.form(V1_LITE)
    form.card("only a sound").node.get_by_role("button", name="Use in…").click()
    menu = kie.page.get_by_role("dialog", name="Use this sound in")
    expect(menu).to_contain_text("None of your models takes a sound.")


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_reaches_beyond_the_screen(past: Past, opened: Open, width: int) -> None:
    """Neither a gallery, nor a long word, nor a picture alone, nor the list of places."""
    past.make("many", *pictures(7))
    past.make("long words", written={"x" * 300: ["y" * 3_000]})
    past.make("text", written="z" * 3_000)
    kie = opened()
    form = kie.form(V1_LITE)
    kie.page.set_viewport_size({"width": width, "height": 844})
    expect(form.cards.locator(".kie-written").first).to_be_visible()
    assert kie.overflowing() == []
    form.card("many").node.locator(".kie-shown").first.click()
    viewer = kie.page.get_by_role("dialog", name="Picture", exact=True)
    menu = Use(viewer).menu
    box = menu.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= 844
    assert kie.overflowing() == []


def test_what_could_not_be_fetched_is_called_by_its_kind(past: Past, unopened: KiePage) -> None:
    """A picture is shown from Kie, a sound is played."""
    for prompt, name in (("a sound", "a.mp3"), ("a picture", "a.png"), ("a clip", "a.mp4")):
        past.keep(unfetched(prompt, f"https://media.test/{name}"))
    unopened.open()
    form = unopened.form(V1_LITE)
    for prompt, label in (
        ("a sound", "Play it from Kie"),
        ("a picture", "Show it from Kie"),
        ("a clip", "Play it from Kie"),
    ):
        expect(form.card(prompt).node.get_by_role("button", name=label)).to_be_visible()


def unfetched(prompt: str, *urls: str) -> Run:
    """Tell of a run whose results could not be kept."""
    return ended(
        Step.UNFETCHED,
        1_700_000_000_000,
        model=V1_LITE_ID,
        values={"prompt": prompt},
        result_urls=urls,
    )


def test_what_kie_makes_of_a_press_arrives_whole(kie: KiePage, fake: FakeKie) -> None:
    """A picture, a sound and words of one task, from the press to the card; then words alone."""
    fake.stories["many kinds"] = Story(
        results=2,
        media=(raw_answer(tiny_picture(), mime="image/png"), raw_answer(tiny_sound())),
        written="Words beside them.",
    )
    fake.stories["words alone"] = Story(results=0, written={"answer": "Words alone."})
    kie.use_key(KEY)
    expect(kie.mode).to_contain_text("Live: Kie")
    form = kie.form(V1_LITE)
    card = form.press("many kinds")
    expect(card.status).to_have_text("Done")
    is_loaded(card.node.locator(".kie-cell img"))
    expect(card.node.locator("audio")).to_have_js_property("duration", 1)
    expect(card.node.locator(".kie-written-body")).to_have_text("Words beside them.")
    card = form.press("words alone")
    expect(card.status).to_have_text("Done")
    expect(card.node.locator(".kie-written-body")).to_contain_text("Words alone.")
