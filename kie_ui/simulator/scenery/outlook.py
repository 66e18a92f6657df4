"""What a scene shows: place, hour and weather, from the words of a prompt, else by chance."""

from __future__ import annotations

import hashlib
import re
from typing import Literal, NamedTuple, TypeVar

import numpy as np

Place = Literal["mountains", "sea", "city", "forest", "desert", "space", "meadow"]
Hour = Literal["dawn", "day", "dusk", "night"]
Weather = Literal["clear", "mist", "snow", "rain"]
_Name = TypeVar("_Name", bound=str)

_PLACES: dict[Place, str] = {
    "space": "space planet galaxy astronaut rocket alien cosmic universe nebula comet orbit mars",
    "sea": "sea ocean beach wave ship boat island coast harbour harbor lake river water fish whale "
    "surf sail lighthouse pirate mermaid bay dolphin swim rain",
    "city": "city street urban skyscraper building neon car cyber cyberpunk robot office shop cafe "
    "coffee town skyline traffic train tokyo paris york fashion dance concert club",
    "forest": "forest tree wood jungle fox deer bear leaf owl wolf elf fairy rabbit bird autumn "
    "cabin bamboo mushroom",
    "desert": "desert dune sand camel cactus canyon pyramid traveler traveller archway lion "
    "sahara western cowboy",
    "mountains": "mountain alps peak cliff snow valley dragon eagle climb castle knight glacier "
    "ski winter volcano balloon",
    "meadow": "field meadow flower grass farm horse dog cat girl boy child picnic spring sheep "
    "garden hill village cow butterfly puppy kitten",
}
_HOURS: dict[Hour, str] = {
    "night": "night dark moon midnight star stars neon moonlit aurora nocturnal",
    "dusk": "sunset dusk evening golden twilight romantic warm fire glowing",
    "dawn": "sunrise dawn morning pastel pink soft dreamy",
    "day": "day noon sunny bright summer blue afternoon daylight",
}
_WEATHERS: dict[Weather, str] = {
    "mist": "fog foggy mist misty haze hazy mysterious smoke",
    "snow": "snow snowy winter blizzard ice frozen christmas",
    "rain": "rain rainy storm stormy thunder wet",
}


class Outlook(NamedTuple):
    """One scene."""

    place: Place
    hour: Hour
    weather: Weather


def outlook_of(prompt: str, seed: int, number: int) -> Outlook:
    """Choose what a prompt asks for; where it says nothing, the dice do.

    Of several results of one prompt each is another view: at another hour, if none is named.
    """
    words = [word.removesuffix("s") for word in re.findall(r"\w+", prompt.lower())]
    dice = dice_of("outlook", prompt, seed)
    places: list[Place] = ["mountains", "sea", "forest", "desert", "meadow", "city"]
    hours: list[Hour] = ["dawn", "day", "dusk", "night"]
    place = _named(words, _PLACES) or places[int(dice.integers(len(places)))]
    if place == "meadow":
        hours.remove("night")  # flowers are for the day
    turn = int(dice.integers(len(hours))) + number
    hour = _named(words, _HOURS) or hours[turn % len(hours)]
    return Outlook(place, hour, _named(words, _WEATHERS) or "clear")


def dice_of(*key: object) -> np.random.Generator:
    """Return dice that fall the same way for the same key."""
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode(errors="replace")).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _named(words: list[str], table: dict[_Name, str]) -> _Name | None:
    """Return the entry that most of the words name; of equals, the first in the table."""
    scores = {
        name: sum(word in {each.removesuffix("s") for each in known.split()} for word in words)
        for name, known in table.items()
    }
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] else None
