from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from kie_ui.runs.run import Run, RunError, Step
from kie_ui.ui.asgi.identity import LOCAL_OWNER
from tests.browser.pages import GROK, V1_LITE, KiePage, ModelForm, Watch
from tests.browser.past import Past, ended
from tests.fake_kie import DROPPED, KEY, FakeKie, Story, Task
from tests.kie_documentation import GROK as GROK_ID
from tests.kie_documentation import V1_LITE as V1_LITE_ID
from tests.wire.app_process import AppProcess, with_fast_clock

KEPT_RUNS = 45
"""Runs of long ago: more than a page receives when it opens."""
AHEAD = ("busy one", "busy two", "busy three")
"""What uses the budget up."""
FOR_HOURS = "from kie_ui.runs import limits as budget; budget.WINDOW_MS = 36_000_000_000"
"""Has a create that left count for ten hours, however a test's program hurries."""
LONG_AGO_MS = 1_700_000_000_000
"""So long that nobody tries to fetch what Kie made then."""


def _long_ago(number: int) -> Run:
    """Tell of a run as if it had failed long ago; its prompt is `kept n` and its task `keptn`."""
    return ended(
        Step.FAILED,
        LONG_AGO_MS + number,
        id=f"{number:032x}",
        backend="live",
        model=V1_LITE_ID,
        values={"prompt": f"kept {number}"},
        task_id=f"kept{number:04}",
        error=RunError(kind="TaskFailed", message="Kie could not make it."),
    )


@pytest.fixture(scope="module")
def live(chromium: str, fake: FakeKie, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the program with a key, and a budget of three creates that no test gets another of."""
    settings = {"KIE_API_KEY": KEY, "KIE_UI_CREATES_PER_10_S": "3", **fake.environment}
    folder = tmp_path_factory.mktemp("live")
    Past(folder / "data", LOCAL_OWNER).keep(*map(_long_ago, range(KEPT_RUNS)))
    with AppProcess(folder, FOR_HOURS, with_fast_clock(5), **settings) as app:
        yield app.url


@pytest.fixture
def kie_live(context: BrowserContext, live: str) -> KiePage:
    """Open its page."""
    opened = KiePage(context.new_page(), live)
    opened.open()
    return opened


@pytest.fixture
def crowded(kie_live: KiePage, fake: FakeKie) -> ModelForm:
    """Give a form whose next press waits in line: the budget is used up."""
    form = kie_live.form(V1_LITE)
    for prompt in AHEAD:
        if prompt not in fake.creates:
            fake.stories[prompt] = Story(records=("generating",))
            form.press(prompt)
        expect(form.card(prompt).status).to_have_text("Generating")
    return form


@pytest.fixture
def kie_keyed(kie: KiePage) -> KiePage:
    """Give the page to a visitor with a key, whose creates need not wait for each other."""
    kie.use_key(KEY)
    expect(kie.mode).to_contain_text("Live: Kie")
    kie.page.keyboard.press("Escape")
    return kie


def test_the_queue_shows_what_runs_in_every_tab_and_leads_there(kie: KiePage) -> None:
    """With its model, its step and its time; Esc closes it and gives the focus back."""
    page = kie.page
    button, panel = page.locator(".kie-queue-button"), page.locator("#kie-queue-panel")
    expect(button).to_have_text("Queue: empty")
    grok = kie.form(GROK).press("[stuck] of grok")
    kie.form(V1_LITE).press("[stuck] of lite")
    expect(button).to_have_text("Queue: 2 running")
    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")
    rows = panel.locator(".kie-queue-row")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Grok Imagine")
    expect(rows.first).to_contain_text("Generating")
    expect(rows.first.get_by_role("button", name="Cancel")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(button).to_be_focused()

    button.click()
    rows.first.get_by_role("button").first.click()
    expect(panel).to_be_hidden()
    expect(kie.tab(GROK)).to_have_attribute("aria-selected", "true")
    expect(grok.node).to_be_focused()
    expect(grok.node).to_be_in_viewport()

    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate("() => scrollTo(0, 0)")
    button.click()
    expect(rows).to_have_count(2)
    assert kie.overflowing() == []
    page.mouse.click(200, 800)
    expect(panel).to_be_hidden()


def test_a_run_in_line_has_a_place_and_can_be_cancelled(
    kie_live: KiePage, crowded: ModelForm, fake: FakeKie
) -> None:
    """Until it leaves; nothing of it reaches Kie."""
    card = crowded.press("in line")
    expect(card.status).to_have_text("In line")
    expect(card.words).to_contain_text("Place 1 in our queue")
    expect(kie_live.page.locator(".kie-queue-button")).to_contain_text("1 in line")
    card.node.get_by_role("button", name="Cancel").click()
    expect(card.status).to_have_text("Cancelled")
    expect(card.words).to_contain_text("nothing is billed")
    sent = crowded.card(AHEAD[-1])
    expect(sent.node).to_contain_text("Kie has no way to stop a task")
    expect(sent.node.get_by_role("button", name="Cancel")).to_have_count(0)
    assert "in line" not in fake.creates


def test_of_many_running_runs_only_the_newest_are_whole_cards(
    kie_keyed: KiePage, fake: FakeKie
) -> None:
    """The others are lines, which can be unfolded."""
    form = kie_keyed.form(V1_LITE)
    for name in ("one", "two", "three", "four"):
        fake.stories[f"crowd {name}"] = Story(records=("generating",))
        card = form.press(f"crowd {name}")
    oldest = form.card("crowd one")
    expect(card.node.locator(".kie-stage")).to_be_visible()
    expect(oldest.node.locator(".kie-stage")).to_be_hidden()
    oldest.node.get_by_role("button", name="Show").click()
    expect(oldest.node.locator(".kie-stage")).to_be_visible()
    expect(oldest.node).to_be_focused()


def test_earlier_runs_are_shown_until_there_are_none(kie_live: KiePage) -> None:
    """Also those that the page did not receive when it opened."""
    form = kie_live.form(V1_LITE)
    oldest = form.card("kept 0").node
    more = form.runs.get_by_role("button", name="Show earlier runs")
    expect(oldest).to_have_count(0)
    for _ in range(10):
        if more.count() == 0:
            break
        more.click()
        expect(form.runs.locator("[aria-disabled]")).to_have_count(0)
    expect(more).to_be_hidden()
    expect(oldest).to_be_visible()
    assert form.runs.get_by_text(re.compile(r"^kept \d+$")).count() == KEPT_RUNS


def test_tracking_a_task_that_is_followed_already_leads_to_its_old_run(kie_live: KiePage) -> None:
    """Though the page did not receive it when it opened."""
    page = kie_live.page
    kie_live.open_tab("History")
    page.get_by_text("Track a task", exact=True).click()
    page.get_by_label("Task id", exact=True).fill("kept0001")
    page.get_by_role("button", name="Track this task").click()
    expect(kie_live.tab(V1_LITE)).to_have_attribute("aria-selected", "true")  # by itself
    expect(kie_live.form(V1_LITE).card("kept 1").node).to_be_focused()


def test_a_run_of_unknown_outcome_is_found_by_its_task_id(
    kie_keyed: KiePage, fake: FakeKie, watch: Watch
) -> None:
    """A wrong id is reported at its field, and what was typed stays."""
    fake.stories["where is it"] = Story(creates=(DROPPED,), records=("generating",))
    card = kie_keyed.form(GROK).press("where is it")
    expect(card.status).to_have_text("Outcome unknown")
    field = card.node.get_by_label("its task id")
    field.fill("nosuchtask")
    follow = card.node.get_by_role("button", name="Watch this task")
    watch.expects("409", "/task-id")
    follow.click()
    expect(card.node.locator(".kie-inline-note").first).to_contain_text("does not know this task")
    expect(field).to_have_value("nosuchtask")
    body = {"model": "grok-imagine/image-to-video", "input": {"prompt": "where is it"}}
    fake.tasks["foundinthelogs"] = Task(body, Story(records=("generating",)))
    field.fill("foundinthelogs")
    follow.click()
    expect(card.status).to_have_text("Generating")
    assert fake.creates["where is it"] == 1


def test_a_run_of_unknown_outcome_is_sent_again_only_knowingly(
    kie_keyed: KiePage, fake: FakeKie
) -> None:
    """Once; the card then leads to the new run."""
    fake.stories["again"] = Story(creates=(DROPPED, None), records=("generating",))
    form = kie_keyed.form(GROK)
    form.press("again")
    old = form.cards.filter(has_text="again").last
    opener = old.get_by_role("button", name="Send it again")
    expect(old.get_by_text("grok-imagine/image-to-video", exact=True)).to_be_visible()
    queue = kie_keyed.page.locator(".kie-queue-button")
    expect(queue).to_contain_text("needs attention")
    queue.click()
    expect(kie_keyed.page.locator(".kie-queue-row").first).to_contain_text("again")
    kie_keyed.page.keyboard.press("Escape")
    opener.click()
    expect(old).to_contain_text("If Kie took the first one, both are billed.")
    kie_keyed.page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    assert fake.creates["again"] == 1
    opener.click()
    old.get_by_role("button", name="Send again anyway").click()
    link = old.get_by_role("button", name="Go to the new run")
    expect(form.cards.filter(has_text="again")).to_have_count(2)
    link.click()
    expect(form.cards.filter(has_text="again").first).to_be_focused()
    expect(old.get_by_role("button", name="Send it again")).to_have_count(0)
    expect(form.cards.filter(has_text="again").first.locator(".kie-status")).to_have_text(
        "Generating"
    )
    expect(old).to_have_class(re.compile(r"\bkie-line\b"))
    expect(queue).not_to_contain_text("need")
    assert fake.creates["again"] == 2


def test_a_task_made_elsewhere_is_tracked_in_its_models_tab_or_in_a_list_of_its_own(
    kie_keyed: KiePage, fake: FakeKie, watch: Watch
) -> None:
    """An unknown id is reported at the field."""
    page = kie_keyed.page
    playing = Story(records=("generating",))
    lite = {"model": "bytedance/v1-lite-image-to-video", "input": {"prompt": "made elsewhere"}}
    fake.tasks["oflite0001"] = Task(lite, playing)
    fake.tasks["ofother0001"] = Task({"model": "a/song", "input": {"prompt": "la la"}}, playing)
    kie_keyed.open_tab("History")
    page.get_by_text("Track a task", exact=True).click()
    field = page.get_by_label("Task id", exact=True)
    track = page.get_by_role("button", name="Track this task")
    for no_id in ("", "abc", "https://kie.ai/logs", "two words"):
        field.fill(no_id)
        track.click()
        expect(page.locator("#kie-track-note")).to_contain_text("This is not a task id")
        expect(field).to_be_focused()
    field.fill("nosuchtask")
    watch.expects("409", "/kie-ui/track")
    track.click()
    expect(page.locator("#kie-track-note")).to_contain_text("does not know this task")
    expect(field).to_have_value("nosuchtask")

    field.fill("oflite0001")
    track.click()
    expect(kie_keyed.tab(V1_LITE)).to_have_attribute("aria-selected", "true")
    expect(kie_keyed.form(V1_LITE).card("made elsewhere").node).to_be_focused()
    kie_keyed.open_tab("History")
    expect(field).to_have_value("")

    expect(page.locator(".kie-tracked")).to_be_hidden()
    field.fill("ofother0001")
    track.click()
    other = page.locator(".kie-tracked li[data-run]")
    expect(other).to_be_focused()
    expect(other).to_contain_text("la la")


def test_runs_in_line_are_cancelled_by_keyboard_or_all_at_once(
    kie_live: KiePage, crowded: ModelForm, fake: FakeKie
) -> None:
    """The focus goes on to the next one, and never gets lost."""
    panel = kie_live.page.locator("#kie-queue-panel")
    for name in ("one", "two", "three"):
        crowded.press(f"behind {name}")
    kie_live.page.locator(".kie-queue-button").click()
    first, second, third = (
        panel.locator(".kie-queue-row", has_text=f"behind {name}")
        for name in ("one", "two", "three")
    )
    expect(panel.get_by_role("heading", name="In line 3")).to_be_visible()
    first.get_by_role("button", name="Cancel").press("Enter")
    expect(first).to_have_count(0)
    expect(second.get_by_role("button", name="Cancel")).to_be_focused()
    panel.get_by_role("button", name="Cancel all waiting").press("Enter")
    expect(second).to_have_count(0)
    expect(third).to_have_count(0)
    expect(panel).to_be_focused()
    assert not any(name.startswith("behind") for name in fake.creates)


def test_what_cannot_be_fetched_is_played_from_kie_only_on_demand(
    unopened: KiePage, past: Past, fake: FakeKie, watch: Watch
) -> None:
    """A page that is merely opened asks nothing of other hosts."""
    elsewhere = fake.urls["media"].replace("127.0.0.1", "localhost")  # as cookies count hosts
    address = f"{elsewhere}/results/far-away.mp4"
    far_away = ended(
        Step.UNFETCHED,
        LONG_AGO_MS,
        backend="live",
        model=GROK_ID,
        values={"prompt": "far away"},
        result_urls=(address,),
        error=RunError(kind="DownloadFailed", message="This is no video."),
    )
    past.keep(far_away)
    unopened.open()
    card = unopened.form(GROK).card("far away")
    expect(card.node.get_by_role("button", name="Fetch it again")).to_be_visible()
    expect(card.node.get_by_role("link", name="/results/")).to_be_visible()
    watch.settle(unopened.page)
    assert address not in watch.requested
    watch.allowed.append(address)
    watch.expects("404", address)
    with unopened.page.expect_request(address):
        card.node.get_by_role("button", name="Play it from Kie").click()
    expect(card.node.locator(".kie-stage")).to_be_visible()
