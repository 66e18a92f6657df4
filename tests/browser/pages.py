"""The page as its user sees it: where things are, and how they are operated."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Frame, Locator, Page, Request, expect

GROK, V1_LITE = "Grok Imagine", "V1 Lite"
_IDS = {GROK: "grok_imagine_image_to_video", V1_LITE: "bytedance_v1_lite_image_to_video"}

LOOKS = 600
"""How often one looks, 50 ms apart, for what must come."""
AT_REST = 8
"""Looks in a row, 50 ms apart, after which a page is taken to be at rest."""

_WHEN_LEFT = ("signal is aborted without reason", "Unexpected error Connection errored out.")

_OVERFLOWING = """() => {
  const width = document.documentElement.clientWidth;
  const inScroller = (node) => {
    for (let at = node.parentElement; !at.matches(".gradio-container"); at = at.parentElement)
      if (getComputedStyle(at).overflowX !== "visible") return true;
    return false;
  };
  return [...document.body.querySelectorAll("*")]
    .filter((node) => node.parentElement.closest(".gradio-container") && node.checkVisibility())
    .filter((node) => node.getBoundingClientRect().right > width + 1)
    .filter((node) => node.getBoundingClientRect().width > 0 && !inScroller(node))
    .map((node) => `${node.tagName}.${node.className}`);
}"""

_TWO_FRAMES = """async () => {
  for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
}"""

_DROP = """([target, bytes, name, type]) => {
  const data = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([data], name, { type }));
  const at = document.querySelector(target);
  for (const kind of ["dragenter", "dragover", "drop"])
    at.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer }));
}"""


@dataclass
class Watch:
    """What a page asks for, and what it complains about."""

    home: str
    allowed: list[str] = field(default_factory=list)
    """Other places that this test sends the browser to."""
    requested: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    due: list[tuple[str, ...]] = field(default_factory=list)
    """Words of complaints that must come."""
    possible: list[tuple[str, ...]] = field(default_factory=list)
    """Words of complaints that may come."""
    under_way: set[Request] = field(default_factory=set)

    def follow(self, page: Page) -> None:
        """Begin to listen."""
        page.on("request", self._note)
        page.on("requestfinished", self._strike)
        page.on("requestfailed", self._strike)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._fault(str(error)))

    def expects(self, *words: str) -> None:
        """Say in advance what the browser will complain about: complaints may come late."""
        self.due.append(words)

    def allows(self, *words: str) -> None:
        """Say in advance what the browser may complain about."""
        self.possible.append(words)

    def close(self, page: Page) -> None:
        """Wait for the complaints that are due, and have done with the page."""
        for _ in range(LOOKS):
            if not self.missing:
                break
            page.wait_for_timeout(50)
        page.close()

    def settle(self, page: Page) -> None:
        """Wait until the page asks for nothing more: it holds its one stream, and that for a while.

        A request of Gradio's that is cut off in the middle makes it load the page anew.
        """
        at_rest = 0
        for _ in range(LOOKS):
            paths = [urlsplit(request.url).path for request in self.under_way]
            at_rest = at_rest + 1 if paths == ["/kie-ui/stream"] else 0
            if at_rest == AT_REST:
                return
            page.wait_for_timeout(50)
        raise AssertionError(f"still under way: {paths}")

    @property
    def foreign(self) -> list[str]:
        """Requests to anywhere but the program itself."""
        ours = (self.home + "/", *self.allowed, "data:", "blob:")
        return [url for url in self.requested if not url.startswith(ours)]

    @property
    def missing(self) -> list[tuple[str, ...]]:
        """Complaints that are due and have not come."""
        return [words for words in self.due if not any(_has(c, words) for c in self.complaints)]

    @property
    def unexpected(self) -> list[str]:
        """Complaints that nobody expected."""
        known = (*self.due, *self.possible)
        return [c for c in self.complaints if not any(_has(c, words) for words in known)]

    def _note(self, request: Request) -> None:
        self.requested.append(request.url)
        self.under_way.add(request)

    def _strike(self, request: Request) -> None:
        self.under_way.discard(request)

    def _fault(self, error: str) -> None:
        # Gradio closes its own event stream when the page is left, and minds that itself.
        if not any(words in error for words in _WHEN_LEFT):
            self.complaints.append(error)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._fault(f"{message.text} ({message.location.get('url')})")


def _has(complaint: str, words: tuple[str, ...]) -> bool:
    return all(word in complaint for word in words)


def open_for_typing(head: Locator) -> None:
    """Click the head of a tab or a fold, and wait until its fields hold their values.

    What it shows for the first time Gradio mounts as it opens, and a frame later it sets every
    value once more. Nobody types that fast, but a test does, and its text would be lost.
    """
    head.click()
    head.page.evaluate(_TWO_FRAMES)


class RunCard:
    """One run among those of a model."""

    def __init__(self, node: Locator) -> None:
        self.node = node
        self.status = node.locator(".kie-status")
        self.clock = node.locator(".kie-clock")
        self.video = node.locator("video")
        self.words = node.locator(".kie-words")

    def open_wire(self) -> Locator:
        """Unfold the request and the answer."""
        self.node.get_by_text("Request and response").click()
        return self.node.locator(".kie-wire")


class ModelForm:
    """A model's tab: its form on the left, its runs on the right."""

    def __init__(self, page: Page | Frame, title: str) -> None:
        self.page = page
        self.title = title
        self.runs = page.locator(f"#runs-{_IDS[title]}")
        self.generate = page.locator(f"#generate-{_IDS[title]}")
        self.root = page.locator(".kie-model", has=self.generate)
        self.prompt = self.field("prompt").get_by_role("textbox")
        self.price = self.root.locator(".kie-price strong")
        self.cards = self.runs.locator("li[data-run]")

    def card(self, prompt: str) -> RunCard:
        """Find a run by its prompt."""
        return RunCard(self.cards.filter(has=self.page.get_by_text(prompt, exact=True)))

    def field(self, name: str) -> Locator:
        """Find the field of a parameter by its documented name."""
        code = self.page.locator("code", has_text=re.compile(f"^{name}$"))
        # A widget of our own has its classes twice, on its block and within.
        fields = self.root.locator(".kie-field:not(.kie-field .kie-field)")
        return fields.filter(has=code)

    def press(self, prompt: str) -> RunCard:
        """Type a prompt, press Generate, and wait until the run is there."""
        self.prompt.fill(prompt)
        self.generate.click()
        card = self.card(prompt)
        expect(card.node).to_be_visible()
        return card

    def choose(self, name: str, option: str) -> None:
        """Choose one of a few options."""
        self.field(name).get_by_text(option, exact=True).click()

    def pick(self, name: str, option: str) -> None:
        """Pick from a list that drops down."""
        self.field(name).get_by_role("combobox").click()
        self.page.get_by_role("option", name=option, exact=True).click()

    def preview(self, name: str) -> Locator:
        """Find the picture that a field shows."""
        return self.field(name).locator(".kie-picture img")

    def unfold(self, title: str) -> None:
        """Open a fold of the form."""
        open_for_typing(self.root.get_by_role("button", name=title))

    def open_code(self) -> None:
        """Unfold the code of the request."""
        self.root.get_by_text("Code of this request", exact=True).click()
        expect(self.root.get_by_role("tab", name="JSON")).to_be_visible()

    def expect_body(self, **expected: Any) -> None:
        """Wait until the JSON view shows these inputs; None means: not among them."""
        if not self.root.get_by_role("tab", name="JSON").is_visible():
            self.open_code()

        def missing(shown: dict[str, Any]) -> Iterable[str]:
            return (n for n, value in expected.items() if shown.get(n) != value)

        for _ in range(LOOKS):
            try:
                inputs = json.loads(self.body_shown())["input"]
            except json.JSONDecodeError:  # half drawn
                inputs = {}
            if inputs and not list(missing(inputs)):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{list(missing(inputs))} differ in {inputs}")

    def body_shown(self) -> str:
        """Return the JSON view as far as it is drawn."""
        shown: str = self.root.locator(".kie-request-code pre").first.inner_text()
        return shown


class KiePage:
    """The whole page in one browser context."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.mode = page.locator(".kie-mode")

    def open(self, query: str = "") -> None:
        """Load the page, or load it anew, and wait until it lives."""
        self.page.goto(f"{self.address}/{query}")
        expect(self.mode).not_to_have_text("…")
        expect(self.page.locator("[id^=generate-]:visible")).to_have_count(1)

    def reload(self) -> None:
        """Refresh the page, and wait until it lives."""
        self.page.reload()
        expect(self.mode).not_to_have_text("…")
        expect(self.page.locator("[id^=generate-]:visible")).to_have_count(1)

    def wants_motion(self) -> None:
        """Let this page move, as it does for most people; see the context of the tests."""
        self.page.emulate_media(reduced_motion="no-preference")

    def expect_kept(self, text: str) -> None:
        """Wait until the browser has stored what was typed."""
        self.page.wait_for_function(
            "text => Object.values(localStorage).some((kept) => kept.includes(text))", arg=text
        )

    @property
    def key(self) -> Locator:
        """Find the field of the key, behind the mode; open it first."""
        return self.page.get_by_label("Your Kie API key")

    def use_key(self, key: str) -> None:
        """Type a key and have it tested."""
        if not self.key.is_visible():
            self.mode.click()
        self.key.fill(key)
        self.page.get_by_role("button", name="Use this key").click()

    def tab(self, title: str) -> Locator:
        """Find the head of a tab."""
        return self.page.get_by_role("tab", name=title, exact=True)

    def open_tab(self, title: str) -> None:
        """Go to a tab."""
        if self.tab(title).get_attribute("aria-selected") != "true":
            open_for_typing(self.tab(title))

    def form(self, title: str) -> ModelForm:
        """Go to a model's tab."""
        self.open_tab(title)
        form = ModelForm(self.page, title)
        expect(form.generate).to_be_visible()
        return form

    def overflowing(self) -> list[str]:
        """List what reaches beyond the right edge, and so makes the page scroll sideways.

        A page whose width has just changed is given a moment to follow.
        """
        found: list[str] = self.page.evaluate(_OVERFLOWING)
        for _ in range(60):
            if not found:
                break
            self.page.wait_for_timeout(50)
            found = self.page.evaluate(_OVERFLOWING)
        return found

    @property
    def host(self) -> str:
        """Host and port of the program."""
        return urlsplit(self.address).netloc


def drop_file(
    kie: KiePage,
    content: bytes,
    name: str,
    kind: str = "video/mp4",
    at: str = ".kie-masthead",
) -> None:
    """Drop a file onto a part of the page."""
    given = [at, base64.b64encode(content).decode(), name, kind]
    kie.page.evaluate(_DROP, given)
