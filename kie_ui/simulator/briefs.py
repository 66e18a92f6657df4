"""What a request asks for, in terms that no longer depend on its model: kept with its task.

A pure step from a spec and checked values. The media are still addresses; `ordering` turns them
into orders for the renderer once they have been found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from kie_ui.catalog.parameters import NumberParameter, Parameter, TextParameter
from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.spec import ModelSpec, Produces
from kie_ui.simulator.crafts import Craft, craft_of
from kie_ui.simulator.orders import MODES, Mode
from kie_ui.simulator.roles import Asked, Inputs, is_index
from kie_ui.simulator.sizes import Extent

MAX_CLIPS = 4
"""Clips cost far more than pictures."""


class Brief(BaseModel):
    """What one task shall make."""

    model_config = ConfigDict(frozen=True)

    model: str
    produces: Produces
    prompt: str
    lines: tuple[tuple[str, str], ...]
    """Who says what, or the shots of a story."""
    inputs: Inputs
    task_id: str | None = None
    """An earlier task whose result is used as well."""
    index: int = 0
    """Which of its results."""
    duration_s: float | None = None
    extent: Extent
    clip_extent: Extent
    count: int = 1
    factor: float
    formats: tuple[str, ...]
    mode: Mode = "normal"
    is_camera_fixed: bool = False
    wants_sound: bool = False
    craft: Craft


def build_brief(spec: ModelSpec, values: Mapping[str, Any]) -> Brief:
    """Read a request by the roles that its parameters have."""
    asked = Asked(spec, values)
    mode = asked.value("mode")
    return Brief(
        model=spec.model,
        produces=spec.produces,
        prompt=asked.prompt,
        lines=asked.lines,
        inputs=asked.inputs,
        task_id=asked.task_id,
        index=asked.index,
        duration_s=asked.duration_s,
        extent=asked.extent,
        clip_extent=asked.clip_extent,
        count=_count(spec, asked),
        factor=asked.factor,
        formats=tuple(asked.formats),
        mode=mode if mode in MODES else "normal",
        is_camera_fixed=asked.is_camera_fixed,
        wants_sound=asked.wants_sound,
        craft=craft_of(spec),
    )


def _count(spec: ModelSpec, asked: Asked) -> int:
    if spec.produces == "text":
        return 1
    count = asked.count
    if spec.produces == "image":
        return count or pictures_per_task(spec.model)
    return min(count or 1, MAX_CLIPS)


def pictures_per_task(model: str) -> int:
    """Return how many pictures a task of an image model holds, where nobody says how many.

    Where another model of its family takes one of them by its index, there are as many as that can
    count; elsewhere there is one.
    """
    family = _family(model)
    for spec in built_in_registry():
        if _family(spec.model) == family and _takes_image_task(spec):
            return max(map(_counted_by, spec.parameters))
    return 1


def _counted_by(parameter: Parameter) -> int:
    """Return how many things a parameter can count from 0, where it is an index."""
    if isinstance(parameter, NumberParameter) and is_index(parameter):
        return int(parameter.maximum or 0) + 1
    return 1


def _family(model: str) -> str:
    return re.split(r"[/:]", model, maxsplit=1)[0]


def _takes_image_task(spec: ModelSpec) -> bool:
    return any(isinstance(p, TextParameter) and p.names == "image_task" for p in spec.parameters)
