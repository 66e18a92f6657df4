"""What stands upright: pines in mist, and cities with their windows lit."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from kie_ui.simulator.scenery.canvas import (
    Cover,
    between,
    f32,
    grid,
    mixed,
    paint,
    rgb,
    rolling,
    smoothstep,
)
from kie_ui.simulator.scenery.stage import Size, Stage

_FINE = 2
"""How much finer outlines are drawn than shown, so that their edges are soft."""


def paint_forest(stage: Stage) -> None:
    """Paint rows of pines, one before the other, with mist between them."""
    light, rows = stage.light, 5
    green = mixed(light.ground, rgb("1f4a3a"), 0.2 if light.is_dark else 0.45)
    for number in range(rows):
        nearness = 0.22 + 0.78 * (number / (rows - 1)) ** 1.1
        away = (number / (rows - 1)) ** 1.3
        foot = stage.horizon + (1.08 - stage.horizon) * away * 0.96 + 0.06
        tall = 0.16 + 0.13 * number
        mist = smoothstep(foot - 0.5 * tall, foot + 0.03, grid(stage.size)[1])
        near, far = (light.at_distance(green, share) for share in (nearness, nearness * 0.3))
        shade = between(near, far, f32(mist * (0.85 - 0.5 * nearness)))
        paint(stage.canvas, _pine_row(stage.dice, stage.size, foot, tall, number), shade)


def _pine_row(
    dice: np.random.Generator, size: Size, foot: float, tall: float, number: int
) -> Cover:
    width, height = size[0] * _FINE, size[1] * _FINE
    drawing = Image.new("L", (width, height))
    draw = ImageDraw.Draw(drawing)
    unit = min(width, height)
    x = -0.05 * width
    while x < width * 1.05:
        top = tall * dice.uniform(0.55, 1.0)
        _draw_pine(dice, draw, (x, (foot + dice.uniform(-0.012, 0.012)) * height), top * unit)
        x += unit * tall * dice.uniform(0.12, 0.36) * (1 + 0.22 * number)
    ground = foot - 0.03 * rolling(dice, width, waves=1.5)
    points = [(column, ground[column] * height) for column in range(0, width, 8)]
    draw.polygon([(0, height), *points, (width, ground[-1] * height), (width, height)], fill=255)
    small = drawing.resize(size, Image.Resampling.BOX)
    return f32(f32(small) / 255)


def _draw_pine(
    dice: np.random.Generator, draw: ImageDraw.ImageDraw, foot: tuple[float, float], tall: float
) -> None:
    """Draw boughs from the top down, each wider than the one above and a little ragged."""
    x, y = foot
    boughs = max(7, int(tall / 16))
    half = tall * dice.uniform(0.15, 0.21)
    left: list[tuple[float, float]] = []
    right: list[tuple[float, float]] = []
    for number in range(boughs + 1):
        share = number / boughs
        reach = half * share**0.85
        down = y - tall * (1 - share)
        for side, edge in ((-1, left), (1, right)):
            ragged = dice.uniform(0.82, 1.12)
            edge.append((x + side * reach * ragged, down + 0.03 * tall * share))
            edge.append((x + side * reach * 0.52, down + 0.012 * tall))
    draw.polygon([(x, y - tall * 1.04), *right, *reversed(left)], fill=255)
    draw.rectangle((x - tall * 0.012, y - tall * 0.02, x + tall * 0.012, y + tall * 0.04), fill=255)


def paint_city(stage: Stage) -> None:
    """Paint towers behind towers; towards night their windows are lit."""
    light, rows = stage.light, 3
    wall = mixed(light.ground, light.middle, 0.1 if light.is_dark else 0.22)
    lamps = 0.92 if light.is_dark else 0.32
    for number in range(rows):
        nearness = 0.34 + 0.66 * number / (rows - 1)
        foot = stage.horizon + 0.015 * number
        tall = stage.horizon * (0.62 - 0.1 * number)
        towers, windows = _tower_row(stage.dice, stage.size, foot, tall, number)
        mist = smoothstep(foot - tall, foot, grid(stage.size)[1]) * (0.62 - 0.34 * nearness)
        shade = between(light.at_distance(wall, nearness), light.haze, f32(mist))
        paint(stage.canvas, towers, shade)
        paint(stage.canvas, f32(windows * lamps * (0.35 + 0.65 * nearness)), rgb("ffd793"))


def _tower_row(
    dice: np.random.Generator, size: Size, foot: float, tall: float, number: int
) -> tuple[Cover, Cover]:
    """Draw one row of towers, and apart from them their lit windows."""
    width, height = size[0] * _FINE, size[1] * _FINE
    walls, lamps = Image.new("L", (width, height)), Image.new("L", (width, height))
    drawing, lighting = ImageDraw.Draw(walls), ImageDraw.Draw(lamps)
    unit = min(width, height)
    x = -0.02 * width
    while x < width:
        wide = unit * dice.uniform(0.045, 0.11) * (1 + 0.35 * number)
        middle = 1 - abs((x + wide / 2) / width - 0.5) * 0.9
        up = tall * height * dice.uniform(0.3, 1.0) * middle
        box = (x, foot * height - up, x + wide, height)
        _draw_tower(dice, drawing, box)
        _light_windows(dice, lighting, box, unit * (0.0042 + 0.0016 * number))
        x += wide * dice.uniform(0.82, 1.25)
    shrunk = (each.resize(size, Image.Resampling.BOX) for each in (walls, lamps))
    cover, windows = (f32(f32(each) / 255) for each in shrunk)
    return cover, windows


def _draw_tower(
    dice: np.random.Generator,
    draw: ImageDraw.ImageDraw,
    box: tuple[float, float, float, float],
) -> None:
    """Draw a block, at times with a stepped top or a mast."""
    left, top, right, _ = box
    draw.rectangle(box, fill=255)
    wide, top_kind = right - left, dice.random()
    if top_kind < 0.35:
        draw.rectangle((left + wide * 0.2, top - wide * 0.3, right - wide * 0.2, top), fill=255)
    if top_kind < 0.16:
        middle, thick = (left + right) / 2, max(1.0, wide * 0.02)
        draw.rectangle((middle - thick, top - wide * 1.1, middle + thick, top), fill=255)
    elif top_kind > 0.86:
        draw.polygon(
            [(left, top + 1), (left + wide * 0.5, top - wide * 0.55), (right, top + 1)], 255
        )


def _light_windows(
    dice: np.random.Generator,
    draw: ImageDraw.ImageDraw,
    box: tuple[float, float, float, float],
    pane: float,
) -> None:
    left, top, right, bottom = box
    columns = int((right - left) / (pane * 2.4))
    rows = int((bottom - top) / (pane * 3.2))
    if columns < 2 or rows < 2:
        return
    step = (right - left) / columns
    share = dice.uniform(0.12, 0.5)
    lit = dice.random((rows, columns)) < share
    for row, column in zip(*np.nonzero(lit), strict=True):
        x, y = left + (column + 0.5) * step, top + (row + 0.8) * pane * 3.2
        level = int(dice.integers(120, 256))
        draw.rectangle((x - pane * 0.6, y - pane * 0.8, x + pane * 0.6, y + pane * 0.8), fill=level)
