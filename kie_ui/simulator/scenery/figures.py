"""Small figures that give a scene its scale: a boat, a balloon, a flock of birds."""

from __future__ import annotations

import math
import re

import numpy as np
from PIL import Image, ImageDraw

from kie_ui.simulator.scenery.canvas import Cover, Pixels, f32, mixed, paint, rgb
from kie_ui.simulator.scenery.outlook import Place
from kie_ui.simulator.scenery.stage import Stage

Point = tuple[float, float]
_FINE = 3
_BOAT = re.compile(r"\b(boats?|ships?|sail\w*|yachts?|pirates?|fisher\w*)\b", re.IGNORECASE)
_BALLOON = re.compile(r"\b(balloons?|airships?|zeppelins?|fly\w*|float\w*)\b", re.IGNORECASE)


def add_figures(prompt: str, place: Place, stage: Stage) -> None:
    """Add what the words ask for, and at times birds unasked."""
    dice = stage.dice
    if place == "sea" and (_BOAT.search(prompt) or dice.random() < 0.3):
        _add_boat(stage)
    if _BALLOON.search(prompt):
        for _ in range(int(dice.integers(2, 5))):
            _add_balloon(stage)
    elif not stage.light.is_dark and dice.random() < 0.6:
        _add_birds(stage)


def _add_boat(stage: Stage) -> None:
    """Put a sailing boat on the water, over its own reflection."""
    (width, height), dice, light = stage.size, stage.dice, stage.light
    long = min(width, height) * dice.uniform(0.1, 0.15)
    x, y = width * dice.uniform(0.3, 0.7), height * (stage.horizon + 0.085)
    hull = [(-0.5, -0.02), (0.52, -0.05), (0.36, 0.1), (-0.36, 0.1)]
    main = [(0.02, -1.18), (0.02, -0.1), (-0.46, -0.13)]
    jib = [(0.07, -1.02), (0.5, -0.12), (0.07, -0.1)]
    sail = mixed(mixed(rgb("fff7ea"), light.sun, 0.3), light.ground, 0.6 if light.is_dark else 0.04)
    dark = mixed(light.ground, light.shine, 0.08)
    for flip, strength in ((-1.0, 0.34), (1.0, 1.0)):
        for outline, colour in ((main, sail), (jib, mixed(sail, light.middle, 0.28)), (hull, dark)):
            points = [(x + long * px, y + long * (flip * (py - 0.06) + 0.06)) for px, py in outline]
            paint(stage.canvas, _shape(stage.canvas, points) * strength, colour)


def _add_balloon(stage: Stage) -> None:
    """Hang a striped hot-air balloon in the sky."""
    (width, height), dice, light = stage.size, stage.dice, stage.light
    radius = min(width, height) * dice.uniform(0.028, 0.085)
    x = width * dice.uniform(0.12, 0.88)
    y = height * stage.horizon * dice.uniform(0.2, 0.72)
    colours = [rgb(c) for c in ("e2574c", "f2b134", "3d8fb8", "f4f0e6", "7a4fa3")]
    one, other = (colours[i] for i in dice.choice(len(colours), size=2, replace=False))
    for number, share in enumerate((1.0, 0.72, 0.44, 0.16)):
        colour = mixed(one if number % 2 == 0 else other, light.haze, 0.22)
        dimmed = mixed(colour, light.ground, 0.5 if light.is_dark else 0.1 * (number == 0))
        paint(stage.canvas, _shape(stage.canvas, _envelope((x, y), radius, share)), dimmed)
    basket = radius * 0.16
    box = [(-1, 0), (1, 0), (0.8, 1.5), (-0.8, 1.5)]
    foot = y + radius * 1.62
    points = [(x + basket * px, foot + basket * py) for px, py in box]
    paint(stage.canvas, _shape(stage.canvas, points), mixed(light.ground, rgb("6b4a2f"), 0.5))


def _envelope(centre: Point, radius: float, share: float) -> list[Point]:
    """Return a balloon's outline, or of one of the stripes inside it."""
    x, y = centre
    points = []
    for step in range(41):
        angle = math.pi * (1.25 - 1.5 * step / 40)
        across, up = math.cos(angle), math.sin(angle)
        points.append((x + radius * share * across, y - radius * up))
    return [
        *points,
        (x + radius * 0.16 * share, y + radius * 1.4),
        (x - radius * 0.16 * share, y + radius * 1.4),
    ]


def _add_birds(stage: Stage) -> None:
    """Let a few birds cross the sky together."""
    (width, height), dice, light = stage.size, stage.dice, stage.light
    x, y = width * dice.uniform(0.2, 0.7), height * stage.horizon * dice.uniform(0.22, 0.55)
    colour = mixed(light.ground, light.middle, 0.25)
    for _ in range(int(dice.integers(4, 9))):
        span = min(width, height) * dice.uniform(0.009, 0.02)
        lift = dice.uniform(0.15, 0.6)
        place = (x + width * dice.normal(0, 0.06), y + height * dice.normal(0, 0.025))
        paint(stage.canvas, _shape(stage.canvas, _bird(place, span, lift)), colour)


def _bird(place: Point, span: float, lift: float) -> list[Point]:
    x, y = place
    upper = [(-1.0, -lift), (-0.45, -lift * 0.75 - 0.12), (0.0, 0.0), (0.45, -lift * 0.75 - 0.12)]
    lower = [(1.0, -lift), (0.42, -lift * 0.5), (0.0, 0.2), (-0.42, -lift * 0.5)]
    return [(x + span * px, y + span * py) for px, py in [*upper, *lower]]


def _shape(canvas: Pixels, points: list[Point]) -> Cover:
    """Fill an outline, with soft edges."""
    height, width = canvas.shape[:2]
    cover = np.zeros((height, width), np.float32)
    left = max(0, int(min(x for x, _ in points)) - 1)
    top = max(0, int(min(y for _, y in points)) - 1)
    right = min(width, int(max(x for x, _ in points)) + 2)
    bottom = min(height, int(max(y for _, y in points)) + 2)
    if left >= right or top >= bottom:
        return cover
    size = (right - left, bottom - top)
    fine = Image.new("L", (size[0] * _FINE, size[1] * _FINE))
    moved = [((x - left) * _FINE, (y - top) * _FINE) for x, y in points]
    ImageDraw.Draw(fine).polygon(moved, fill=255)
    small = fine.resize(size, Image.Resampling.BOX)
    cover[top:bottom, left:right] = f32(small) / 255
    return cover
