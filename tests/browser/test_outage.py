"""While the server or the network is away: nothing typed is lost, and no press goes unanswered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.pages import GROK, V1_LITE, KiePage, ModelForm, Watch
from tests.wire.app_process import AppProcess

TWENTY_KEYS = "  Twenty keys, äß “x”"
SPOILT = "typed before. "


@pytest.fixture
def away(kie: KiePage, watch: Watch) -> Iterator[KiePage]:
    """Give the page; what the browser itself complains about when offline is no fault."""
    watch.allows("ERR_INTERNET_DISCONNECTED")
    yield kie
    kie.page.context.set_offline(False)


@pytest.fixture
def kie_mortal(context: BrowserContext, mortal: AppProcess) -> KiePage:
    """Open the page of a program that may be killed."""
    opened = KiePage(context.new_page(), mortal.url)
    opened.open()
    return opened


def _go_offline(form: ModelForm) -> None:
    """Take the network away, and wait until the page says so: the browser takes its time."""
    form.root.page.context.set_offline(True)
    expect(_line(form)).to_contain_text("nothing can be sent from here until the server is back")


def _line(form: ModelForm) -> Any:
    return form.root.locator(".kie-press").get_by_role("status")


def _fill_in_half(form: ModelForm) -> None:
    form.prompt.fill(SPOILT)
    form.prompt.press("End")


def _go_on_typing(form: ModelForm) -> None:
    form.prompt.press_sequentially(TWENTY_KEYS, delay=60)
    form.choose("resolution", "1080p")
    form.pick("duration", "10")
    form.field("seed").get_by_label("Random seed").uncheck()
    form.field("camera_fixed").get_by_role("checkbox").check()


def _expect_all_of_it(form: ModelForm) -> None:
    expect(form.prompt).to_have_value(SPOILT + TWENTY_KEYS)
    form.expect_body(
        prompt=SPOILT + TWENTY_KEYS, resolution="1080p", duration="10", camera_fixed=True
    )
    expect(form.field("seed").get_by_label("Random seed")).not_to_be_checked()


def test_what_is_typed_offline_is_there_letter_for_letter_after_a_reload(
    away: KiePage, watch: Watch
) -> None:
    """Also what was chosen."""
    form = away.form(V1_LITE)
    _fill_in_half(form)
    watch.settle(away.page)
    _go_offline(form)
    _go_on_typing(form)
    away.expect_kept('"camera_fixed":true')
    away.page.context.set_offline(False)
    away.reload()
    _expect_all_of_it(away.form(V1_LITE))


def test_a_press_offline_is_refused_at_once_beside_the_button(away: KiePage, watch: Watch) -> None:
    """And never sent later unasked; once the network is back a press works."""
    form = away.form(GROK)
    form.prompt.fill("[stuck] pressed offline")
    watch.settle(away.page)
    _go_offline(form)
    requested = len(watch.requested)
    form.generate.click()
    expect(_line(form)).to_have_text("Not sent: no connection to the server. Your form is kept.")
    form.prompt.press("Control+Enter")
    away.page.wait_for_timeout(500)
    assert not [url for url in watch.requested[requested:] if "/forms/press" in url]
    expect(form.runs.locator(".kie-stand-in")).to_have_count(0)
    away.page.context.set_offline(False)
    expect(_line(form)).to_contain_text("The server is back: press Generate again.")
    expect(form.cards).to_have_count(0)
    form.generate.click()
    expect(form.card("[stuck] pressed offline").node).to_be_visible()
    expect(form.cards).to_have_count(1)
    expect(_line(form)).to_be_empty()


def test_a_server_that_ends_takes_neither_text_nor_presses_with_it(
    mortal: AppProcess, kie_mortal: KiePage
) -> None:
    """The page says so beside Generate, refuses the press, and has everything after the restart."""
    form = kie_mortal.form(V1_LITE)
    _fill_in_half(form)
    mortal.kill()
    _go_on_typing(form)
    expect(_line(form)).to_contain_text("nothing can be sent from here until the server is back")
    form.generate.click()
    expect(_line(form)).to_contain_text("Not sent: no connection to the server.")
    mortal.start()
    expect(_line(form)).to_contain_text("The server is back: press Generate again.")
    expect(form.price).to_contain_text("100 credits")
    _expect_all_of_it(form)
    expect(form.cards).to_have_count(0)


def test_a_press_without_an_answer_is_told_as_not_sent(away: KiePage, watch: Watch) -> None:
    """Once it is known that it made no run: nothing is said to be preparing for ever."""
    form = away.form(GROK)
    watch.expects("ERR_FAILED", "/forms/press")
    away.page.route("**/forms/press", lambda route: route.abort())
    form.generate.click()
    shown = form.runs.locator(".kie-stand-in")
    expect(shown).to_contain_text("checking whether it was sent")
    expect(shown).to_contain_text("Not sent: press again", timeout=30_000)
    away.page.unroute_all(behavior="wait")
    form.generate.click()
    expect(form.cards).to_have_count(1)
    expect(shown).to_have_count(0)
