"""The page: a table of contents of its tabs, its scripts and styles, and its theme."""

from __future__ import annotations

import json
from collections.abc import Mapping

import gradio as gr
from gradio.themes.utils import colors, fonts, sizes

from kie_ui.ui.endpoints import build_endpoint, build_generate
from kie_ui.ui.services import MORE_MODELS, Services
from kie_ui.ui.tabs.account import build_head, build_tracked_feed
from kie_ui.ui.tabs.generate import build_model_tab
from kie_ui.ui.tabs.models import MODELS, build_models, build_more_models

HISTORY = "history"
"""The id of the History tab."""


def build_page(services: Services) -> gr.Blocks:
    """Build the Blocks app of a set of services."""
    page: gr.Blocks
    with gr.Blocks(title="Kie UI", analytics_enabled=False, fill_width=True) as page:
        build_head(services)
        bar: dict[str, gr.Tab] = {}
        with gr.Tabs(elem_classes="kie-tabs") as tabs:
            for spec in services.tabs.values():
                with gr.Tab(spec.title, id=spec.api_name) as bar[spec.api_name]:
                    build_model_tab(spec)
            with gr.Tab("More models", id=MORE_MODELS, elem_classes="kie-more-models") as more:
                build_more_models(services)
            with gr.Tab("Models", id=MODELS, alignment="right") as chooser:
                build_models(services)
            with gr.Tab("History", id=HISTORY, alignment="right") as history:
                _build_history()
        _let_scripts_rename(bar)
        for name, tab in {**bar, MORE_MODELS: more, MODELS: chooser, HISTORY: history}.items():
            _remember(tab, name)
        build_tracked_feed()
        _build_layer()
        _let_scripts_choose(tabs)
        for spec in services.built_in:
            build_endpoint(spec, services)
        build_generate(services)
    return page


def _build_history() -> None:
    """Build where `assets/js/history.js` draws all runs of this visitor once the tab is opened."""
    gr.HTML(
        html_template='<section class="kie-history" aria-label="History"></section>',
        js_on_load="window.kieUi('mountHistory', element)",
        elem_id="kie-history",
        padding=False,
    )


def _build_layer() -> None:
    """Build the place for dialogs and notices above the page."""
    gr.HTML(
        html_template='<div class="kie-layer"></div>',
        js_on_load="window.kieUi('mountLayer', element)",
        elem_classes="kie-layer-place",
        padding=False,
    )


def _remember(tab: gr.Tab, name: str) -> None:
    """Have the browser open this tab again after a refresh; see `assets/js/tabs.js`."""
    tab.select(
        None, None, None, js=f"() => window.kieUi('keepTab', '{name}')", api_visibility="private"
    )


def _let_scripts_rename(bar: Mapping[str, gr.Tab]) -> None:
    """Let `assets/js/tabs.js` name a model's tab as its visitor does, or hide it."""
    arrange = gr.Button(visible="hidden", elem_id="kie-arrange-tabs")
    js = f"() => window.kieUi('tabUpdates', {json.dumps(list(bar))})"
    arranged = arrange.click(None, None, list(bar.values()), js=js, api_visibility="private")
    js = "() => window.kieUi('tabsAreArranged')"
    arranged.then(None, None, None, js=js, api_visibility="private")


def _let_scripts_choose(tabs: gr.Tabs) -> None:
    """Let our scripts open a tab, also one that Gradio has folded into a menu."""
    choice = gr.Button(visible="hidden", elem_id="kie-choose-tab")
    choice.click(None, None, tabs, js="() => window.kieUi('chosenTab')", api_visibility="private")


LAGOON = colors.Color(
    name="lagoon",
    c50="#effcf9",
    c100="#cbf6ec",
    c200="#98ecdb",
    c300="#5ddac6",
    c400="#2cc0ae",
    c500="#14a394",
    c600="#0b8379",
    c700="#0d6963",
    c800="#105450",
    c900="#124643",
    c950="#032a29",
)

# Gradio 6.31 ships semibold fonts that lack most letters, so bold is used throughout.
_BOLD = dict.fromkeys(
    (
        "block_title_text_weight",
        "button_large_text_weight",
        "button_medium_text_weight",
        "button_small_text_weight",
        "prose_header_text_weight",
        "section_header_text_weight",
    ),
    "700",
)


def _local(name: str) -> fonts.LocalFont:
    return fonts.LocalFont(name, weights=(400, 700))


def build_theme() -> gr.themes.Base:
    """Build the theme: neutral, with colour only on what can be pressed."""
    return gr.themes.Base(
        primary_hue=LAGOON,
        secondary_hue=LAGOON,
        neutral_hue=colors.slate,
        radius_size=sizes.radius_md,
        font=[_local("IBM Plex Sans"), "ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=[_local("IBM Plex Mono"), "ui-monospace", "Consolas", "monospace"],
    ).set(
        **_BOLD,
        body_background_fill="*neutral_50",
        body_background_fill_dark="#0b1118",
        background_fill_primary_dark="#0b1118",
        block_background_fill="white",
        block_background_fill_dark="#131b25",
        block_border_color="*neutral_200",
        block_border_color_dark="#223040",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_info_text_color="*neutral_500",
        block_info_text_color_dark="*neutral_400",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        input_background_fill="white",
        input_background_fill_dark="#0e151e",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        input_border_width="1px",
        input_padding="10px 12px",
        block_shadow="none",
        input_border_color="*neutral_300",
        input_border_color_dark="#2b3b4e",
        input_border_color_focus="*primary_600",
        input_border_color_focus_dark="*primary_400",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_500",
        button_primary_background_fill_hover_dark="*primary_400",
        button_primary_text_color="white",
        button_primary_text_color_dark="#03201f",
        checkbox_background_color_selected="*primary_700",
        checkbox_background_color_selected_dark="*primary_500",
        slider_color="*primary_700",
        slider_color_dark="*primary_400",
        border_color_primary_dark="#223040",
    )
