"""The files under `assets/` that make the page look and behave as it does."""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).resolve().parents[2] / "assets"

_SCRIPTS = (
    "dom.js",
    "moving_buttons.js",
    "stream.js",
    "drafts.js",
    "models.js",
    "tabs.js",
    "more_models.js",
    "result_kinds.js",
    "text_result.js",
    "viewer.js",
    "use_menu.js",
    "results.js",
    "result_frame.js",
    "run_actions.js",
    "notices.js",
    "reuse.js",
    "progress.js",
    "card.js",
    "feed.js",
    "queue.js",
    "track.js",
    "form.js",
    "input_parts.js",
    "media_files.js",
    "media_list.js",
    "rows_table.js",
    "history_trash.js",
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
"""In dependency order: each may use those before it."""

_FONT = (
    '<link rel="preload" as="font" type="font/woff2" crossorigin'
    ' href="static/fonts/IBMPlexSans/IBMPlexSans-Regular.woff2">\n'
)
"""Preloaded because Gradio measures its tabs once: in a wider fallback font fewer would fit."""


def stylesheets() -> list[Path]:
    """List our style sheets."""
    return sorted((ASSETS / "css").glob("*.css"))


def head() -> str:
    """Return the content of `<head>`, scripts inlined so that it works under any root path."""
    scripts = (ASSETS.joinpath("js", name).read_text(encoding="utf-8") for name in _SCRIPTS)
    styles = ASSETS.joinpath("head.css").read_text(encoding="utf-8")
    start = f'<meta name="referrer" content="same-origin">\n{_FONT}<style>\n{styles}</style>\n'
    return start + "".join(f"<script>\n{script}</script>\n" for script in scripts)
