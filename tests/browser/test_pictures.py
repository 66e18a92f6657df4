from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.pages import GROK, V1_LITE, KiePage, ModelForm, Watch

_TRANSFER = """async ([bytes, name]) => {
  const data = await (await fetch(`data:image/jpeg;base64,${bytes}`)).blob();
  const transfer = new DataTransfer();
  transfer.items.add(new File([data], name, { type: "image/jpeg" }));
  return transfer;
}"""
_PUT_ON_CLIPBOARD = """async () => {
  const canvas = new OffscreenCanvas(48, 32);
  canvas.getContext("2d").fillRect(0, 0, 48, 32);
  const png = await canvas.convertToBlob({ type: "image/png" });
  await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
}"""


def choose(form: ModelForm, name: str, path: Path) -> None:
    """Take the present picture away and choose a file in its place."""
    field = form.field(name)
    remove = field.get_by_role("button", name="Remove Image")
    if remove.count():
        remove.click()
    field.locator("input[type=file]").set_input_files(path)


def expect_shown(picture: Locator, width: int, height: int) -> None:
    """Wait until a picture of this size is really drawn."""
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("naturalWidth", width)
    expect(picture).to_have_js_property("naturalHeight", height)


def test_a_chosen_file_is_shown_described_and_sent(kie: KiePage, jpeg: Path) -> None:
    """It goes to Kie's uploads; the run's card shows it while it is at work."""
    form = kie.form(V1_LITE)
    choose(form, "image_url", jpeg)
    expect_shown(form.preview("image_url"), 640, 400)
    expect(form.field("image_url")).to_contain_text("JPEG · 640 × 400")
    form.expect_body(image_url="<address of the uploaded photo.jpg>")
    card = form.press("[stuck] with a file")
    expect_shown(card.node.locator(".kie-stage img"), 640, 400)


def test_a_heic_of_a_telephone_is_shown_as_what_it_becomes(kie: KiePage, heic: Path) -> None:
    """No browser of this kind can show it, and Kie would not take it."""
    form = kie.form(V1_LITE)
    choose(form, "image_url", heic)
    expect(form.field("image_url")).to_contain_text(re.compile("HEIC · 320 × 200 · .* JPEG"))
    expect_shown(form.preview("image_url"), 320, 200)
    card = form.press("[stuck] with a HEIC")
    expect_shown(card.node.locator(".kie-stage img"), 320, 200)
    expect(card.open_wire()).to_contain_text(re.compile(r"\.jpg\""))


def test_a_picture_can_be_dropped_and_pasted(kie: KiePage, jpeg: Path) -> None:
    """As well as chosen."""
    form = kie.form(GROK)
    field = form.field("image_urls")
    field.get_by_role("button", name="Remove Image").click()
    given = [base64.b64encode(jpeg.read_bytes()).decode(), "dropped.jpg"]
    transfer = kie.page.evaluate_handle(_TRANSFER, given)
    field.locator("button:has(input[type=file])").dispatch_event("drop", {"dataTransfer": transfer})
    expect_shown(form.preview("image_urls"), 640, 400)
    form.expect_body(image_urls=["<address of the uploaded dropped.jpg>"])

    kie.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    kie.page.evaluate(_PUT_ON_CLIPBOARD)
    field.get_by_role("button", name="Paste from clipboard").click()
    expect_shown(form.preview("image_urls"), 48, 32)


class PictureServer(ThreadingHTTPServer):
    """Serves one picture, and notes who asks."""

    def __init__(self, picture: bytes) -> None:
        requested = self.requested = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requested.append(self.headers)
                self.send_response(200)
                self.send_header("Content-Type", "image/jpeg")
                self.end_headers()
                self.wfile.write(picture)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server_port}"  # another host, as cookies count hosts

    requested: list[Message]
    """The headers of every request."""


@pytest.fixture
def elsewhere(jpeg: Path) -> Iterator[PictureServer]:
    """Serve a picture at an address that is not the program's."""
    server = PictureServer(jpeg.read_bytes())
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_typed_address_is_looked_at_by_the_browser_alone(
    kie: KiePage, elsewhere: PictureServer, watch: Watch
) -> None:
    """The server passes it on as it is, and never asks for it: neither for show nor for the run.

    Its server does not learn where it is shown. After a refresh it is not requested: neither the
    ended run nor the form, until the person wants to look at it again.
    """
    watch.allowed.append(elsewhere.url)
    address = f"{elsewhere.url}/cat.jpg?size=large"
    form = kie.form(V1_LITE)
    field = form.field("image_url")
    field.get_by_placeholder("web address").fill(address)
    expect_shown(form.preview("image_url"), 640, 400)
    expect(field).to_contain_text("In demo mode addresses are not fetched")
    form.expect_body(image_url=address)
    card = form.press("[fail] with an address")
    expect(card.status).to_have_text("Failed")
    expect(card.open_wire()).to_contain_text(address)
    assert elsewhere.requested
    assert all("Chrome" in headers["User-Agent"] for headers in elsewhere.requested)
    assert not any("Referer" in headers or "Cookie" in headers for headers in elsewhere.requested)

    elsewhere.requested.clear()
    kie.open()
    kie.form(V1_LITE)
    expect(card.status).to_have_text("Failed")
    expect(field.get_by_placeholder("web address")).to_have_value(address)
    form.expect_body(image_url=address)
    assert elsewhere.requested == []
    field.get_by_placeholder("web address").click()
    expect_shown(form.preview("image_url"), 640, 400)


def test_a_removed_picture_takes_its_address_and_its_facts_along(kie: KiePage, jpeg: Path) -> None:
    """Nothing is left of it, in the form or in the code."""
    form = kie.form(V1_LITE)
    field = form.field("image_url")
    choose(form, "image_url", jpeg)
    expect(field).to_contain_text("JPEG · 640 × 400")
    field.get_by_role("button", name="Remove Image").click()
    expect(field).not_to_contain_text("JPEG · 640 × 400")
    form.expect_body(image_url=None)


def test_what_was_given_last_counts(kie: KiePage, jpeg: Path, watch: Watch) -> None:
    """A file after an address or the other way round: picture, code and field agree."""
    watch.allowed.append("https://a.test/")
    kie.page.route("https://a.test/**", lambda route: route.fulfill(path=jpeg))
    form = kie.form(V1_LITE)
    address = form.field("image_url").get_by_placeholder("web address")
    address.fill("https://a.test/one.jpg")
    form.expect_body(image_url="https://a.test/one.jpg")
    choose(form, "image_url", jpeg)
    form.expect_body(image_url="<address of the uploaded photo.jpg>")
    expect(address).to_have_value("")
    address.fill("https://a.test/two.jpg")
    form.expect_body(image_url="https://a.test/two.jpg")
    expect(form.preview("image_url")).to_have_attribute("src", "https://a.test/two.jpg")


def test_an_end_picture_is_a_press_away(kie: KiePage) -> None:
    """It starts empty, and is not sent; our sample shows what it is for."""
    form = kie.form(V1_LITE)
    form.expect_body(end_image_url=None)
    form.unfold("Advanced")
    form.field("end_image_url").get_by_role("button", name="Use a sample picture").click()
    expect(form.preview("end_image_url")).to_be_visible()
    form.expect_body(end_image_url="<address of the uploaded archway-end.jpg>")
