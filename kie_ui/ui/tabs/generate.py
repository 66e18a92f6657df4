"""A model's tab: the form on the left, its runs on the right."""

from __future__ import annotations

import gradio as gr

from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.errors import in_template
from kie_ui.ui.form.builder import Form, build_form, wire_form
from kie_ui.ui.tabs.feed import build_feed

_KIE = ("https://kie.ai/", "https://docs.kie.ai/")

_HEAD = """<div class="kie-form-head" data-plan="{plan}">
<div class="kie-heading"><p>{summary}</p><p><code>{model}</code>{maker}{page}</p></div>
<div class="kie-heading-buttons">
<button type="button" class="kie-quiet kie-start-over">Start over</button>
<button type="button" class="kie-quiet kie-undo">Undo</button>
</div></div>"""

_PRICE = """<div class="kie-price-line"><p class="kie-outage" role="status"></p>
<div class="kie-price"><strong>{text}</strong><small>{note}</small></div></div>"""

_CODE = """<details class="kie-request-code kie-wire"><summary>Code of this request</summary>
<div class="kie-request-code-body"></div></details>"""


def build_model_tab(spec: ModelSpec, tab_id: str = "") -> Form:
    """Build a model's tab inside the current Blocks context.

    `tab_id` names a tab that is not this model's alone. The press, and all that follows a change of
    the form, are up to `assets/js/form.js` and `kie_ui/ui/api/forms.py`.
    """
    with gr.Row(elem_classes="kie-model"):
        with gr.Column(scale=5, min_width=320, elem_classes="kie-form"):
            head = gr.HTML(elem_classes="kie-form-top", padding=False)
            form = build_form(spec, tab_id or spec.api_name)
            plan = form.describe()
            with gr.Row(elem_classes="kie-press"):
                price = _PRICE.format(**plan.state.price.model_dump())
                gr.HTML(html_template=price, elem_classes="kie-price-part", padding=False)
                gr.Button("Generate", variant="primary", elem_id=f"generate-{form.tab}")
            gr.HTML(html_template=_CODE, elem_classes="kie-code-part", padding=False)
            wire_form(form)
        with gr.Column(scale=6, min_width=320, elem_classes="kie-results"):
            build_feed(spec, form.tab)
    head.html_template = _HEAD.format(
        plan=in_template(plan.model_dump_json(exclude_none=True)), **_heading(spec)
    )
    head.js_on_load = "window.kieUi('mountForm', element)"
    return form


def _heading(spec: ModelSpec) -> dict[str, str]:
    return {
        "summary": in_template(spec.summary),
        "model": in_template(spec.model),
        "maker": f" by {in_template(spec.maker)}" if spec.maker else "",
        "page": _page_link(spec.documentation),
    }


def _page_link(address: str) -> str:
    """Link to a model's documentation; what an imported page calls its address may be anything."""
    if not address.startswith("https://"):
        return ""
    words = "Kie’s page" if address.startswith(_KIE) else "Documentation"
    safe = in_template(address)
    return f' · <a href="{safe}" target="_blank" rel="noreferrer">{words}</a>'
