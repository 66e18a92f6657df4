"""Hot-air balloons over rolling hills, in six weathers."""

from dataclasses import dataclass

import numpy as np
from drawing.brush import Canvas, Field, gradient, mix, ridge
from PIL import Image

WIDTH, HEIGHT = 640, 960


@dataclass(frozen=True)
class Weather:
    """The colours and the light of one picture."""

    sky: tuple[str, str, str, str]
    hills: tuple[str, str]
    light: str
    light_at: tuple[float, float]
    silk: tuple[str, str, str]
    others: tuple[str, str]
    stars: bool
    seed: int


WEATHERS = (
    Weather(
        ("#3f7fb5", "#8fc3d8", "#fbe3c4", "#ffc890"),
        ("#e6a98f", "#4a5f86"),
        "#fff1cc",
        (150, 560),
        ("#e4574f", "#fff1dc", "#f4b350"),
        ("#3f8f92", "#f4b350"),
        stars=False,
        seed=1,
    ),
    Weather(
        ("#2b2a63", "#7b4a91", "#f0798a", "#ffc58a"),
        ("#b5648f", "#38285f"),
        "#ffe9b8",
        (480, 600),
        ("#ffb457", "#fff0d8", "#d94f6b"),
        ("#7fd0c9", "#ff8f6b"),
        stars=False,
        seed=2,
    ),
    Weather(
        ("#0d1a40", "#20417a", "#4f7fae", "#a9c6cf"),
        ("#5379a3", "#12244b"),
        "#f6f4df",
        (500, 150),
        ("#7fb8e8", "#f2f6ff", "#e8a0b4"),
        ("#f2c879", "#9aa7e0"),
        stars=True,
        seed=3,
    ),
    Weather(
        ("#57b0a9", "#a9dcc6", "#f4f0cf", "#ffdf9f"),
        ("#8cc4a1", "#2c6b68"),
        "#fffbe0",
        (470, 240),
        ("#f08a5d", "#fff6e3", "#2f8f8b"),
        ("#e4574f", "#f6cf65"),
        stars=False,
        seed=4,
    ),
    Weather(
        ("#a9b9c9", "#cdd6da", "#eee6da", "#f6d9c0"),
        ("#c4b9be", "#6d7a94"),
        "#fff7ea",
        (180, 330),
        ("#b55a6a", "#f8efe6", "#7f92ad"),
        ("#c98f5f", "#8fa7a3"),
        stars=False,
        seed=5,
    ),
    Weather(
        ("#5a1f4f", "#b23f5f", "#f4804f", "#ffd06b"),
        ("#b5485a", "#3d173f"),
        "#fff3b0",
        (320, 640),
        ("#5b2a6b", "#ffe2a9", "#f25f5c"),
        ("#2f6f8f", "#ffd06b"),
        stars=False,
        seed=6,
    ),
)  # fmt: skip


def draw(number: int, scale: float = 1.0) -> Image.Image:
    """Draw the hills in one of the six weathers, numbered from 0."""
    weather = WEATHERS[number]
    canvas = Canvas(WIDTH, HEIGHT, scale)
    _sky(canvas, weather)
    shift = (-30, 16, -10, 20, -22, 8)[number]
    _balloon(
        canvas,
        96 + shift * 0.3,
        468 - shift,
        0.27,
        (weather.others[0], weather.silk[1], weather.silk[2]),
        weather,
    )
    _balloon(
        canvas,
        542 + shift * 0.3,
        214 + 2 * shift,
        0.4,
        (weather.others[1], weather.silk[1], weather.others[0]),
        weather,
    )
    _hills(canvas, weather)
    _balloon(canvas, 316 + shift, 350, 1.0, weather.silk, weather)
    _birds(canvas, weather)
    return canvas.finish(grain=0.013, vignette=0.26, seed=weather.seed)


def _sky(canvas: Canvas, weather: Weather) -> None:
    stops = list(zip((0.0, 0.38, 0.78, 1.0), weather.sky, strict=True))
    canvas.fill(gradient(canvas.y / 700 + 0 * canvas.x, stops))
    if weather.stars:
        chance = np.random.default_rng(weather.seed)
        stars = [(x * WIDTH, y * 520) for x, y in chance.random((130, 2))]
        for size, first in ((1.0, 0), (1.6, 90), (2.3, 116)):
            dots = canvas.strokes([[star, star] for star in stars[first : first + 90]], size)
            canvas.shine("#ffffff", dots * np.clip(1 - canvas.y / 560, 0, 1) * 0.95)
    x, y = weather.light_at
    canvas.shine(weather.light, canvas.glow(x, y, 420, 2.2) * 0.6)
    canvas.fill(weather.light, canvas.ellipse(x, y, 40, 40, soft=2) * 0.95)
    _clouds(canvas, weather)


def _clouds(canvas: Canvas, weather: Weather) -> None:
    """Heaped clouds with flat feet, lit from above."""
    chance = np.random.default_rng(weather.seed + 20)
    for cx, cy, size in chance.random((7, 3)):
        x, y = cx * WIDTH, 110 + cy * 470
        wide = 50 + 80 * size
        puffs = np.zeros_like(canvas.x + canvas.y)
        for at, tall in chance.random((7, 2)):
            radius = wide * (0.16 + 0.24 * tall) * (1 - abs(at - 0.5))
            puffs = np.maximum(
                puffs,
                canvas.ellipse(x + (at - 0.5) * wide * 2, y - radius * 0.6, radius * 1.3, radius),
            )
        puffs = np.maximum(puffs, canvas.ellipse(x, y, wide * 1.1, wide * 0.12))
        puffs = puffs * np.clip((y + 5 - canvas.y) / 10, 0, 1)
        fade = np.clip((y + 8 - canvas.y) / (wide * 0.62), 0, 1)
        strength = 0.22 if weather.stars else 0.6
        canvas.fill(mix("#ffffff", weather.sky[3], 0.35), puffs * (0.25 + 0.75 * fade) * strength)


def _hills(canvas: Canvas, weather: Weather) -> None:
    far, near = weather.hills
    for layer in range(6):
        share = layer / 5
        outline = ridge(
            632 + 56 * layer,
            (40 - 4 * layer, 16 - layer, 3),
            (610 + 70 * layer, 263 - 19 * layer, 97),
            seed=weather.seed * 11 + layer,
        )
        colour = mix(mix(far, weather.sky[3], 0.5 * (1 - share)), near, share**1.2)
        top = outline(canvas.x)
        if layer in (1, 2, 4):
            _trees(canvas, weather, layer, outline(np.arange(WIDTH, dtype=np.float32)), colour)
        body = canvas.below(top)
        canvas.fill(colour, body)
        rim = body * np.clip(1 - (canvas.y - top) / 30, 0, 1)
        toward = canvas.glow(weather.light_at[0], weather.light_at[1] + 120, 560, 1.2)
        canvas.shine(weather.light, rim * toward * 0.4)
        mist = body * np.clip((canvas.y - top) / 90, 0, 1)
        canvas.fill(mix(weather.sky[3], colour, 0.35), mist * 0.34 * (1 - share))
        if layer in (3, 5):
            _field(canvas, weather, layer, colour, body * (canvas.y > top + 6))


def _field(canvas: Canvas, weather: Weather, layer: int, colour: str, body: Field) -> None:
    """Ploughed strips that run together over the brow of the hill."""
    x, y = WIDTH * (0.3 if (layer + weather.seed) % 2 else 0.7), 480 + 40 * layer
    fan = np.arctan2(canvas.x - x, canvas.y - y)
    furrows = np.clip(np.sin(fan * 64) * 1.6, 0, 1)
    reach = np.clip(1 - np.abs(fan) / 0.8, 0, 1)
    canvas.shade(mix(colour, "#141034", 0.5), body * furrows * reach * 0.2)


def _trees(canvas: Canvas, weather: Weather, layer: int, top: Field, colour: str) -> None:
    """Cypresses in small company along the ridge; the hill they stand on hides their feet."""
    chance = np.random.default_rng(weather.seed * 5 + layer)
    crowns = np.zeros_like(canvas.x + canvas.y)
    for home in chance.random(3):
        for near, tall in chance.random((5, 2)):
            x = home * WIDTH + (near - 0.5) * (30 + 20 * layer)
            height = (10 + 15 * tall) * (0.8 + 0.22 * layer)
            y = float(top[int(np.clip(x, 0, WIDTH - 1))]) + 4
            half = height * 0.14
            crown = [
                (x, y - height),
                (x + half * 0.8, y - height * 0.5),
                (x + half, y - height * 0.15),
                (x, y),
                (x - half, y - height * 0.15),
                (x - half * 0.8, y - height * 0.5),
            ]
            crowns = np.maximum(crowns, canvas.blob(crown))
    canvas.fill(mix(colour, "#0c1430", 0.42), crowns)


def _balloon(
    canvas: Canvas, x: float, y: float, size: float, silk: tuple[str, str, str], weather: Weather
) -> None:
    """Draw an envelope of gores in two colours with a band, and the basket below."""
    radius, mouth = 152 * size, 214 * size
    across, down = (canvas.x - x) / radius, (canvas.y - y) / radius
    lower = np.clip(down / (mouth / radius), 0, 1)
    half = np.where(down < 0, np.sqrt(np.clip(1 - down**2, 0, 1)), 1 - 0.80 * lower**1.75)
    half = np.where((down < -1) | (down > mouth / radius), 0, half)
    inside = np.clip((half - np.abs(across)) * radius / 0.8 + 0.5, 0, 1) * (half > 0)
    place = across / np.maximum(half, 1e-3)
    turn = np.arcsin(np.clip(place, -1, 1)) / np.pi * 12 + 0.5
    gore = np.floor(turn).astype(int)
    main, pale, band = silk
    canvas.fill(main, inside)
    canvas.fill(pale, inside * (gore % 2 == 0))
    belt = inside * (np.abs(down - 0.18 + 0.07 * place**2) < 0.17)
    canvas.fill(band, belt)
    canvas.fill(pale, belt * (np.abs(np.abs(down - 0.18 + 0.07 * place**2) - 0.15) < 0.022))
    canvas.fill(band, inside * (down < -0.86))
    seam = np.abs(turn - np.round(turn)) * np.sqrt(np.clip(1 - place**2, 0.02, 1))
    canvas.shade("#5a3050", inside * np.clip(1 - seam * 14, 0, 1) * 0.3)
    side = 1.0 if weather.light_at[0] > x else -1.0
    canvas.shade(
        mix(weather.hills[1], "#301040", 0.3),
        inside * np.clip(-place * side * 0.7 + 0.12 + 0.25 * np.clip(down, 0, 1), 0, 0.75),
    )
    canvas.shine(weather.light, inside * np.clip(place * side - 0.35, 0, 1) * 0.4)
    _basket(canvas, x, y, size, weather)


def _basket(canvas: Canvas, x: float, y: float, size: float, weather: Weather) -> None:
    mouth, top, bottom = y + 213 * size, y + 262 * size, y + 300 * size
    ropes = [
        [(x + side * 28 * size, mouth), (x + side * 19 * size, top)]
        for side in (-1, -0.35, 0.35, 1)
    ]
    canvas.fill("#3a2a3a", canvas.strokes(ropes, max(0.9, 1.6 * size)))
    glow = 1.0 if weather.stars else 0.7
    canvas.shine("#ffb85a", canvas.glow(x, mouth - 6 * size, 120 * size, 2) * 0.7 * glow)
    flame = [
        (x - 7 * size, mouth + 26 * size),
        (x, mouth - 8 * size),
        (x + 7 * size, mouth + 26 * size),
        (x, mouth + 32 * size),
    ]
    canvas.fill("#fff0b8", canvas.blob(flame))
    body = [
        (x - 23 * size, top),
        (x + 23 * size, top),
        (x + 19 * size, bottom),
        (x - 19 * size, bottom),
    ]
    canvas.fill("#9a6240", canvas.polygon(body))
    weave = np.sin(canvas.x / size * 0.9) * np.sin(canvas.y / size * 0.9)
    canvas.shade("#4a2a30", canvas.polygon(body) * np.clip(weave, 0, 1) * 0.5)
    canvas.fill("#6b3f34", canvas.stroke([(x - 23 * size, top), (x + 23 * size, top)], 6 * size))
    if size > 0.6:
        for dx, colour in ((-8, "#c94f55"), (7, "#2f6f7f")):
            canvas.fill(
                colour,
                canvas.blob(
                    [
                        (x + dx - 5, top),
                        (x + dx - 4, top - 12),
                        (x + dx + 4, top - 12),
                        (x + dx + 5, top),
                    ]
                ),
            )
            canvas.fill("#f0c2a0", canvas.ellipse(x + dx, top - 17, 4.6, 5.2))


def _birds(canvas: Canvas, weather: Weather) -> None:
    chance = np.random.default_rng(weather.seed + 3)
    left, top = 62.0, 92.0
    for number, (drift, size) in enumerate(chance.random((5, 2))):
        x, y = left + 30 * number + 14 * drift, top + 17 * abs(number - 1.5) + 16 * drift
        wing = 7 + 6 * size
        for side in (-1, 1):
            line = [
                (x, y),
                (x + side * wing * 0.5, y - wing * 0.5),
                (x + side * wing, y - wing * 0.2),
            ]
            canvas.fill(mix(weather.hills[1], "#101030", 0.3), canvas.curve(line, 1.7))
