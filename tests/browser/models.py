"""The Models tab, and the forms of added models, as their user sees them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from playwright.sync_api import FilePayload, Locator, expect

from kie_ui.catalog.exchange import write_models
from kie_ui.catalog.spec import ModelSpec
from tests.browser.kinds import KindsForm
from tests.browser.pages import KiePage
from tests.catalog.docs_import.writers import openapi_page

PROMPT = {"name": "prompt", "label": "Prompt", "help": "What happens", "kind": "text"}
TEXT = {**PROMPT, "required": True, "multiline": True}


def a_spec(model: str, title: str, **fields: Any) -> ModelSpec:
    """Return a model of one text, which makes a picture."""
    usual = {"maker": "Maker", "summary": "", "documentation": "", "produces": "image"}
    given = {**usual, "parameters": [TEXT], **fields}
    return ModelSpec.model_validate({"model": model, "title": title, **given})


def as_file(spec: ModelSpec) -> FilePayload:
    """Write a model's page as a file to choose."""
    name = f"{spec.model.replace('/', '-')}.md"
    return {"name": name, "mimeType": "text/markdown", "buffer": openapi_page(spec).encode()}


def as_shared(*specs: ModelSpec) -> FilePayload:
    """Write models as a file that somebody shares: every word of them arrives."""
    return {
        "name": "shared.json",
        "mimeType": "application/json",
        "buffer": write_models(specs),
    }


class ModelsTab:
    """The chooser of models, and what adds one more."""

    def __init__(self, kie: KiePage) -> None:
        self.kie = kie
        self.page = kie.page
        self.root = kie.page.locator("#kie-models").locator("xpath=..")
        self.search = self.root.get_by_role("searchbox", name="Find a model")
        self.adder = self.root.get_by_role("region", name="Add a model")
        self.text = self.adder.get_by_label("Documentation page")
        self.previews = self.adder.locator(".kie-preview")
        self.rows = self.root.locator(".kie-model-row:visible")
        self.picker = kie.page.get_by_role("combobox", name="Model", exact=True)

    def open(self) -> ModelsTab:
        """Go there."""
        self.kie.open_tab("Models")
        expect(self.search).to_be_visible()
        return self

    def begin(self) -> None:
        """Have the fields for a page shown."""
        if not self.adder.is_visible():
            self.root.get_by_role("button", name="Add a model").click()
        expect(self.text).to_be_focused()

    def paste(self, page: str) -> None:
        """Paste a page, as from the clipboard."""
        self.begin()
        self.text.fill(page)
        self.text.dispatch_event("paste")

    def press(self, name: str) -> None:
        """Press a button below what was read."""
        self.adder.get_by_role("button", name=name, exact=True).click()

    def choose_files(self, specs: Iterable[ModelSpec], *others: FilePayload) -> None:
        """Choose the pages of some models as files."""
        self.begin()
        files = [*(as_file(spec) for spec in specs), *others]
        self.adder.locator("input[type=file]").set_input_files(files)

    def add(self, *specs: ModelSpec) -> None:
        """Add models, and wait until the first one's form is open."""
        self.open()
        self.choose_files(specs)
        expect(self.previews).to_have_count(len(specs))
        self.press("Add" if len(specs) == 1 else f"Add {len(specs)} models")
        expect(self.form(specs[0]).generate).to_be_visible()

    def pick(self, spec: ModelSpec) -> None:
        """Pick a model in the tab More models, and wait for its form."""
        self.kie.open_tab("More models")
        self.choose(spec)
        expect(self.form(spec).generate).to_be_visible()

    def choose(self, spec: ModelSpec) -> None:
        """Pick a model in the picker, which is open."""
        self.picker.fill(spec.model)
        self.page.get_by_role("option", name=spec.model).click()

    def form(self, spec: ModelSpec) -> KindsForm:
        """Find the form of an added model."""
        return KindsForm(self.page, spec.model)

    def row(self, title: str) -> Locator:
        """Find a model in the list."""
        named = self.page.get_by_role("button", name=title, exact=True)
        return self.rows.filter(has=named).last

    def choose_more(self, title: str, action: str) -> None:
        """Do one of the things that are rarely done."""
        row = self.row(title)
        row.get_by_role("button", name=f"More about {title}").click()
        row.get_by_role("menuitem", name=action).click()


def tabs_of(kie: KiePage) -> list[str]:
    """Return the titles on the bar, from left to right."""
    bar = kie.page.get_by_role("tablist").first
    return [tab.inner_text() for tab in bar.get_by_role("tab").all()]
