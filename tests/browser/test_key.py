from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.pages import GROK, KiePage, Watch
from tests.fake_kie import KEY, FakeKie

_KEPT = """async () => JSON.stringify([
  document.documentElement.outerHTML,
  [...document.querySelectorAll("input, textarea")].map((field) => field.value),
  { ...localStorage }, { ...sessionStorage }, document.cookie, window.gradio_config,
  (await indexedDB.databases()).map((database) => database.name), location.href,
])"""


def test_a_key_that_works_makes_it_live_and_is_seen_no_more(
    kie: KiePage, fake: FakeKie, watch: Watch
) -> None:
    """A wrong one stays in its field; the right one leaves it, and the badge says the balance."""
    watch.expects("409", "kie-ui/account/key")
    field = kie.key
    kie.use_key("wrong-key-5e2a")
    expect(kie.page.get_by_text("Kie did not accept the API key")).to_be_visible()
    expect(field).to_have_value("wrong-key-5e2a")
    expect(kie.mode).to_contain_text("Demo")

    kie.use_key(f" {KEY} ")
    expect(kie.mode).to_have_text("Live: Kie, balance 87.5 credits ($0.44)")
    expect(kie.page.get_by_text("The key works")).to_be_visible()
    expect(field).to_have_value("")
    assert KEY not in kie.page.evaluate(_KEPT)

    card = kie.form(GROK).press("live with my key")
    expect(card.status).to_have_text("Done")
    assert fake.creates["live with my key"] == 1
    kie.open()
    expect(kie.mode).to_contain_text("Live: Kie, balance 87.5 credits")
    assert KEY not in kie.page.evaluate(_KEPT)

    kie.mode.click()
    kie.page.get_by_role("button", name="Forget this key").click()
    expect(kie.mode).to_contain_text("Demo")
    expect(kie.page.get_by_role("button", name="Forget this key")).to_be_hidden()
    expect(kie.key).to_be_focused()
    kie.page.keyboard.press("Escape")
    expect(kie.key).to_be_hidden()
    expect(kie.mode).to_be_focused()
    assert fake.complaints == []
