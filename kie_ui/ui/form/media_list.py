"""Several files, or one that is no picture: a list in an order, each with what is known of it.

What it looks like, and how files come into it, is seen to in `assets/js/media_list.js`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from kie_ui.catalog.parameters import MediaParameter
from kie_ui.catalog.validation.constraints import NOUNS
from kie_ui.catalog.values import MediaRef
from kie_ui.ui.form.components import KeepsAddresses, WithoutStub
from kie_ui.ui.form.media_input import NotAPicture, media_ref


class MediaList(KeepsAddresses, gr.HTML, metaclass=WithoutStub):
    """The widget; its value is a list of files as Gradio names them, and of typed addresses."""

    def preprocess(self, payload: object) -> list[MediaRef | str]:  # type: ignore[override]
        """Return what was given, in its order; what stands for no file is left for the check."""
        return [_ref_or_text(item) for item in payload] if isinstance(payload, list) else []

    def postprocess(self, value: object) -> Any:
        """Hand on a list; the stock component's type speaks of HTML."""
        return value if isinstance(value, list) else []

    def api_info(self) -> dict[str, Any]:
        """Describe the value."""
        return {"type": "array", "items": {}}


def _ref_or_text(item: object) -> MediaRef | str:
    try:
        return media_ref(item)
    except NotAPicture:
        named = item if isinstance(item, Mapping) else {}
        return str(named.get("typed") or named.get("orig_name") or "?")


def build_media_list(parameter: MediaParameter) -> MediaList:
    """Build the list of a parameter, which is empty at first."""
    return MediaList(
        [],
        label=parameter.label,
        html_template='<div class="kie-media"></div>',
        js_on_load="window.kieUi.mountMediaList({ element, props, trigger, watch, upload })",
        about=about(parameter),
        apply_default_css=False,
        container=True,
        padding=True,
        elem_classes="kie-own",
    )


def about(parameter: MediaParameter) -> dict[str, Any]:
    """Say what the script has to know of a parameter."""
    one, several = NOUNS[parameter.media]
    return {
        "label": parameter.label,
        "help": parameter.help,
        "name": parameter.name,
        "media": parameter.media,
        "one": one,
        "several": several,
        "is_list": parameter.many and parameter.max_items != 1,
        "least": parameter.min_items,
        "most": parameter.max_items if parameter.many else 1,
        "max_bytes": parameter.max_bytes,
        "accepts": list(parameter.accepts),
        "examples": list(parameter.default),
    }
