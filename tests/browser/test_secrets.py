from __future__ import annotations

from playwright.sync_api import Response, expect

from tests.browser.pages import GROK, KiePage, Watch
from tests.fake_kie import KEY

WRONG = "planted-wrong-key-8d20c4"

_STORED = """async () => {
  const stored = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie];
  stored.push(document.documentElement.outerHTML, location.href);
  stored.push(JSON.stringify(window.gradio_config));
  for (const field of document.querySelectorAll("input, textarea")) stored.push(field.value);
  for (const name of await caches.keys()) {
    stored.push(name);
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      stored.push(request.url, await (await cache.match(request)).text());
    }
  }
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise((done, failed) => {
      const request = indexedDB.open(name);
      request.onsuccess = () => done(request.result);
      request.onerror = () => failed(request.error);
    });
    for (const table of database.objectStoreNames) {
      const request = database.transaction(table).objectStore(table).getAll();
      const rows = await new Promise((done) => (request.onsuccess = () => done(request.result)));
      stored.push(name, JSON.stringify(rows));
    }
    database.close();
  }
  return stored.join("\\n");
}"""


def _texts(heard: list[Response]) -> list[str]:
    """Read what the page received, but for streams, which never end, and films."""
    read = ("application/json", "text/html", "text/plain", "text/css")
    shown = (each for each in heard if each.headers.get("content-type", "").startswith(read))
    return [each.text() for each in shown if each.ok]


def test_a_typed_key_leaves_no_trace_in_the_browser(kie: KiePage, watch: Watch) -> None:
    """After a full round, and after the refresh that follows it, nothing holds it any more."""
    page = kie.page
    heard: list[Response] = []
    page.on("response", lambda response: heard.append(response))  # noqa: PLW0108 - no built-in
    watch.expects("409", "kie-ui/account/key")
    for key, said in ((WRONG, "Kie did not accept the API key"), (KEY, "The key works")):
        kie.use_key(key)
        expect(page.get_by_text(said)).to_be_visible()
    form = kie.form(GROK)
    card = form.press("made with a typed key")
    expect(card.status).to_have_text("Done")
    card.open_wire()
    form.open_code()
    kie.open_tab("History")
    page.locator("li.kie-tile").first.get_by_role("link", name="Open").click()
    expect(page.get_by_role("dialog")).to_contain_text("made with a typed key")
    page.get_by_role("dialog").get_by_text("Code of its request").click()
    while_open = str(page.evaluate(_STORED))
    texts = _texts(heard)
    page.keyboard.press("Escape")
    page.reload()
    expect(kie.mode).to_contain_text("Live")
    left = str(page.evaluate(_STORED))
    assert "made with a typed key" in while_open  # or there would be nothing to find
    assert any("made with a typed key" in text for text in texts)
    for key in (KEY, WRONG):
        assert key not in while_open + left
        assert not [url for url in watch.requested if key in url]
        assert not [text for text in texts if key in text]
