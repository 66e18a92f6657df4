from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.pages import GROK, KiePage, Watch

_NOTE_SHIFTS = """window.shifts = 0;
new PerformanceObserver((list) => list.getEntries().forEach((shift) => {
  if (!shift.hadRecentInput) window.shifts += shift.value;
})).observe({ type: "layout-shift", buffered: true });"""


@pytest.mark.parametrize("size", [(390, 844), (1440, 900)])
def test_nothing_moves_while_the_page_is_built(
    unopened: KiePage, watch: Watch, size: tuple[int, int]
) -> None:
    """A finger that is on its way to a button finds it there."""
    page = unopened.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.add_init_script(_NOTE_SHIFTS)
    unopened.open()
    expect(unopened.form(GROK).generate).to_be_enabled()
    watch.settle(page)
    assert page.evaluate("() => window.shifts") <= 0.02


def test_a_second_visit_fetches_nothing_that_is_kept_for_ever(
    context: BrowserContext, app: str
) -> None:
    """Files with a hash of their content in their address are in the browser already."""
    for is_cached in (False, True):
        page = context.new_page()
        page.goto(app)
        expect(page.get_by_role("button", name="Generate").first).to_be_enabled()
        sizes = page.evaluate(
            """() => performance.getEntriesByType("resource")
              .filter(({ name }) => name.includes("/assets/") && /\\.(js|css)$/.test(name))
              .map(({ transferSize }) => transferSize)"""
        )
        assert len(sizes) > 20
        assert not is_cached or set(sizes) == {0}
        page.close()
