import re

import pytest
from playwright.sync_api import expect

from tests.browser.pages import GROK, V1_LITE, KiePage, RunCard, Watch

PLAYS = """(video) => new Promise((resolve, reject) => {
  const started = video.currentTime;
  const look = () => video.currentTime > started + 0.05
    ? resolve([video.videoWidth, video.videoHeight, video.loop, video.muted]) : 0;
  video.addEventListener("timeupdate", look);
  video.addEventListener("error", () => reject(video.error.message));
  setTimeout(() => reject(new Error("it does not play")), 15_000);
  look();
})"""


@pytest.mark.parametrize("title", [GROK, V1_LITE])
def test_the_first_press_on_the_untouched_page_makes_a_clip_that_plays(
    kie: KiePage, title: str
) -> None:
    """Without a key, without a word; it plays by itself, silently, again and again."""
    form = kie.form(title)
    form.generate.click()
    card = RunCard(form.cards.first)
    expect(card.status).to_have_text("Done", timeout=60_000)
    width, height, loops, is_muted = card.video.evaluate(PLAYS)
    assert min(width, height) >= 480
    assert (loops, is_muted) == (True, True)
    link = card.node.get_by_role("link", name="Download")
    with kie.page.expect_download() as downloading:
        link.click()
    download = downloading.value
    assert re.fullmatch(
        r"20\d\d-\d\d-\d\d [0-9.]{8} (grok-imagine|v1-lite) .+ [0-9a-f]{6}\.mp4",
        download.suggested_filename,
    )
    with download.path().open("rb") as file:
        assert file.read(12)[4:8] == b"ftyp"


def test_a_page_at_rest_holds_one_connection(kie: KiePage, watch: Watch) -> None:
    """A browser has six to a server, for all pages of a person together; a press takes two."""
    kie.form(GROK).press("[stuck] and watched")
    watch.settle(kie.page)


def test_it_says_what_it_is_and_loads_nothing_from_elsewhere(kie: KiePage, watch: Watch) -> None:
    """Fonts, scripts and styles are its own; every other test of this folder checks it too."""
    expect(kie.mode).to_contain_text("Demo")
    expect(kie.page).to_have_title("Kie UI")
    expect(kie.form(GROK).runs).to_contain_text("Your clip appears here.")
    kie.page.evaluate("() => document.fonts.ready")
    kinds = {
        kind for kind in ("font", ".js", ".css", "image") if any(kind in u for u in watch.requested)
    }
    assert kinds >= {"font", ".js", ".css"}
    assert watch.foreign == []
