"""Land: ridges behind ridges, dunes, and meadows with flowers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kie_ui.simulator.scenery.canvas import (
    Colour,
    Cover,
    Pixels,
    around,
    as_array,
    below,
    between,
    clouded,
    f32,
    grid,
    mixed,
    outline,
    paint,
    rgb,
    rolling,
    smoothstep,
)
from kie_ui.simulator.scenery.stage import Size, Stage

_Line = NDArray[np.float32]


def paint_mountains(stage: Stage, *, has_snow: bool) -> None:
    """Paint a high range, and ridges before it that grow darker and nearer."""
    _paint_range(stage, has_snow=has_snow)
    count = 4
    for number in range(count):
        nearness = 0.42 + 0.58 * (number / (count - 1)) ** 0.9
        base = stage.horizon + (1.02 - stage.horizon) * (number + 0.4) / count
        tall = 0.15 + 0.05 * number
        teeth = outline(stage.dice, stage.size[0], waves=2.2 + number, roughness=0.42)
        _paint_ridge(stage, base - tall * teeth, nearness)


def _paint_range(stage: Stage, *, has_snow: bool) -> None:
    line, peak = _range_line(stage)
    depth = np.clip(grid(stage.size)[1] - line[None, :], 0, 1)
    # A slope towards the light is bright, the other one is blue.
    folds = _folds(stage.dice, stage.size, line) * (1.0 if stage.sun.x < peak else -1.0)
    sharpness = 0.22 if has_snow else 0.6
    lit = smoothstep(-sharpness, sharpness, f32(folds))
    light = stage.light
    rock = mixed(light.haze, light.ground, 0.55)
    contrast = 0.45 if has_snow else 0.22
    body = between(rock, mixed(rock, light.shine, contrast), lit)
    if has_snow:
        line_of_snow = 0.05 + 0.15 * clouded(stage.dice, stage.size, cells=14) + 0.02 * folds
        snow = 1 - smoothstep(0.0, 0.012, f32(depth - line_of_snow))
        white = rgb("b9c8e6") if light.is_dark else mixed(rgb("ffffff"), light.sun, 0.35)
        shade = mixed(white, mixed(light.middle, light.zenith, 0.5), 0.62)
        body += (between(shade, white, lit) - body) * snow[..., None]
    hazy = 0.08 + 0.8 * smoothstep(0.06, 0.4, f32(depth))
    body += (as_array(light.haze) - body) * hazy[..., None]
    paint(stage.canvas, below(line, stage.size[1]), f32(body))


def _range_line(stage: Stage) -> tuple[_Line, float]:
    """Return the line of the highest ridge, which rises towards a peak, and where that is."""
    width, _ = stage.size
    rough = outline(stage.dice, width, waves=3.0, roughness=0.47)
    peak = float(stage.dice.uniform(0.3, 0.7))
    x = np.linspace(0, 1, width)
    massif = 0.45 + 0.55 * np.exp(-(((x - peak) / 0.33) ** 2))
    return f32(stage.horizon + 0.06 - stage.horizon * 0.58 * rough * massif), peak


def _folds(dice: np.random.Generator, size: Size, line: _Line) -> NDArray[np.float32]:
    """Return which way each spot of a range faces, from −1 (left) to 1 (right).

    It faces as the ridge above it does, along creases that wander more the further down they are.
    """
    width, _ = size
    depth = np.clip(grid(size)[1] - line[None, :], 0, 1)
    slope = -_softened(np.gradient(line) * width, max(3, width // 90))
    wander = (clouded(dice, size, cells=6, stretch=0.7) - 0.5) * (0.03 + 1.1 * depth)
    column = np.arange(width)[None, :] + (wander * width).astype(np.int32)
    return f32(np.clip(slope[np.clip(column, 0, width - 1)] * 0.9, -1, 1))


def _softened(values: NDArray[np.floating], window: int) -> NDArray[np.float32]:
    padded = np.pad(values, window // 2, mode="edge")
    kernel = np.ones(window) / window
    return np.convolve(padded, kernel, mode="valid")[: len(values)].astype(np.float32)


def _paint_ridge(stage: Stage, line: _Line, nearness: float) -> None:
    """Paint one ridge that sinks into mist at its foot."""
    light = stage.light
    depth = f32(np.clip(grid(stage.size)[1] - line[None, :], 0, 1))
    body, foot = (light.at_distance(light.ground, near) for near in (nearness, nearness * 0.4))
    shade = between(body, foot, f32(smoothstep(0.0, 0.24, depth) * (0.75 - 0.55 * nearness)))
    rim = (1 - smoothstep(0.0, 0.02, depth)) * 0.16
    shade += (as_array(light.shine) - shade) * rim[..., None]
    paint(stage.canvas, below(line, stage.size[1]), shade)


def paint_dunes(stage: Stage) -> None:
    """Paint dunes: each with a lit and a shaded side that meet at a winding crest."""
    count = 5
    for number in range(count):
        nearness = 0.35 + 0.65 * number / (count - 1)
        away = (number / (count - 0.6)) ** 1.25
        base = stage.horizon + 0.01 + (0.96 - stage.horizon) * away
        tall = 0.05 + 0.05 * number
        line = base - tall * rolling(stage.dice, stage.size[0], waves=1.6 - 0.16 * number)
        _paint_dune(stage, f32(line), nearness)


def _paint_dune(stage: Stage, line: _Line, nearness: float) -> None:
    light = stage.light
    sand = mixed(rgb("3d3a5c" if light.is_dark else "e0a15e"), light.shine, 0.22)
    depth = f32(np.clip(grid(stage.size)[1] - line[None, :], 0, 1))
    lit = light.at_distance(mixed(sand, light.sun, 0.25), nearness)
    dark = light.at_distance(mixed(sand, light.ground, 0.62), nearness)
    body = between(lit, dark, f32(_shade_of_dune(stage, line, depth) * 0.92))
    body *= 1 + _ripples(stage, depth, nearness)[..., None]
    paint(stage.canvas, below(line, stage.size[1]), body)


def _shade_of_dune(stage: Stage, line: _Line, depth: Cover) -> Cover:
    """Return how much each spot is turned away from the light.

    The crest winds down from the tops of the line, to the side that is away from the light.
    """
    width, _ = stage.size
    side = 1.0 if stage.sun.x < 0.5 else -1.0
    slope = _softened(np.gradient(line) * width / 3, max(3, width // 40)) * side
    winding = 0.16 * np.sin(depth * 11 + float(stage.dice.uniform(0, 6))) * depth**0.7
    column = grid(stage.size)[0] * width + side * (depth * 0.55 + winding) * width
    facing = slope[np.clip(column.astype(np.int32), 0, width - 1)]
    return smoothstep(-0.5, 0.5, f32((facing + 0.02) / (0.024 + 0.32 * depth)))


def _ripples(stage: Stage, depth: Cover, nearness: float) -> Cover:
    """Return the wind's marks in the sand, as a change of its brightness."""
    wind = 9 * rolling(stage.dice, stage.size[0], waves=2.0)[None, :] + 3 * grid(stage.size)[0]
    marks = np.sin((depth * 95 + wind) * math.tau)
    return f32(0.022 * marks * nearness**3 * smoothstep(0.01, 0.1, depth))


def paint_meadow(stage: Stage) -> None:
    """Paint rolling fields in many greens, with flowers before them."""
    greens = [rgb("5f9e57"), rgb("7fb354"), rgb("4d8a4f"), rgb("93bd5c")]
    light, count = stage.light, 6
    for number in range(count):
        nearness = 0.3 + 0.7 * number / (count - 1)
        base = stage.horizon + 0.02 + (0.9 - stage.horizon) * (number / (count - 0.5)) ** 1.4
        tall = 0.03 + 0.022 * number
        line = base - tall * rolling(stage.dice, stage.size[0], waves=1.3)
        green = greens[int(stage.dice.integers(len(greens)))]
        dimmed = mixed(green, light.ground, 0.78) if light.is_dark else green
        _paint_field(stage, f32(line), mixed(dimmed, light.shine, 0.14), nearness)
    _scatter_flowers(stage, top=stage.horizon + 0.3 * (1 - stage.horizon))


def _paint_field(stage: Stage, line: _Line, green: Colour, nearness: float) -> None:
    light = stage.light
    depth = f32(np.clip(grid(stage.size)[1] - line[None, :], 0, 1))
    top = light.at_distance(mixed(green, light.sun, 0.22), nearness)
    foot = light.at_distance(mixed(green, light.ground, 0.35), nearness)
    grain = 0.16 * (clouded(stage.dice, stage.size, cells=12, stretch=2.5) - 0.5) * nearness
    share = f32(np.clip(smoothstep(0.0, 0.22, depth) + grain, 0, 1))
    paint(stage.canvas, below(line, stage.size[1]), between(top, foot, share))


def _scatter_flowers(stage: Stage, top: float) -> None:
    """Dot the grass: small and dense far away, large and few close by."""
    (width, height), dice, light = stage.size, stage.dice, stage.light
    colours = [rgb(c) for c in ("ffffff", "ffd94a", "f06a6a", "c98be0", "ff9ec2", "7fa8ff")]
    kinds = dice.choice(len(colours), size=3, replace=False)
    unit = min(width, height) / 1000
    for depth in np.sort(dice.random(round(900 * width / height)) ** 0.7):
        place = (dice.random() * width, (top + (1 - top) * depth) * height)
        colour = colours[kinds[int(dice.integers(len(kinds)))]]
        shade = mixed(colour, light.ground, 0.55 if light.is_dark else 0.12)
        _dot(stage.canvas, place, unit * (1.0 + 8.5 * depth**2.4), shade)


def _dot(canvas: Pixels, centre: tuple[float, float], radius_px: float, colour: Colour) -> None:
    """Paint a small disc with a soft edge, seen a little from above."""
    for corner, x, y in around(canvas, centre, radius_px + 2):
        far = np.hypot(x - centre[0], (y - centre[1]) * 1.25)
        paint(corner, f32(np.clip(radius_px - far + 0.5, 0, 1)), colour)
