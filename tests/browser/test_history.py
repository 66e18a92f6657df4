from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from kie_ui.runs.run import Step, StepChange
from tests.browser.pages import GROK, V1_LITE, KiePage, RunCard, Watch, drop_file
from tests.browser.past import Past

ComeBack = Callable[..., KiePage]


class HistoryTab:
    """The History tab in the hands of its owner."""

    def __init__(self, kie: KiePage) -> None:
        self.page = kie.page
        self.root = kie.page.locator(".kie-history")
        self.tiles = self.root.locator("li.kie-tile")
        self.search = self.root.get_by_role("searchbox")
        self.dialog = kie.page.get_by_role("dialog")
        self.notice = kie.page.locator(".kie-notice")
        kie.open_tab("History")
        expect(self.root).to_be_visible()

    def tile(self, prompt: str) -> Locator:
        """Find a run by its prompt."""
        return self.tiles.filter(has=self.page.get_by_text(prompt, exact=True))

    def open(self, prompt: str) -> Locator:
        """Open a run in full."""
        self.tile(prompt).get_by_role("link", name="Open").click()
        expect(self.dialog.get_by_text(prompt, exact=True)).to_be_visible()
        return self.dialog

    def choose(self, prompt: str) -> None:
        """Tick a run."""
        self.tile(prompt).hover()
        self.tile(prompt).get_by_role("checkbox").check()


@pytest.fixture
def come_back(past: Past, unopened: KiePage) -> ComeBack:
    """Open the page as a visitor whose runs failed earlier, the last one the newest."""

    def open_after(*prompts: str) -> KiePage:
        past.fail(*prompts)
        unopened.open()
        return unopened

    return open_after


def make_clip(kie: KiePage, prompt: str) -> RunCard:
    """Make a clip."""
    form = kie.form(V1_LITE)
    form.choose("resolution", "480p")
    form.pick("duration", "3")
    card = form.press(prompt)
    expect(card.status).to_have_text("Done", timeout=60_000)
    return card


def test_before_the_first_run_the_tab_says_what_it_is_for(kie: KiePage) -> None:
    """And a run that is made while it is open comes by itself."""
    tab = HistoryTab(kie)
    expect(tab.root).to_contain_text("No runs yet.")
    expect(kie.form(GROK).press("[fail] the first of all").status).to_have_text("Failed")
    kie.open_tab("History")
    expect(tab.tile("[fail] the first of all")).to_contain_text("Failed")
    expect(tab.root.get_by_text("No runs yet.")).to_be_hidden()


def test_runs_are_found_as_one_types_and_by_filters(come_back: ComeBack) -> None:
    """The newest first; what is not found is said, with a way back."""
    kie = come_back("a red boat", "a green tree")
    tab = HistoryTab(kie)
    expect(tab.tiles).to_have_count(2)
    expect(tab.tiles.first).to_contain_text("green tree")
    tab.search.press_sequentially("boat")
    expect(tab.tiles).to_have_count(1)
    expect(tab.tiles).to_contain_text("red boat")
    tab.search.fill("nothing like it")
    expect(tab.root).to_contain_text("No run matches.")
    tab.root.get_by_role("button", name="Clear search and filters").click()
    expect(tab.tiles).to_have_count(2)
    tab.root.get_by_role("combobox", name="State").select_option("Done")
    expect(tab.tiles).to_have_count(0)
    tab.root.get_by_role("combobox", name="State").select_option("Failed")
    expect(tab.tiles).to_have_count(2)


def test_favourites_stay_favourites(come_back: ComeBack) -> None:
    """Marked in the grid, found by the filter, also after a refresh."""
    kie = come_back("kept", "not kept")
    tab = HistoryTab(kie)
    tab.tile("kept").hover()
    star = tab.tile("kept").get_by_role("button", name="Favourite")
    with kie.page.expect_response(lambda response: response.request.method == "POST"):
        star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    tab.root.get_by_role("button", name="★ Favourites").click()
    expect(tab.tiles).to_have_count(1)
    kie.page.reload()
    expect(tab.tile("kept").get_by_role("button", name="Favourite")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_a_run_has_a_link_that_opens_it(come_back: ComeBack) -> None:
    """For its owner; closing it takes the link away again, and so does the browser's Back."""
    kie = come_back("to be linked")
    tab = HistoryTab(kie)
    dialog = tab.open("to be linked")
    expect(kie.page).to_have_url(re.compile(r"\?run=[0-9a-f]{32}$"))
    link = kie.page.url
    kie.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(kie.page).not_to_have_url(re.compile("run="))
    kie.page.goto(link)
    expect(dialog).to_contain_text("to be linked")
    expect(dialog.locator(".kie-status")).to_have_text("Failed")
    kie.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_the_link_of_a_run_that_is_not_here_says_so(kie: KiePage, watch: Watch) -> None:
    """Someone else's run looks like one that does not exist."""
    watch.expects("404", f"/kie-ui/runs/{'0' * 32}")
    kie.page.goto(f"{kie.address}/?run={'0' * 32}")
    dialog = kie.page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_contain_text("There is no such run here")
    expect(dialog).not_to_have_css("background-color", "rgba(0, 0, 0, 0)")


def test_a_clip_that_was_dropped_is_told_from_one_that_is_there(
    past: Past, unopened: KiePage
) -> None:
    """In the grid, in full, and when it is taken along; the time that it took stays what it was."""
    past.make("still here")
    run = past.make("gone")
    late = run.finished_at_ms + 3_600_000 if run.finished_at_ms else 0
    (clip,) = run.clips
    changes = [*run.step_changes[:-1], StepChange(Step.UNFETCHED, run.step_changes[-1].at_ms)]
    changes += [StepChange(Step.FETCHING, late - 1_000), StepChange(Step.DONE, late)]
    past.keep(
        run.model_copy(
            update={
                "id": "d" * 32,
                "values": {"prompt": "dropped"},
                "clips": (clip.model_copy(update={"is_dropped": True}),),
                "step_changes": tuple(changes),
                "finished_at_ms": late,
            }
        )
    )
    unopened.open()
    tab = HistoryTab(unopened)
    expect(tab.tile("dropped").locator(".kie-tile-poster")).to_contain_text("Dropped to save space")
    expect(tab.tile("still here").locator(".kie-tile-poster")).to_be_empty()
    expect(tab.tile("dropped")).not_to_contain_text(re.compile(r"\d h"))
    dialog = tab.open("dropped")
    expect(dialog).to_contain_text("Its file was dropped to save space")
    unopened.page.keyboard.press("Escape")
    tab.choose("dropped")
    tab.choose("still here")
    with unopened.page.expect_download():
        tab.root.get_by_role("button", name="Download as ZIP").click()
    expect(tab.notice).to_contain_text("1 of the 2 runs has no file to include.")


def test_arrow_keys_go_from_run_to_run(come_back: ComeBack) -> None:
    """Among those that were looked for; within a text they move the cursor."""
    kie = come_back("one boat", "two trees", "three boats")
    tab = HistoryTab(kie)
    tab.search.fill("boat")
    expect(tab.tiles).to_have_count(2)
    dialog = tab.open("three boats")
    prompt = dialog.locator(".kie-prompt")
    expect(dialog.get_by_role("button", name="Newer run")).to_be_disabled()
    kie.page.keyboard.press("ArrowRight")
    expect(prompt).to_have_text("one boat")
    expect(dialog.get_by_role("button", name="Older run")).to_be_disabled()
    dialog.get_by_label("Note").press("ArrowLeft")
    kie.page.wait_for_timeout(200)
    expect(prompt).to_have_text("one boat")
    dialog.get_by_role("heading", level=2).focus()
    kie.page.keyboard.press("ArrowLeft")
    expect(prompt).to_have_text("three boats")


def test_a_note_is_saved_as_it_is_typed(come_back: ComeBack) -> None:
    """It says so, and is there again."""
    kie = come_back("with a note")
    tab = HistoryTab(kie)
    dialog = tab.open("with a note")
    dialog.get_by_label("Note").fill("the storm is too dark")
    expect(dialog.get_by_text("Saved")).to_be_visible()
    kie.page.reload()
    expect(dialog.get_by_label("Note")).to_have_value("the storm is too dark")


def test_deleted_runs_are_had_back(come_back: ComeBack) -> None:
    """Several at once, from everywhere on the page, and everywhere again."""
    kie = come_back("one to go", "two to go", "this stays")
    tab = HistoryTab(kie)
    tab.choose("one to go")
    tab.choose("two to go")
    bar = tab.root.get_by_role("group", name="Selected runs")
    expect(bar).to_contain_text("2 selected")
    bar.get_by_role("button", name="Delete").click()
    expect(tab.tiles).to_have_count(1)
    expect(bar).to_be_hidden()
    expect(kie.form(GROK).cards).to_have_count(1)
    tab.notice.get_by_role("button", name="Undo").click()
    HistoryTab(kie)
    expect(tab.tiles).to_have_count(3)
    expect(tab.tiles.first).to_contain_text("this stays")
    kie.page.reload()
    expect(tab.tiles).to_have_count(3)


def test_shift_selects_everything_between(come_back: ComeBack) -> None:
    """And all that is shown can be selected at once."""
    kie = come_back("a", "b", "c", "d")
    tab = HistoryTab(kie)
    tab.choose("d")
    tab.tile("b").hover()
    tab.tile("b").get_by_role("checkbox").click(modifiers=["Shift"])
    bar = tab.root.get_by_role("group", name="Selected runs")
    expect(bar).to_contain_text("3 selected")
    bar.get_by_role("button", name="Select all shown").click()
    expect(bar).to_contain_text("4 selected")
    bar.get_by_role("button", name="Clear").click()
    expect(bar).to_be_hidden()


def test_a_clip_is_watched_taken_along_and_dropped_in_again(kie: KiePage, tmp_path: Path) -> None:
    """Its poster plays when it is pointed at; the ZIP holds it and its parameters."""
    kie.wants_motion()
    make_clip(kie, "a clip to take along")
    tab = HistoryTab(kie)
    tile = tab.tile("a clip to take along")
    expect(tile.locator("img")).to_be_visible()
    tile.get_by_role("link", name="Open").hover()
    expect(tile.locator("video.kie-playing")).to_be_attached()
    tab.choose("a clip to take along")
    with kie.page.expect_download() as download:
        tab.root.get_by_role("button", name="Download as ZIP").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        names = archive.namelist()
        (clip,) = [name for name in names if name.endswith(".mp4")]
        (table,) = [name for name in names if name.endswith(".csv")]
        assert "a clip to take along" in clip
        (row,) = csv.DictReader(io.StringIO(archive.read(table).decode("utf-8-sig")))
        assert "a clip to take along" in row.values()
        content = archive.read(clip)
    form = kie.form(V1_LITE)
    form.prompt.fill("something else")
    drop_file(kie, content, clip)
    expect(form.prompt).to_have_value("a clip to take along")
    expect(tab.notice).to_contain_text("Filled in from the recipe in")


def test_a_card_opens_at_the_first_click_after_it_was_closed(past: Past, unopened: KiePage) -> None:
    """Its clip plays under the pointer meanwhile, and the focus is on it."""
    past.make("opened twice")
    unopened.wants_motion()
    unopened.open()
    tab = HistoryTab(unopened)
    dialog = tab.open("opened twice")
    dialog.get_by_role("button", name="Favourite").click()
    unopened.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    unopened.page.mouse.move(2, 2)
    poster = tab.tile("opened twice").locator(".kie-tile-poster")
    poster.hover()
    expect(poster.locator("video")).to_be_attached()
    unopened.page.mouse.down()
    unopened.page.mouse.up()
    expect(dialog.get_by_text("opened twice", exact=True)).to_be_visible()


def test_a_run_in_full_stands_in_the_middle(come_back: ComeBack) -> None:
    """As far from the top as from the bottom."""
    kie = come_back("in the middle")
    box = HistoryTab(kie).open("in the middle").bounding_box()
    assert box is not None
    assert box["y"] == pytest.approx(24)
    assert box["y"] + box["height"] == pytest.approx(900 - 24)


def test_a_note_typed_just_before_the_page_is_left_is_kept(come_back: ComeBack) -> None:
    """The browser sends it on its way out."""
    kie = come_back("left in a hurry")
    dialog = HistoryTab(kie).open("left in a hurry")
    dialog.get_by_label("Note").fill("last words")
    kie.page.reload()
    expect(dialog.get_by_label("Note")).to_have_value("last words")


def test_what_was_deleted_one_after_another_comes_back_together(come_back: ComeBack) -> None:
    """Also after a refresh; meanwhile the focus is on the card beside."""
    kie = come_back("stays", "second", "first")
    tab = HistoryTab(kie)
    for count, (prompt, beside) in enumerate((("first", "second"), ("second", "stays")), 1):
        tab.choose(prompt)
        tab.root.get_by_role("button", name="Delete", exact=True).click()
        expect(tab.notice).to_contain_text(f"{count} run")
        expect(tab.tile(beside).get_by_role("link", name="Open")).to_be_focused()
    kie.page.reload()
    expect(tab.notice).to_contain_text("2 runs deleted")
    tab.notice.get_by_role("button", name="Undo").click()
    expect(tab.tiles).to_have_count(3)
    expect(tab.notice).to_contain_text("2 runs restored.")


def test_what_is_selected_stays_so_while_something_else_is_looked_for(
    come_back: ComeBack,
) -> None:
    """It is counted though it is not shown, until Esc in the grid."""
    kie = come_back("a boat", "a tree")
    tab = HistoryTab(kie)
    tab.choose("a boat")
    tab.search.fill("tree")
    bar = tab.root.get_by_role("group", name="Selected runs")
    expect(bar).to_contain_text("1 selected, 1 not shown")
    tab.search.fill("")
    expect(tab.tile("a boat").get_by_role("checkbox")).to_be_checked()
    tab.tile("a tree").get_by_role("link", name="Open").press("Escape")
    expect(bar).to_be_hidden()
    tab.search.fill("no such words")
    expect(tab.root.get_by_role("status").filter(has_text="No runs found")).to_be_visible()


def test_a_new_run_is_listed_only_if_the_search_finds_it(kie: KiePage) -> None:
    """What the search of the server finds by a begun word, not what merely contains it."""
    tab = HistoryTab(kie)
    tab.search.fill("boa")
    expect(tab.root.get_by_role("status").filter(has_text="No runs found")).to_be_visible()
    for prompt in ("[fail] a keyboard", "[fail] a boat"):
        expect(kie.form(GROK).press(prompt).status).to_have_text("Failed")
    kie.open_tab("History")
    expect(tab.tile("[fail] a boat")).to_be_visible()
    expect(tab.tiles).to_have_count(1)


def test_new_runs_wait_while_one_looks_further_down(come_back: ComeBack) -> None:
    """Nothing moves under the pointer; a press on the button goes up to them."""
    kie = come_back(*(f"run {number}" for number in range(12)))
    kie.page.set_viewport_size({"width": 700, "height": 600})
    tab = HistoryTab(kie)
    expect(tab.tiles).to_have_count(12)
    tab.tile("run 0").scroll_into_view_if_needed()
    expect(tab.tile("run 0")).to_be_in_viewport()
    kie.page.locator("[id^=generate-]").first.evaluate("button => button.click()")
    arrived = tab.root.get_by_role("button", name="1 new run")
    expect(arrived).to_be_visible()
    expect(tab.tiles).to_have_count(12)
    arrived.click()
    expect(tab.tiles).to_have_count(13)
    expect(tab.tiles.first).to_be_in_viewport()
    expect(arrived).to_be_hidden()


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_reaches_beyond_the_screen(come_back: ComeBack, width: int) -> None:
    """Neither the grid, nor what is selected, nor a run in full."""
    kie = come_back("in a narrow place, with a prompt that is longer than one line has room for")
    kie.page.set_viewport_size({"width": width, "height": 844})
    tab = HistoryTab(kie)
    tab.tiles.first.hover()
    tab.tiles.first.get_by_role("checkbox").check()
    tab.root.get_by_text("Spending and usual times").click()
    assert kie.overflowing() == []
    tab.tiles.first.get_by_role("link", name="Open").click()
    expect(tab.dialog.locator(".kie-prompt")).to_contain_text("in a narrow place")
    assert kie.overflowing() == []
