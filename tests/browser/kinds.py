"""The form of a model with parameters of every kind, as its user sees it."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.pages import ModelForm

WITH_KINDS = """
from kie_ui.catalog.library import EVERYONE, Library
from tests.ui.specs import EVERY_KIND, HOSTILE

open_library = Library.of_settings

def open_with_kinds(settings):
    library = open_library(settings)
    library.add(EVERYONE, [EVERY_KIND, HOSTILE])
    return library

Library.of_settings = open_with_kinds
"""
"""Has the program begin with two more models, for everyone."""


class KindsForm(ModelForm):
    """One model's tab, found by the model's id."""

    def __init__(self, page: Page, model: str) -> None:
        self.page = page
        feed = page.locator(f'.kie-feed[data-model="{model}"]')
        self.root = page.locator(".kie-model", has=feed)
        self.runs = feed
        self.generate = self.root.get_by_role("button", name="Generate", exact=True)
        self.prompt = self.field("prompt").get_by_role("textbox")
        self.cards = feed.locator("li[data-run]")

    def said(self, name: str) -> Locator:
        """Find the message at a field."""
        return self.field(name).locator(".kie-note")

    def items(self, name: str) -> Locator:
        """Find the files in a list."""
        return self.field(name).locator(".kie-media-item")

    def expect_items(self, name: str, *names: str) -> None:
        """Wait until a list holds these files, in this order."""
        expect(self.items(name).locator(".kie-media-name")).to_have_text(list(names))

    def choose_files(self, name: str, *paths: Path) -> None:
        """Choose files for a list, and wait until they are there."""
        self.field(name).locator("input[type=file]").set_input_files(paths)
        expect(self.field(name).get_by_text("Uploading…")).to_have_count(0)

    def add_address(self, name: str, address: str) -> None:
        """Type a web address into a list."""
        typed = self.field(name).get_by_placeholder("web address")
        typed.fill(address)
        typed.press("Enter")

    def add_row(self, name: str, **cells: str) -> None:
        """Add a row to a table, and type into its cells."""
        self.field(name).get_by_role("button", name="Add a row").click()
        row = self.rows(name).last
        for label, text in cells.items():
            cell = row.get_by_label(f"{label}, row")
            if cell.evaluate("node => node.tagName") == "SELECT":
                cell.select_option(label=text)
            else:
                cell.fill(text)

    def rows(self, name: str) -> Locator:
        """Find the rows of a table."""
        return self.field(name).locator(".kie-row")

    @property
    def extra(self) -> Locator:
        """The field for what no page documents."""
        return self.root.locator(".kie-extra").get_by_role("textbox")
