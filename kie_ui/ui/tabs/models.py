"""The tabs of all models: Models, where they are found and added, and More models, with one form.

Models is drawn by `assets/js/models_list.js` and `models_add.js` from what `ui/api/models.py`
answers. In More models is the form of any model that has no tab of its own: the browser lists the
visitor's models in the picker and remembers which one is picked (`assets/js/more_models.js`). The
form is built when the tab is open, for this visitor alone, so a page costs the same however many
models there are. In both tabs the scripts say which form is wanted by the value of the component
that they draw in.
"""

from __future__ import annotations

import logging
from html import escape
from typing import Any

import gradio as gr
from pydantic import BaseModel, ValidationError

from kie_ui.catalog.exchange import read_text
from kie_ui.catalog.registry import UnknownModel
from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.asgi.gradio_sessions import forget_old_components
from kie_ui.ui.asgi.identity import owner_of
from kie_ui.ui.form.builder import Form, build_form
from kie_ui.ui.form.components import WithoutStub
from kie_ui.ui.services import MORE_MODELS, Services
from kie_ui.ui.tabs.generate import build_model_tab

logger = logging.getLogger(__name__)

MODELS = "models"
"""The id of the Models tab."""
PREVIEW = "preview"
"""Names the form of a page that may be added, as a tab's id names that tab's form."""

_MODELS = (
    '<section class="kie-models kie-models-top" aria-label="All models"></section>@children'
    '<section class="kie-models kie-models-found" aria-label="Models"></section>'
)
_STATUS = '<div class="kie-picked" role="status"></div>'
_GONE = (
    '<div class="kie-empty kie-no-form"><p><strong>This model is no longer here.</strong></p>'
    "<p>It was removed in another window. Add it again in the Models tab.</p></div>"
)
_UNBUILT = (
    '<div class="kie-empty kie-no-form"><p><strong>This form cannot be built.</strong></p>'
    "<p>Its page says something that no form can show; the server’s log says what. The model can "
    "still be used by its id from a program.</p></div>"
)
_IS_BUILT = "window.kieUi('pickedIsBuilt')"


class _Asked(BaseModel):
    """Which form a browser wants: of a model of its visitor's, or of one of a page's."""

    model: str
    turn: int = 0
    """How often the browser has asked."""
    name: str = ""
    text: str = ""
    """Of the page."""


def _asked(value: object) -> _Asked | None:
    """Read what a browser asks for; None if it is nothing, or nothing that ours would ask."""
    try:
        return _Asked.model_validate_json(value) if isinstance(value, str) else None
    except ValidationError:
        return None


def build_models(services: Services) -> None:
    """Build the content of Models inside the current Blocks context."""
    models = gr.HTML(
        html_template=_MODELS,
        js_on_load="window.kieUi('mountModels', element, props)",
        elem_id="kie-models",
        padding=False,
    )
    with models:

        @gr.render(models, [models.change], queue=False, show_progress="hidden")  # type: ignore[untyped-decorator]  # Gradio's has no types
        def build_preview(value: object, request: gr.Request) -> None:
            """Build the form of one model of a page, which is read again, as nothing was kept."""
            forget_old_components()
            asked = _asked(value)
            if asked is None or not services.library.may_add(owner_of(request)):
                return
            with fresh_container(asked.turn, "kie-form-preview"):
                for spec in read_text(asked.text, asked.name).specs:
                    if spec.model == asked.model:
                        _build_preview_form(spec)


def _build_preview_form(spec: ModelSpec) -> None:
    gr.HTML(
        f"<h3>The form of “{escape(spec.title)}”</h3>"
        "<p>This is a preview: add the model to use it.</p>",
        js_on_load="window.kieUi('previewIsThere', element)",
        elem_classes="kie-form-preview-head",
    )
    with gr.Column(elem_classes="kie-form"):
        open_inputs(build_form(spec, PREVIEW))


class ModelPicker(gr.Dropdown, metaclass=WithoutStub):
    """A dropdown whose choices only the browser knows; the server looks up what was picked."""

    is_template = True  # to the browser, it is the stock widget

    def preprocess(self, payload: object) -> str | None:
        """Return the model's id; the stock widget would refuse what is not among its choices."""
        return payload if isinstance(payload, str) else None


def build_more_models(services: Services) -> None:
    """Build the content of More models inside the current Blocks context."""
    picker = ModelPicker(
        [],
        label="Model",
        info="Type to find one by its name or id.",
        elem_id="kie-model-picker",
    )
    status = gr.HTML(
        html_template=_STATUS,
        js_on_load="window.kieUi('mountMoreModels', element, props, trigger)",
        padding=False,
    )
    js = "(model) => window.kieUi('modelIsPicked', model)"
    picker.input(None, picker, None, js=js, api_visibility="private")
    js = "() => window.kieUi('pickerUpdate')"
    status.load(None, None, picker, js=js, api_visibility="private")

    @gr.render(status, [status.change], queue=False, show_progress="hidden")  # type: ignore[untyped-decorator]  # Gradio's has no types
    def build_picked(value: object, request: gr.Request) -> None:
        """Build the form of the picked model, as the visitor of this page has it."""
        forget_old_components()
        if asked := _asked(value):
            with fresh_container(asked.turn):
                _build(_find(services, asked.model, owner_of(request)))


def fresh_container(turn: int, *classes: str) -> gr.Column | gr.Row:
    """Return a container of another kind than that of the turn before.

    Where the kinds are equal, Gradio keeps the old components in the browser, with their values.
    """
    return (gr.Column, gr.Row)[turn % 2](elem_classes=["kie-on-demand", *classes])


def _find(services: Services, model: str, owner: str) -> ModelSpec | None:
    try:
        return services.catalog.of(owner).spec(model)
    except UnknownModel:
        return None


def _build(spec: ModelSpec | None) -> None:
    if spec is None:
        gr.HTML(_GONE, js_on_load=_IS_BUILT, padding=False)
        return
    with gr.Column() as whole:
        try:
            _build_tab(spec)
        except Exception:  # an imported page may hold anything; its visitor reads so
            logger.exception("The form of %s cannot be built.", spec.model)
            whole.children.clear()
            gr.HTML(_UNBUILT, js_on_load=_IS_BUILT, padding=False)


def _build_tab(spec: ModelSpec) -> None:
    open_inputs(build_model_tab(spec, MORE_MODELS))
    gr.HTML(html_template="<span></span>", js_on_load=_IS_BUILT, elem_classes="kie-unseen")


def open_inputs(form: Form) -> None:
    """Let the widgets of a rendered form be filled in.

    Gradio takes every rendered component that has a value for an output.
    """
    widget: Any
    for widget in form.widgets.values():
        if getattr(widget, "interactive", True) is None:
            widget.interactive = True
