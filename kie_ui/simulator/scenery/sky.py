"""Skies: colour from zenith to horizon, a sun or a moon, clouds and stars."""

from __future__ import annotations

import numpy as np

from kie_ui.simulator.scenery.canvas import (
    Pixels,
    around,
    as_array,
    clouded,
    distance,
    f32,
    glow,
    grid,
    paint,
    rgb,
    smoothstep,
)
from kie_ui.simulator.scenery.light import Light
from kie_ui.simulator.scenery.stage import Size, Sun


def place_sun(dice: np.random.Generator, horizon: float, *, is_low: bool) -> Sun:
    """Choose where the light comes from: off the middle, as painters have it."""
    x = float(dice.choice([dice.uniform(0.22, 0.4), dice.uniform(0.6, 0.78)]))
    up = dice.uniform(0.07, 0.2) if is_low else dice.uniform(0.5, 0.72)
    return Sun(x, horizon - up * horizon, float(dice.uniform(0.03, 0.044)))


def paint_sky(
    dice: np.random.Generator, size: Size, light: Light, sun: Sun, *, horizon: float, clouds: float
) -> Pixels:
    """Paint a whole picture of sky; `clouds` from 0 (none) to 1 (many)."""
    canvas = _gradient(size, light, horizon)
    if light.is_dark:
        _sprinkle_stars(dice, canvas, horizon)
    _light_up(canvas, size, light, sun)
    if clouds > 0:
        _paint_clouds(dice, canvas, size, light, sun, clouds)
    return canvas


def _gradient(size: Size, light: Light, horizon: float) -> Pixels:
    width, height = size
    _, y = grid(size)
    down = np.clip(y / horizon, 0, 1) ** 1.15
    upper = smoothstep(0, 0.62, down)[..., None]
    lower = smoothstep(0.38, 1, down)[..., None]
    column = as_array(light.zenith) + upper * (as_array(light.middle) - as_array(light.zenith))
    column = column + lower * (as_array(light.horizon) - column)
    return np.ascontiguousarray(np.broadcast_to(column, (height, width, 3)), np.float32)


def _light_up(canvas: Pixels, size: Size, light: Light, sun: Sun) -> None:
    far = distance(size, (sun.x, sun.y))
    wide = 0.16 if light.is_dark else 0.34
    glow(canvas, wide * np.exp(-((far / 0.62) ** 2)), light.shine)
    glow(canvas, 0.5 * np.exp(-((far / 0.17) ** 2)), light.sun)
    if not light.is_dark:
        glow(canvas, 0.8 * np.exp(-((far / 0.075) ** 2)), light.sun)
    edge = 1.2 / min(size)
    disc = 1 - smoothstep(sun.radius - edge, sun.radius + edge, far)
    paint(canvas, disc, light.sun)
    if light.is_dark:
        seas = clouded(np.random.default_rng(7), size, cells=24)
        paint(canvas, disc * smoothstep(0.45, 0.62, seas) * 0.16, rgb("8a8fa8"))


def _paint_clouds(
    dice: np.random.Generator, canvas: Pixels, size: Size, light: Light, sun: Sun, amount: float
) -> None:
    _, y = grid(size)
    shape = clouded(dice, size, cells=4, stretch=3.2)
    cover = smoothstep(0.62 - 0.22 * amount, 0.92, shape)
    cover = cover * (0.85 - 0.5 * np.abs(y - 0.3)) * amount
    # Seen from below, towards the light they are bright, and at their thickest they are shaded.
    near_sun = np.exp(-((distance(size, (sun.x, sun.y)) / 0.55) ** 2))
    lit, shaded = as_array(light.sun), as_array(light.middle) * 0.82 + as_array(light.haze) * 0.16
    share = np.clip(0.28 + 0.72 * near_sun - 0.35 * (shape - 0.6), 0, 1)[..., None]
    if light.is_dark:
        share = share * 0.35
    paint(canvas, cover, f32(shaded + (lit - shaded) * share))


def _sprinkle_stars(dice: np.random.Generator, canvas: Pixels, horizon: float) -> None:
    height, width = canvas.shape[:2]
    unit = min(width, height) / 1000
    count = round(620 * width / height)
    for brightness, radius in zip(dice.random(count) ** 3, dice.random(count) ** 4, strict=True):
        x, y = dice.random() * width, dice.random() ** 1.3 * height * horizon
        sprinkle(canvas, (x, y), unit * (0.9 + 1.5 * radius), 0.25 + 0.75 * brightness)


def sprinkle(
    canvas: Pixels, centre: tuple[float, float], radius_px: float, brightness: float
) -> None:
    """Add a soft point of light."""
    for corner, x, y in around(canvas, centre, radius_px * 2):
        squared = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / max(0.3, radius_px**2)
        glow(corner, f32(brightness * np.exp(-squared)), (1.0, 1.0, 1.0))
