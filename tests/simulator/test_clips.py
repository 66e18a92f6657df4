from __future__ import annotations

from kie_ui.catalog.registry import built_in_registry
from kie_ui.simulator.clips import build_order, choose_seed, picture_urls
from kie_ui.simulator.pictures import Picture

LITE = built_in_registry().spec("bytedance/v1-lite-image-to-video")
GROK = built_in_registry().spec("grok-imagine/image-to-video")


def test_values_of_the_wire_become_an_order() -> None:
    """Seconds, pixels, mode and camera are read from the documented spellings."""
    values = {"duration": "10", "resolution": "720p", "mode": "fun", "camera_fixed": True}
    order = build_order(values, 5, Picture(stand_in_host="a"), None)
    assert (order.duration_s, order.short_side_px) == (10.0, 720)
    assert (order.mode, order.is_camera_fixed, order.seed) == ("fun", True, 5)


def test_values_that_say_nothing_fall_back() -> None:
    """A model without duration or resolution still gets a clip."""
    order = build_order({"mode": "grim"}, 5, Picture(stand_in_host="a"), None)
    assert (order.duration_s, order.short_side_px, order.mode) == (5.0, 480, "normal")


def test_start_and_end_pictures_are_told_apart() -> None:
    """The end picture is the one whose parameter says so."""
    values = {"image_url": ["https://a.example"], "end_image_url": ["https://b.example"]}
    assert picture_urls(LITE, values) == ("https://a.example", "https://b.example")
    assert picture_urls(GROK, {"task_id": "x"}) == (None, None)


def test_only_a_documented_seed_is_taken() -> None:
    """-1 asks for chance; a model without a seed always has it."""
    assert choose_seed(LITE, {"seed": 12}) == 12
    assert choose_seed(LITE, {"seed": 0}) == 0
    assert choose_seed(LITE, {"seed": -1}) >= 0
    assert len({choose_seed(GROK, {}) for _ in range(5)}) > 1
