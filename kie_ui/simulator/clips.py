"""What clip a request asks for: a pure step from checked values to an order for the renderer."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from kie_ui.catalog.parameters import NumberParameter
from kie_ui.catalog.spec import ModelSpec
from kie_ui.simulator.pictures import Picture

Mode = Literal["normal", "fun", "spicy"]
MODES: tuple[Mode, ...] = ("normal", "fun", "spicy")
DEFAULT_DURATION_S = 5.0
DEFAULT_SHORT_SIDE_PX = 480
MAX_SHORT_SIDE_PX = 1080
MAX_DURATION_S = 60.0
MAX_SEED = 2**31 - 1


class ClipOrder(BaseModel):
    """One clip to render."""

    model_config = ConfigDict(frozen=True)

    start: Picture
    end: Picture | None = None
    duration_s: float
    short_side_px: int
    seed: int
    mode: Mode = "normal"
    is_camera_fixed: bool = False


def build_order(
    values: Mapping[str, Any], seed: int, start: Picture, end: Picture | None
) -> ClipOrder:
    """Build the order of a clip from a task's checked values and its pictures."""
    mode = values.get("mode")
    return ClipOrder(
        start=start,
        end=end,
        duration_s=_duration_s(values.get("duration")),
        short_side_px=_short_side_px(values.get("resolution")),
        seed=seed,
        mode=mode if mode in MODES else "normal",
        is_camera_fixed=bool(values.get("camera_fixed", False)),
    )


def choose_seed(spec: ModelSpec, values: Mapping[str, Any]) -> int:
    """Return the seed that was asked for, or a random one, to be remembered with the task."""
    for parameter in spec.parameters:
        if isinstance(parameter, NumberParameter) and parameter.name == "seed":
            seed = values.get("seed")
            if seed is not None and seed != parameter.random_value:
                return int(seed)
    return secrets.randbelow(MAX_SEED)


def picture_urls(spec: ModelSpec, values: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the addresses of the pictures that start and end the clip."""
    start: str | None = None
    end: str | None = None
    for parameter in spec.media_parameters:
        urls = values.get(parameter.name) or [None]
        if parameter.name.startswith(("end_", "last_", "tail_")):
            end = end or urls[0]
        else:
            start = start or urls[0]
    return start, end


def _duration_s(value: Any) -> float:
    try:
        return min(max(float(value), 1.0), MAX_DURATION_S)
    except (TypeError, ValueError):
        return DEFAULT_DURATION_S


def _short_side_px(value: Any) -> int:
    match = re.match(r"\d+", str(value or ""))
    asked = int(match.group()) if match else DEFAULT_SHORT_SIDE_PX
    return min(max(asked, 16), MAX_SHORT_SIDE_PX) // 2 * 2
