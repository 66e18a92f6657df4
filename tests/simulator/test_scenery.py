from __future__ import annotations

import numpy as np
import pytest

from kie_ui.simulator.intent.plan import Scene
from kie_ui.simulator.scenery.outlook import outlook_of
from kie_ui.simulator.scenery.scene import MAX_DRAWN_PX, draw_scene


def drawn(prompt: str, seed: int = 1, number: int = 0, size: tuple[int, int] = (96, 64)) -> bytes:
    """Draw a small scene and return its pixels."""
    return draw_scene(Scene(prompt=prompt, seed=seed, number=number), size).tobytes()


@pytest.mark.parametrize(
    ("prompt", "place", "hour", "weather"),
    [
        ("A paper boat on a quiet lake", "sea", None, "clear"),
        ("Skyscrapers and neon at midnight", "city", "night", "clear"),
        ("Two foxes in a foggy forest at dawn", "forest", "dawn", "mist"),
        ("A traveler crosses an endless desert at sunset", "desert", "dusk", "clear"),
        ("Snowy mountains, blizzard", "mountains", None, "snow"),
        ("An astronaut near a planet", "space", None, "clear"),
        ("Horses on a meadow at noon", "meadow", "day", "clear"),
        ("Rainy street", "city", None, "rain"),
    ],
)
def test_words_choose_what_is_seen(prompt: str, place: str, hour: str | None, weather: str) -> None:
    """Place, hour and weather follow the prompt as far as it names them."""
    outlook = outlook_of(prompt, 1, 0)
    assert (outlook.place, outlook.weather) == (place, weather)
    assert hour is None or outlook.hour == hour


def test_without_words_the_dice_choose() -> None:
    """Other seeds show other places."""
    assert len({outlook_of("", seed, 0).place for seed in range(40)}) > 3


def test_several_results_are_of_different_hours() -> None:
    """Four results of one prompt are four pictures that one can tell apart."""
    assert len({outlook_of("a lake", 3, number).hour for number in range(4)}) == 4


@pytest.mark.parametrize(
    "prompt", ["sea", "city", "forest", "desert", "mountain", "space", "meadow"]
)
@pytest.mark.parametrize("weather", ["", "misty", "snow", "rain"])
def test_a_scene_is_decided_by_prompt_and_seed(prompt: str, weather: str) -> None:
    """The same words and seed give the same pixels, another seed gives others."""
    words = f"{prompt} {prompt} {weather}"
    assert drawn(words) == drawn(words)
    assert drawn(words) != drawn(words, seed=2)
    assert drawn(words) != drawn(words, number=1)


@pytest.mark.parametrize("size", [(16, 16), (64, 16), (16, 64), (33, 47), (160, 90)])
def test_a_scene_has_the_asked_size_and_is_no_blank(size: tuple[int, int]) -> None:
    """However small or narrow, there is something to see in it."""
    for prompt in (
        "a boat at sea",
        "balloons over a city",
        "forest",
        "desert",
        "planet",
        "flowers",
    ):
        image = draw_scene(Scene(prompt=prompt, seed=4), size)
        assert image.size == size
        assert np.asarray(image).std() > 8


def test_a_large_scene_is_enlarged() -> None:
    """The work of drawing has an end, whatever size is asked for."""
    size = (MAX_DRAWN_PX * 2, 64)
    assert draw_scene(Scene(prompt="sea", seed=1), size).size == size
