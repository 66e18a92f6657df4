from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, FilePayload, expect

from tests.browser.models import TEXT, ModelsTab, a_spec, as_file, as_shared, tabs_of
from tests.browser.pages import GROK, V1_LITE, KiePage, Watch
from tests.catalog.docs_import.writers import openapi_page
from tests.ui.driving import GROK as BUILT_IN_GROK
from tests.wire.app_process import AppProcess

HERON = a_spec("maker/heron", "Heron")
OTTER = a_spec("maker/otter", "Otter")
SEED = {"name": "seed", "label": "Seed", "help": "", "kind": "number", "integer": True}
EVIL = (
    '<img src=x onerror="alert(1)"><script>alert(2)</script>${alert(3)}{{alert(4)}}`'
    '[link](javascript:alert(5)) "><svg onload=alert(6)>'
)


@pytest.fixture
def models(kie: KiePage) -> ModelsTab:
    """Give the Models tab, which is not yet open."""
    return ModelsTab(kie)


BAR = [GROK, V1_LITE, "More models", "Models", "History"]


def test_a_pasted_page_becomes_a_form_that_makes_a_result(models: ModelsTab) -> None:
    """It is shown as it was understood, added, and works at once."""
    models.open().paste(openapi_page(HERON))
    preview = models.previews
    expect(preview).to_contain_text("Heron")
    expect(preview.get_by_role("row").filter(has_text="prompt")).to_contain_text("required")
    models.press("Add")
    form = models.form(HERON)
    expect(form.generate).to_be_visible()
    expect(models.picker).to_have_value("Heron · maker/heron")
    assert tabs_of(models.kie) == BAR
    card = form.press("a grey bird")
    expect(card.status).to_have_text("Done")


def test_the_form_is_looked_at_before_it_is_added(models: ModelsTab) -> None:
    """The real one, in which nothing can be done; it goes when the page is discarded."""
    models.open().paste(openapi_page(HERON))
    models.previews.get_by_role("button", name="Show the form").click()
    looked_at = models.page.locator(".kie-form-preview .kie-form")
    expect(looked_at.locator("textarea").first).to_be_visible()
    expect(looked_at).to_have_attribute("inert", "")
    models.press("Discard")
    expect(looked_at).to_have_count(0)
    expect(models.previews).to_have_count(0)


def test_the_page_of_a_known_model_replaces_it_and_says_how(models: ModelsTab) -> None:
    """The same page once more changes nothing; past runs stay, what is typed too."""
    models.add(HERON)
    form = models.form(HERON)
    expect(form.press("before").status).to_have_text("Done")
    form.prompt.fill("half written")
    newer = a_spec("maker/heron", "Heron", parameters=[{**TEXT, "max_length": 500}, SEED])
    models.open().paste(openapi_page(newer))
    expect(models.previews).to_contain_text("seed is new.")
    models.press("Replace")
    expect(form.field("prompt").locator(".kie-counter").first).to_contain_text("/ 500")
    expect(form.field("seed")).to_have_count(1)
    expect(form.prompt).to_have_value("half written")
    expect(form.card("before").node).to_be_visible()
    models.open().paste(openapi_page(newer))
    expect(models.previews).to_contain_text("Nothing has changed")
    models.press("Open its form")
    expect(form.generate).to_be_visible()


def test_a_newer_page_of_a_built_in_model_takes_its_place(models: ModelsTab) -> None:
    """Its form is in More models, with what was typed, until the built-in version is restored."""
    newer = a_spec(BUILT_IN_GROK.model, "Grok Imagine", parameters=[TEXT, SEED])
    models.open().choose_files([newer])
    expect(models.previews).to_contain_text("Newer page")
    models.press("Replace")
    visible = models.page.locator(".kie-model:visible")
    expect(visible.get_by_role("button", name="Generate", exact=True)).to_have_count(1)
    expect(models.kie.tab(GROK)).to_have_count(0)
    expect(models.picker).to_have_value(f"Grok Imagine · {newer.model}")
    visible.get_by_role("textbox", name="Prompt").fill("by the newer page")
    visible.get_by_role("button", name="Generate", exact=True).click()
    expect(visible.locator(".kie-status")).to_have_text("Done")
    models.kie.expect_kept("by the newer page")
    models.kie.reload()
    expect(visible.get_by_role("textbox", name="Prompt")).to_have_value("by the newer page")
    models.open().choose_more(GROK, "Restore the built-in version")
    models.kie.open_tab(GROK)
    restored = models.kie.form(GROK)
    expect(restored.field("resolution")).to_be_visible()
    expect(restored.card("by the newer page").node).to_be_visible()


def test_among_sixty_models_one_is_found_opened_and_there_again(models: ModelsTab) -> None:
    """By the list or by the picker; each keeps what was typed in it."""
    makes = ("image", "video", "audio", "text")
    specs = [
        a_spec(f"maker/model-{n}", f"Model {n}", produces=makes[n % 4], summary=f"Number {n}.")
        for n in range(60)
    ]
    models.open().choose_files([], as_shared(*specs))
    expect(models.previews).to_have_count(60)
    models.press("Add 60 models")
    expect(models.form(specs[0]).generate).to_be_visible()
    models.form(specs[0]).prompt.fill("typed in the first one")
    models.open()
    expect(models.root.get_by_role("button", name="All 62")).to_be_visible()
    models.search.fill("model-47")
    expect(models.rows).to_have_count(1)
    models.search.press("Enter")
    expect(models.form(specs[47]).generate).to_be_visible()
    models.form(specs[47]).prompt.fill("typed in another one")
    models.kie.expect_kept("typed in another one")
    models.kie.reload()
    expect(models.form(specs[47]).prompt).to_have_value("typed in another one")
    models.pick(specs[0])
    expect(models.form(specs[0]).prompt).to_have_value("typed in the first one")
    assert tabs_of(models.kie) == BAR


def test_forms_picked_in_quick_succession_do_not_mix(models: ModelsTab) -> None:
    """The last one picked is built, of its own parts, and works."""
    models.open().choose_files([], as_shared(HERON, OTTER))
    models.press("Add 2 models")
    expect(models.form(HERON).generate).to_be_visible()
    for model in (OTTER, HERON, OTTER):
        models.choose(model)
    expect(models.picker).to_have_value("Otter · maker/otter")
    form = models.form(OTTER)
    expect(form.generate).to_be_visible()
    form.press("an otter at last")


def test_a_run_leads_back_to_its_model(models: ModelsTab) -> None:
    """From History, with all its settings, whichever model is picked meanwhile."""
    models.add(HERON, OTTER)
    form = models.form(HERON)
    expect(form.press("a run to come back to").status).to_have_text("Done")
    form.prompt.fill("something else")
    models.pick(OTTER)
    expect(form.prompt).to_have_count(0)
    models.kie.open_tab("History")
    tile = models.page.locator(".kie-tile").filter(has_text="a run to come back to")
    expect(tile.locator(".kie-tile-model")).to_have_text("Heron")
    tile.get_by_role("button", name="Use").click()
    expect(form.prompt).to_have_value("a run to come back to")
    expect(models.picker).to_have_value("Heron · maker/heron")


def test_without_models_the_tab_leads_to_where_they_are_added(models: ModelsTab) -> None:
    """There is nothing to pick."""
    models.kie.open_tab("More models")
    expect(models.page.get_by_text("No other models have been added yet.")).to_be_visible()
    expect(models.picker).to_be_hidden()
    models.page.get_by_role("button", name="Add a model").click()
    expect(models.search).to_be_visible()


def test_a_model_is_renamed_hidden_and_removed_with_a_way_back(models: ModelsTab) -> None:
    """By keyboard as well; the picker follows."""
    models.add(HERON)
    models.open().choose_more("Heron", "Rename")
    models.page.keyboard.type("Bird")
    models.page.keyboard.press("Enter")
    row = models.row("Bird")
    row.get_by_role("button", name="More about Bird").focus()
    models.page.keyboard.press("Enter")
    models.page.keyboard.press("End")
    expect(row.get_by_role("menuitem", name="Remove")).to_be_focused()
    models.page.keyboard.press("Enter")
    expect(models.row("Bird")).to_have_count(0)
    models.kie.open_tab("More models")
    expect(models.page.get_by_text("No other models have been added yet.")).to_be_visible()
    models.page.get_by_role("button", name="Undo").click()
    expect(models.picker).to_have_value("Bird · maker/heron")
    expect(models.form(HERON).generate).to_be_visible()
    models.open().choose_more(V1_LITE, "Hide")
    expect(models.kie.tab(V1_LITE)).to_have_count(0)
    models.row(V1_LITE).get_by_role("button", name=f"Show {V1_LITE}").click()
    expect(models.kie.tab(V1_LITE)).to_be_visible()


def test_models_are_shared_as_one_file(models: ModelsTab) -> None:
    """Those that are selected."""
    models.add(HERON, OTTER)
    models.open().row("Otter").get_by_role("checkbox", name="Select Otter").check()
    with models.page.expect_download() as saved:
        models.root.get_by_role("button", name="Export as a file").click()
    file = saved.value
    assert re.fullmatch(r"kie-ui-models-[\d-]+\.json", file.suggested_filename)
    shown = json.loads(file.path().read_text())
    assert [model["model"] for model in shown["models"]] == [OTTER.model]


def test_what_cannot_be_read_is_told_beside_the_rest(models: ModelsTab) -> None:
    """By the name of its file."""
    notes: FilePayload = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"Buy milk."}
    models.open().choose_files([HERON, OTTER], notes)
    expect(models.previews).to_have_count(2)
    expect(models.adder.get_by_role("alert").filter(has_text="a.txt")).to_be_visible()
    models.adder.get_by_role("checkbox", name="Add Otter").uncheck()
    models.press("Add 1 model")
    expect(models.form(HERON).generate).to_be_visible()
    expect(models.picker).to_have_value("Heron · maker/heron")


def test_no_visitor_sees_the_models_of_another(models: ModelsTab, browser: Browser) -> None:
    """Neither in the list nor to be picked."""
    models.add(HERON)
    with browser.new_context() as context:
        other = KiePage(context.new_page(), models.kie.address)
        other.open()
        theirs = ModelsTab(other).open()
        expect(theirs.rows).to_have_count(2)
        other.open_tab("More models")
        expect(other.page.get_by_text("No other models have been added yet.")).to_be_visible()


def test_a_hostile_page_does_nothing(models: ModelsTab, watch: Watch) -> None:
    """Whatever its texts contain is shown as text: before it is added, and in its form."""
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    models.page.on("dialog", note)
    parameters = [
        {**TEXT, "label": EVIL, "help": EVIL, "default": EVIL},
        {**SEED, "help": EVIL},
        {
            "name": "choice",
            "label": EVIL,
            "help": EVIL,
            "kind": "choice",
            "options": [{"value": EVIL, "label": EVIL}, {"value": "plain", "label": "Plain"}],
        },
    ]
    evil = a_spec("maker/evil", EVIL, summary=EVIL, maker=EVIL, parameters=parameters)
    models.open().choose_files([], as_shared(evil))
    expect(models.previews).to_contain_text("<img src=x")
    models.press("Add")
    form = models.form(evil)
    prompt = form.root.locator(".kie-value-prompt").get_by_role("textbox")
    expect(prompt).to_have_value(EVIL)
    form.generate.click()
    expect(form.cards).to_have_count(1)
    models.open()
    models.kie.open_tab("History")
    expect(models.page.locator(".kie-tile")).to_have_count(1)
    watch.settle(models.page)
    assert dialogs == []
    assert models.page.locator("img[src='x'], svg[onload], a[href^='javascript']").count() == 0


def test_what_draws_the_tab_is_loaded_when_it_is_opened(models: ModelsTab, watch: Watch) -> None:
    """A page that is opened to make something does not wait for it."""
    watch.settle(models.page)
    assert not [url for url in watch.requested if "/later.js" in url]
    models.open()
    assert [url for url in watch.requested if "/later.js" in url]


def test_a_model_with_a_tab_of_its_own_has_it_from_the_next_start(
    context: BrowserContext, mortal: AppProcess
) -> None:
    """The page says so; a picked form is there again after the start, with what was typed."""
    kie = KiePage(context.new_page(), mortal.url)
    kie.open()
    models = ModelsTab(kie)
    models.add(HERON, OTTER)
    models.open().choose_more("Otter", "Own tab")
    expect(models.page.get_by_text("the next time this program starts")).to_be_visible()
    models.pick(HERON)
    models.form(HERON).prompt.fill("typed before the start")
    kie.expect_kept("typed before the start")
    kie.page.goto("about:blank")
    mortal.stop()
    mortal.start()
    kie.open()
    expect(models.form(HERON).prompt).to_have_value("typed before the start")
    kie.open_tab("Otter")
    expect(models.form(OTTER).generate).to_be_visible()


def test_files_are_dropped_anywhere(models: ModelsTab) -> None:
    """They are read in the Models tab."""
    page = as_file(HERON)
    models.page.evaluate(
        """([text, name]) => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([text], name, { type: "text/markdown" }));
          document.querySelector(".kie-masthead").dispatchEvent(
            new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer }));
        }""",
        [openapi_page(HERON), page["name"]],
    )
    expect(models.previews).to_contain_text("Heron")


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_reaches_beyond_the_screen(models: ModelsTab, width: int) -> None:
    """With a preview open, and long names."""
    long = a_spec("maker/" + "a-long-id-" * 12, "A model with quite a long name " * 3)
    models.open()
    models.page.set_viewport_size({"width": width, "height": 800})
    models.choose_files([], as_shared(long))
    expect(models.previews).to_have_count(1)
    assert models.kie.overflowing() == []
    models.press("Add")
    expect(models.form(long).generate).to_be_visible()
    assert models.kie.overflowing() == []
