"""How the page looks: our colours over Gradio's base theme, and our files under `assets/`."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.themes.utils import colors, fonts, sizes

ASSETS = Path(__file__).resolve().parents[2] / "assets"

_SCRIPTS = (
    "dom.js",
    "steady.js",
    "stream.js",
    "drafts.js",
    "models.js",
    "slots.js",
    "tabs.js",
    "revive.js",
    "kinds.js",
    "written.js",
    "viewer.js",
    "uses.js",
    "results.js",
    "stage.js",
    "choices.js",
    "notice.js",
    "reuse.js",
    "progress.js",
    "card.js",
    "feed.js",
    "queue.js",
    "track.js",
    "form.js",
    "own_input.js",
    "media_files.js",
    "media_list.js",
    "rows_table.js",
    "history_bin.js",
    "history_code.js",
    "history_marks.js",
    "history_filters.js",
    "history_parts.js",
    "history_run.js",
    "history_tile.js",
    "history_grid.js",
    "history_spending.js",
    "history_zip.js",
    "history_arrivals.js",
    "history.js",
    "history_drop.js",
    "models_row.js",
    "models_preview.js",
    "models_add.js",
    "models_list.js",
    "outage.js",
)
"""In the order in which they build on each other."""

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

# Gradio 6.31 ships the semibold cuts of its fonts without most letters, so bold it is throughout.
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
    """Build the theme: a calm neutral page on which only what can be pressed has colour."""
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


def stylesheets() -> list[Path]:
    """List our style sheets."""
    return sorted((ASSETS / "css").glob("*.css"))


_FONT = (
    '<link rel="preload" as="font" type="font/woff2" crossorigin'
    ' href="static/fonts/IBMPlexSans/IBMPlexSans-Regular.woff2">\n'
)
"""Gradio measures its tabs when it builds them: in a wider font fewer would fit, for good."""


def head() -> str:
    """Return what stands in the page's head, in the page itself: it works under any root path."""
    scripts = (ASSETS.joinpath("js", name).read_text(encoding="utf-8") for name in _SCRIPTS)
    styles = ASSETS.joinpath("head.css").read_text(encoding="utf-8")
    start = f'<meta name="referrer" content="same-origin">\n{_FONT}<style>\n{styles}</style>\n'
    return start + "".join(f"<script>\n{script}</script>\n" for script in scripts)
