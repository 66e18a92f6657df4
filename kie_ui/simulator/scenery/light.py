"""The colours of an hour: its sky, its light, and what haze does to things far away."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kie_ui.simulator.scenery.canvas import Colour, mixed, rgb
from kie_ui.simulator.scenery.outlook import Hour, Outlook


class Light(NamedTuple):
    """What everything in a scene is lit by."""

    zenith: Colour
    middle: Colour
    horizon: Colour
    sun: Colour
    """The sun's or the moon's own colour."""
    shine: Colour
    """What its light does to what it falls on."""
    haze: Colour
    """What far things fade into."""
    ground: Colour
    """What near things are, where nothing else is known."""
    is_dark: bool

    def at_distance(self, colour: Colour, nearness: float) -> Colour:
        """Return how a colour looks from far away (0) or close by (1)."""
        return mixed(self.haze, colour, nearness)


_HOURS: dict[Hour, tuple[Light, ...]] = {
    "dawn": (
        Light(
            *(rgb("6f8fc9"), rgb("e6b3c4"), rgb("ffe0b8"), rgb("fff1d6"), rgb("ffc9a0")),
            *(rgb("f0c6c0"), rgb("2c3350"), False),
        ),
        Light(
            *(rgb("4d7ea8"), rgb("a9c9d8"), rgb("ffd9c2"), rgb("fff4e0"), rgb("ffd0b0")),
            *(rgb("d9d3d8"), rgb("25384a"), False),
        ),
    ),
    "day": (
        Light(
            *(rgb("2f74c0"), rgb("7fb8e6"), rgb("dbeef8"), rgb("fffbe8"), rgb("fff2c8")),
            *(rgb("bcd8ea"), rgb("1f3f3a"), False),
        ),
        Light(
            *(rgb("3a86a8"), rgb("8ccbd0"), rgb("eef3dc"), rgb("fffce8"), rgb("ffeeb8")),
            *(rgb("c5dfdc"), rgb("24423a"), False),
        ),
    ),
    "dusk": (
        Light(
            *(rgb("2b2a5e"), rgb("a3477f"), rgb("ff9a5a"), rgb("ffe7b0"), rgb("ff9448")),
            *(rgb("d9788a"), rgb("1c1433"), False),
        ),
        Light(
            *(rgb("24405f"), rgb("c76a5a"), rgb("ffc064"), rgb("fff0c0"), rgb("ffae50")),
            *(rgb("d99a7a"), rgb("1d1a2b"), False),
        ),
    ),
    "night": (
        Light(
            *(rgb("060b1f"), rgb("142750"), rgb("3f5f8f"), rgb("f4f1de"), rgb("9fbbe8")),
            *(rgb("2c4673"), rgb("050a16"), True),
        ),
        Light(
            *(rgb("0a0820"), rgb("2a1f55"), rgb("6a4a86"), rgb("fff3df"), rgb("b7a6e8")),
            *(rgb("3d3066"), rgb("07061a"), True),
        ),
    ),
}
_OVERCAST = 0.55
"""How far rain and snow draw a sky towards grey."""


def light_of(outlook: Outlook, dice: np.random.Generator) -> Light:
    """Choose the light of an hour, and dull it where the weather does."""
    choices = _HOURS[outlook.hour]
    light = choices[int(dice.integers(len(choices)))]
    if outlook.weather not in ("rain", "snow"):
        return light
    grey = rgb("1d2633") if light.is_dark else rgb("c3ccd6")
    sky = [mixed(colour, grey, _OVERCAST) for colour in light[:3]]
    haze = mixed(light.haze, grey, _OVERCAST)
    return light._replace(zenith=sky[0], middle=sky[1], horizon=sky[2], haze=haze)
