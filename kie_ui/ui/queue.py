"""Everything that is waiting or running, at a glance: a button in the page's head and its panel.

Drawn by `assets/js/queue.js` from the page's stream; Python only says where it stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.markup import in_template
from kie_ui.ui.reuse import has_seed
from kie_ui.ui.using import animates


def queue_html(specs: Iterable[ModelSpec]) -> str:
    """Return the button and the panel, and what scripts have to know of each model."""
    models = [
        {
            "model": spec.model,
            "title": spec.title,
            "tab": spec.api_name,
            "is_built_in": True,
            "has_seed": has_seed(spec),
            "animates": animates(spec),
        }
        for spec in specs
    ]
    return (
        f'<div class="kie-queue" data-models="{in_template(json.dumps(models))}">'
        '<button type="button" class="kie-queue-button" aria-expanded="false" '
        'aria-controls="kie-queue-panel">Queue: empty</button>'
        '<section class="kie-queue-panel" id="kie-queue-panel" aria-label="Queue" tabindex="-1" '
        "hidden></section></div>"
    )
