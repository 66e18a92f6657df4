"""A paper boat on a still lake, at six hours of the day."""

from dataclasses import dataclass

import numpy as np
from drawing.brush import Canvas, Field, Points, gradient, mix, ridge
from PIL import Image

SIDE = 768
SHORE = 372.0


@dataclass(frozen=True)
class Hour:
    """The colours and the light of one picture."""

    sky: tuple[str, str, str, str]
    hills: tuple[str, str]
    water: str
    light: str
    light_at: tuple[float, float]
    light_size: float
    boat: tuple[str, str, str]
    stars: bool
    seed: int


HOURS = (
    Hour(("#243b6b", "#7d5a96", "#f08a8a", "#ffd19a"), ("#9c6a99", "#33305f"), "#2d2f66", "#fff0c8",
         (250, 318), 38, ("#fff6ea", "#ffd9c4", "#d9939a"), stars=False, seed=1),
    Hour(("#0b1638", "#17305f", "#2f5a86", "#78a3b5"), ("#35597f", "#0f1d40"), "#0c1a3c", "#f4f6e6",
         (560, 150), 44, ("#f2f6ff", "#c5d3ee", "#7f93bf"), stars=True, seed=2),
    Hour(("#4fa3c7", "#8fd0d6", "#d3ecd9", "#fff3cf"), ("#7fb7a8", "#2f6f73"), "#1d6a80", "#fffbe6",
         (520, 160), 40, ("#ffffff", "#ffe7d0", "#e8a58a"), stars=False, seed=3),
    Hour(("#43306b", "#a04d86", "#ef6f6c", "#ffb35e"), ("#a84f77", "#421f52"), "#3a1d55", "#fff0b4",
         (384, 330), 58, ("#fff1dd", "#ffc9a8", "#d9746f"), stars=False, seed=4),
    Hour(("#8fa9b8", "#b9cbd0", "#dfe3dc", "#f3e6d2"), ("#a9bcbf", "#5b7a80"), "#5b7f88", "#fff8ea",
         (214, 210), 34, ("#fffdf6", "#ffd1b0", "#d98f6a"), stars=False, seed=5),
    Hour(("#081f33", "#0f5257", "#2f9a7d", "#a7e0a0"), ("#1d5a5f", "#071f30"), "#06202f", "#eafff0",
         (600, 120), 26, ("#f4fff8", "#b9e6d3", "#5f9f97"), stars=True, seed=6),
)  # fmt: skip


def draw(number: int, scale: float = 1.0) -> Image.Image:
    """Draw the lake at one of the six hours, numbered from 0."""
    hour = HOURS[number]
    canvas = Canvas(SIDE, SIDE, scale)
    _sky(canvas, hour)
    _hills(canvas, hour)
    _lake(canvas, hour)
    _boat(canvas, hour, 400, 560, 1.0 + 0.06 * (number % 3))
    _reeds(canvas, hour)
    return canvas.finish(grain=0.013, vignette=0.28, seed=hour.seed)


def _sky(canvas: Canvas, hour: Hour) -> None:
    stops = list(zip((0.0, 0.42, 0.78, 1.0), hour.sky, strict=True))
    canvas.fill(gradient(canvas.y / SHORE + 0 * canvas.x, stops))
    if hour.stars:
        _stars(canvas, hour)
    clouds = np.clip((canvas.noise(300, 34, hour.seed * 10, 4) - 0.52) * 5, 0, 1)
    band = np.clip(1 - np.abs(canvas.y - 210) / 150, 0, 1)
    canvas.shine(hour.sky[3], clouds * band * (0.18 if hour.stars else 0.5))
    x, y = hour.light_at
    canvas.shine(hour.light, canvas.glow(x, y, 330, 2.4) * 0.5)
    canvas.shine(hour.light, canvas.glow(x, y, 130, 2.0) * 0.45)
    canvas.fill(hour.light, canvas.ellipse(x, y, hour.light_size, hour.light_size, soft=1.5))


def _stars(canvas: Canvas, hour: Hour) -> None:
    chance = np.random.default_rng(hour.seed)
    stars = [(x * SIDE, y * 300) for x, y in chance.random((120, 2))]
    for size, first in ((1.0, 0), (1.6, 80), (2.3, 108)):
        dots = canvas.strokes([[star, star] for star in stars[first : first + 80]], size)
        canvas.shine("#ffffff", dots * np.clip(1 - canvas.y / 330, 0, 1) * 0.95)


def _hills(canvas: Canvas, hour: Hour) -> None:
    far, near = hour.hills
    for layer in range(4):
        share = layer / 3
        outline = ridge(
            SHORE - 92 + 84 * share**0.8,
            (46 - 22 * share, 17 - 6 * share, 5),
            (620 - 130 * layer, 233 - 31 * layer, 71),
            seed=hour.seed * 7 + layer,
        )
        colour = mix(mix(far, hour.sky[3], 0.45 * (1 - share)), near, share * 0.75)
        body = canvas.below(outline(canvas.x)) * (canvas.y < SHORE)
        canvas.fill(colour, body)
        x, y = hour.light_at
        canvas.shine(hour.light, body * canvas.glow(x, y, 300, 2) * 0.3 * (1 - share))
        mist = np.clip((canvas.y - SHORE + 60) / 60, 0, 1)
        canvas.fill(hour.sky[3], body * mist * 0.28)
    _firs(canvas, hour)


def _firs(canvas: Canvas, hour: Hour) -> None:
    """Small trees along the shore, thicker on one side."""
    chance = np.random.default_rng(hour.seed + 40)
    trees = np.zeros_like(canvas.x + canvas.y)
    for where, tall in chance.random((34, 2)):
        x = SIDE * where**2 * 0.5 if hour.seed % 2 else SIDE * (1 - where**2 * 0.5)
        height = 20 + 40 * tall
        top = SHORE - height
        for tier in range(3):
            y = top + height * (0.36 + 0.32 * tier)
            half = height * (0.1 + 0.075 * tier)
            tip = top + height * 0.24 * tier
            trees = np.maximum(trees, canvas.polygon([(x, tip), (x + half, y), (x - half, y)]))
    canvas.fill(mix(hour.hills[1], "#0a1028", 0.25), trees * (canvas.y < SHORE + 1))


def _lake(canvas: Canvas, hour: Hour) -> None:
    """Mirror the land above, ruffled, and lay the colour of the water over it."""
    depth = np.clip((canvas.y - SHORE) / (SIDE - SHORE), 0, 1)
    water = canvas.y >= SHORE
    _mirror(canvas, depth)
    canvas.fill(hour.water, water * (0.16 + 0.7 * depth**0.8))
    swell = canvas.noise(170, 12, hour.seed + 20, 3) * depth + canvas.noise(
        70, 4, hour.seed + 30, 2
    ) * (1 - depth)
    canvas.shine(hour.sky[3], water * np.clip((swell - 0.56) * 5, 0, 1) * 0.3 * (1 - 0.5 * depth))
    canvas.shade(hour.water, water * np.clip((0.44 - swell) * 5, 0, 1) * 0.4)
    half = 30 + 120 * depth
    path = np.exp(-(((canvas.x - hour.light_at[0]) / half) ** 2) * 1.6)
    glints = np.clip((swell - 0.52 + 0.08 * path) * 9, 0, 1)
    canvas.shine(hour.light, water * path * (0.12 + 0.75 * glints) * (0.9 - 0.55 * depth))
    canvas.shine(hour.sky[3], np.clip(1 - np.abs(canvas.y - SHORE - 1) / 2, 0, 1) * 0.4)


def _mirror(canvas: Canvas, depth: Field) -> None:
    rows, columns = canvas.colours.shape[:2]
    shore_row = int(rows * SHORE / SIDE)
    down = np.arange(rows - shore_row)
    source = np.clip(shore_row - 1 - (down * 0.92).astype(int), 0, rows - 1)
    ruffle = (canvas.noise(60, 9, 404, 2)[shore_row:] - 0.5) * (4 + 36 * depth[shore_row:])
    shift = (ruffle * columns / SIDE).astype(int)
    across = np.clip(np.arange(columns)[None, :] + shift, 0, columns - 1)
    canvas.colours[shore_row:] = canvas.colours[source[:, None], across]


def _boat(canvas: Canvas, hour: Hour, x: float, y: float, size: float) -> None:
    def at(points: Points) -> list[tuple[float, float]]:
        return [(x + px * size, y + py * size) for px, py in points]

    bright, soft, dark = hour.boat
    under = at([(-150, 8), (150, 8), (96, 78), (0, 96), (-96, 78)])
    ruffled = np.clip(1.15 - canvas.noise(90, 9, hour.seed + 60, 2), 0, 1)
    canvas.fill(
        mix(dark, hour.water, 0.45),
        canvas.polygon(under) * ruffled * 0.75 * np.clip(1 - (canvas.y - y) / (100 * size), 0, 1),
    )
    canvas.shade(hour.water, canvas.ellipse(x, y + 12 * size, 150 * size, 13 * size, 16) * 0.7)
    canvas.fill(soft, canvas.polygon(at([(0, -132), (66, -8), (0, 4)])))
    canvas.fill(bright, canvas.polygon(at([(0, -132), (-66, -8), (0, 4)])))
    canvas.fill(
        mix(dark, soft, 0.35),
        canvas.polygon(at([(-160, -52), (-66, -14), (66, -14), (160, -52), (92, 16), (-92, 16)])),
    )
    canvas.fill(bright, canvas.polygon(at([(-160, -52), (0, 2), (12, 16), (-92, 16)])))
    canvas.fill(soft, canvas.polygon(at([(160, -52), (0, 2), (-12, 16), (92, 16)])))
    canvas.shade(dark, canvas.polygon(at([(160, -52), (44, -12), (92, 16)])) * 0.45)
    canvas.shade(dark, canvas.polygon(at([(-92, 16), (0, 2), (92, 16)])) * 0.3)
    canvas.shade(dark, canvas.stroke(at([(0, -130), (0, 0)]), 1.4 * size) * 0.5)
    for reach, strength in ((176, 0.5), (214, 0.3), (256, 0.18)):
        lower = y + (18 + (reach - 160) * 0.2) * size
        ring = canvas.ellipse(x, lower, reach * size, reach * 0.1 * size)
        inner = canvas.ellipse(x, lower - 1.5, (reach - 5) * size, (reach * 0.1 - 1.6) * size)
        behind = np.clip((canvas.y - lower + 5 * size) / (12 * size), 0, 1)
        canvas.shine(hour.light, np.clip(ring - inner, 0, 1) * behind * strength)


def _reeds(canvas: Canvas, hour: Hour) -> None:
    """Stalks in the near corner, dark against the water."""
    chance = np.random.default_rng(hour.seed + 80)
    left = hour.seed % 2 == 0
    stalks: list[Points] = []
    heads: list[Points] = []
    for where, lean, tall in chance.random((26, 3)):
        x = where**1.3 * 190 if left else SIDE - where**1.3 * 190
        height = 90 + 190 * tall * (1 - 0.55 * where)
        tip = (x + (lean - 0.5) * 90, SIDE + 10 - height)
        bend = (x + (lean - 0.5) * 22, SIDE + 10 - height * 0.55)
        stalks.append([(x, SIDE + 10), bend, tip])
        if tall > 0.62:
            heads.append([(tip[0] - (lean - 0.5) * 8, tip[1] + 26), tip])
    colour = mix(hour.water, "#060a1c", 0.45)
    for stalk in stalks:
        canvas.fill(colour, canvas.curve(stalk, 3))
    if heads:
        canvas.fill(mix(colour, "#6b3a2e", 0.35), canvas.strokes(heads, 8.5))
