"""An evening coast: a lighthouse on its headland, and the sun going into the sea."""

import numpy as np
from drawing.brush import Canvas, Field, Points, gradient, ridge, smooth_line
from PIL import Image

WIDTH, HEIGHT = 1200, 800
HORIZON = 470.0
SUN_X = 372.0
LAMP = (884.0, 196.0)


def draw(scale: float = 1.0) -> Image.Image:
    """Draw the whole scene, from the sky forward."""
    canvas = Canvas(WIDTH, HEIGHT, scale)
    _sky(canvas)
    _clouds(canvas)
    _sun(canvas)
    _far_coast(canvas)
    _sea(canvas)
    _boat(canvas, 560, 506, 0.8)
    _headland(canvas)
    _beams(canvas)
    _tower(canvas)
    _cottage(canvas)
    _foreground(canvas)
    _birds(canvas)
    return canvas.finish(grain=0.014, vignette=0.3)


def _sky(canvas: Canvas) -> None:
    # The glow hangs lower away from the sun, so the bands of colour bend round it.
    bend = ((canvas.x - SUN_X) / WIDTH) ** 2 * 130
    height = (canvas.y + bend) / HORIZON
    canvas.fill(
        gradient(
            height,
            [
                (0.0, "#1a2350"),
                (0.28, "#3d3778"),
                (0.52, "#8a4f8f"),
                (0.72, "#e0758a"),
                (0.88, "#ffa584"),
                (1.0, "#ffd3a0"),
            ],
        )
    )
    chance = np.random.default_rng(3)
    stars = [(x * WIDTH, y * 230) for x, y in chance.random((90, 2))]
    for size, first in ((1.0, 0), (1.5, 55), (2.2, 80)):
        dots = canvas.strokes([[star, star] for star in stars[first : first + 60]], size)
        canvas.shine("#fff4e0", dots * np.clip(1 - canvas.y / 240, 0, 1))


def _clouds(canvas: Canvas) -> None:
    streaks = canvas.noise(420, 34, seed=11, octaves=4)
    band = np.clip(1 - np.abs(canvas.y - 285) / 190, 0, 1)
    body = np.clip((streaks - 0.5) * 5.5, 0, 1) * band
    underside = np.clip((canvas.noise(420, 34, seed=11, octaves=2) - 0.47) * 4, 0, 1) * band
    canvas.fill("#5d447f", body * 0.5)
    canvas.shine("#ff9a7a", underside * canvas.glow(SUN_X, HORIZON, 760, 1.1) * 0.75)


def _sun(canvas: Canvas) -> None:
    canvas.shine("#ff9f6e", canvas.glow(SUN_X, HORIZON - 10, 480, 2.4) * 0.6)
    canvas.shine("#ffd0a0", canvas.glow(SUN_X, HORIZON - 22, 150, 2.0) * 0.8)
    canvas.fill("#fff3cf", canvas.ellipse(SUN_X, HORIZON - 22, 46, 46, soft=2.5))


def _far_coast(canvas: Canvas) -> None:
    layers = [
        ("#d98a96", 446, (12, 5, 2), (610, 190, 71), 4, 470),
        ("#a9668f", 440, (12, 9, 3), (430, 170, 61), 12, 610),
        ("#72508a", 428, (18, 10, 4), (520, 180, 64), 9, 730),
    ]
    for colour, base, heights, lengths, seed, start in layers:
        outline = ridge(base, heights, lengths, seed)
        # Each coast sinks into the sea where it begins, on the side of the sun.
        sink = 60 * np.exp(-np.clip(canvas.x - start, -400, None) / 130)
        canvas.fill(colour, canvas.below(outline(canvas.x) + sink) * (canvas.y < HORIZON))


def _sea(canvas: Canvas) -> None:
    depth = np.clip((canvas.y - HORIZON) / (HEIGHT - HORIZON), 0, 1)
    water = canvas.y >= HORIZON
    colours = gradient(
        depth + 0 * canvas.x,
        [(0, "#f3a98c"), (0.1, "#c9728c"), (0.34, "#7a4a86"), (0.7, "#39356f"), (1, "#1d2450")],
    )
    canvas.fill(colours, water * 1.0)
    swell = _ripples(canvas, depth, seed=31)
    canvas.shade("#2b2a63", np.clip(0.46 - swell, 0, 1) * 2.6 * water * (0.25 + 0.75 * depth))
    canvas.shine("#e58aa0", np.clip(swell - 0.56, 0, 1) * 1.9 * water * (1 - 0.6 * depth))
    _glitter(canvas, depth, water)


def _ripples(canvas: Canvas, depth: Field, seed: int) -> Field:
    """Waves that shrink towards the horizon: three bands of noise, each at home at one depth."""
    near = canvas.noise(150, 15, seed, 3)
    middle = canvas.noise(84, 7, seed + 10, 3)
    far = canvas.noise(46, 3.4, seed + 20, 2)
    first = np.clip(depth * 5, 0, 1)
    second = np.clip(depth * 2.4 - 0.5, 0, 1)
    return np.asarray((far * (1 - first) + middle * first) * (1 - second) + near * second)


def _glitter(canvas: Canvas, depth: Field, water: Field) -> None:
    """Strew the sun's path with sparks that grow and drift apart as they come near."""
    half_width = 34 + 190 * depth**0.9
    path = np.exp(-(((canvas.x - SUN_X) / half_width) ** 2) * 1.6)
    swell = _ripples(canvas, depth, seed=77)
    sparks = np.clip((swell - 0.5 + 0.13 * path) * 9, 0, 1) * path
    canvas.shine("#ff9f6b", path * water * 0.42 * (1 - 0.55 * depth))
    canvas.shine("#ffd08c", sparks * water * (0.95 - 0.45 * depth))


def _boat(canvas: Canvas, x: float, y: float, size: float) -> None:
    def at(*points: tuple[float, float]) -> Points:
        return [(x + px * size, y + py * size) for px, py in points]

    canvas.fill("#3a2b5e", canvas.polygon(at((-30, -4), (34, -5), (24, 8), (-20, 8))))
    canvas.fill("#fff0dc", canvas.polygon(at((2, -8), (2, -72), (31, -10))))
    canvas.fill("#f7b8a0", canvas.polygon(at((-2, -10), (-2, -62), (-24, -11))))
    canvas.shade(
        "#4a3670", canvas.ellipse(x + 2 * size, y + 15 * size, 32 * size, 5 * size, 6) * 0.7
    )


_CLIFF_TOP = [
    (590, 655), (622, 640), (652, 618), (684, 604), (708, 572), (738, 552), (758, 516), (790, 490),
    (806, 452), (832, 428), (862, 421), (930, 424), (980, 433), (1030, 436), (1078, 446),
    (1130, 450), (1200, 462),
]  # fmt: skip


def _headland(canvas: Canvas) -> None:
    top = _CLIFF_TOP
    foot = [(x, 652 + 9 * np.sin(x / 47) + (x - 590) * 0.035) for x, _ in top]
    rock = canvas.polygon([*top, *reversed(foot)])
    canvas.shade("#3a2d66", canvas.ellipse(930, 668, 350, 26, soft=30) * 0.7)
    canvas.fill("#2b2556", rock)
    _facets(canvas, top, foot)
    mist = np.clip((canvas.y - 560) / 110, 0, 1)
    canvas.fill("#5a4585", rock * mist * 0.35)
    turf = [*top[7:], *[(x, y + 12 + 5 * np.sin(x / 13)) for x, y in reversed(top[7:])]]
    canvas.fill("#5b4f78", canvas.polygon(turf))
    canvas.shine("#ffb27a", canvas.stroke(top[1:13], 2.4) * 0.6)
    _surf(canvas, foot)


def _facets(canvas: Canvas, top: Points, foot: Points) -> None:
    """Break the cliff into planes; those that look to the sun are the warmer ones."""
    chance = np.random.default_rng(14)
    middle = [
        (t[0] + 26 * (chance.random() - 0.3), t[1] + (f[1] - t[1]) * (0.35 + 0.3 * chance.random()))
        for t, f in zip(top, foot, strict=True)
    ]
    for upper, lower, strength in ((top, middle, 1.0), (middle, foot, 0.5)):
        for left in range(len(top) - 1):
            corners = (upper[left], upper[left + 1], lower[left + 1], lower[left])
            steep = (upper[left][1] - upper[left + 1][1]) / (upper[left + 1][0] - upper[left][0])
            light = np.clip(0.12 + 0.42 * steep + 0.3 * (chance.random() - 0.4), 0, 0.62)
            for shape, share in ((corners[:3], 1.0), ((corners[0], *corners[2:]), 0.55)):
                canvas.fill("#d3657f", canvas.polygon(shape) * float(light) * share * strength)


def _surf(canvas: Canvas, foot: Points) -> None:
    foam = np.clip((canvas.noise(26, 5, seed=90, octaves=3) - 0.42) * 6, 0, 1)
    for lower, width, strength in ((0, 5, 0.95), (9, 3, 0.55), (18, 2, 0.35)):
        line = [(x - lower * 1.5, y + lower) for x, y in foot]
        canvas.shine("#ffdcd2", canvas.curve(line, width) * foam * strength)


def _beams(canvas: Canvas) -> None:
    x, y = LAMP
    across, down = canvas.x - x, canvas.y - y
    distance = np.hypot(across, down)
    for angle, length, strength in ((np.pi + 0.13, 900, 0.5), (0.1, 460, 0.35)):
        off = np.arctan2(
            np.sin(np.arctan2(down, across) - angle), np.cos(np.arctan2(down, across) - angle)
        )
        cone = np.exp(-((off / 0.052) ** 2)) * np.clip(1 - distance / length, 0, 1) ** 1.3
        canvas.shine("#ffe9b8", cone * strength)
    canvas.shine("#ffcf8a", canvas.glow(x, y, 150, 2.2) * 0.85)


def _tower(canvas: Canvas) -> None:
    x, top, bottom = LAMP[0], 222.0, 424.0

    def half_width(y: float) -> float:
        return 21 + 13 * (y - top) / (bottom - top)

    body = canvas.polygon(
        [
            (x - half_width(top), top),
            (x + half_width(top), top),
            (x + half_width(bottom), bottom),
            (x - half_width(bottom), bottom),
        ]
    )
    canvas.fill("#fbe9da", body)
    for start, end in ((258, 298), (338, 380)):
        band = (canvas.y > start) & (canvas.y < end)
        canvas.fill("#cf4a55", body * band)
    across = (canvas.x - x) / (21 + 13 * (canvas.y - top) / (bottom - top))
    canvas.shade("#5c4487", body * np.clip(across * 0.75 + 0.32, 0, 1))
    canvas.shine("#ffb27a", body * np.clip(-across - 0.45, 0, 1) * 0.7)
    for wx, wy in ((-3, 316), (3, 246), (-1, 396)):
        canvas.fill("#3a2b5e", canvas.ellipse(x + wx, wy, 4.6, 7.5))
    _lantern(canvas, x, top)


def _lantern(canvas: Canvas, x: float, top: float) -> None:
    canvas.fill(
        "#3b2d63",
        canvas.polygon(
            [(x - 31, top - 5), (x + 31, top - 5), (x + 25, top + 7), (x - 25, top + 7)]
        ),
    )
    canvas.fill(
        "#ffdf9b",
        canvas.polygon(
            [(x - 15, top - 42), (x + 15, top - 42), (x + 15, top - 5), (x - 15, top - 5)]
        ),
    )
    canvas.fill("#fffbe9", canvas.ellipse(*LAMP, 10, 13, soft=6))
    for offset in (-15, -5, 5, 15):
        canvas.fill("#3b2d63", canvas.stroke([(x + offset, top - 42), (x + offset, top - 5)], 2))
    for offset in range(-30, 31, 10):
        canvas.fill("#3b2d63", canvas.stroke([(x + offset, top - 17), (x + offset, top - 4)], 1.5))
    canvas.fill("#3b2d63", canvas.stroke([(x - 30, top - 17), (x + 30, top - 17)], 2))
    canvas.fill(
        "#a93a4c",
        canvas.blob(
            [
                (x - 20, top - 41),
                (x - 14, top - 56),
                (x, top - 65),
                (x + 14, top - 56),
                (x + 20, top - 41),
            ]
        ),
    )
    canvas.fill("#3b2d63", canvas.stroke([(x, top - 64), (x, top - 78)], 2.2))
    canvas.shine("#ffe2a6", canvas.glow(*LAMP, 64, 1.6) * 0.85)


def _cottage(canvas: Canvas) -> None:
    canvas.fill("#e8cfc9", canvas.polygon([(944, 388), (1022, 388), (1022, 436), (944, 436)]))
    canvas.shade(
        "#6b5192", canvas.polygon([(988, 388), (1022, 388), (1022, 436), (988, 436)]) * 0.8
    )
    canvas.fill("#7c3350", canvas.polygon([(936, 390), (952, 358), (1012, 358), (1030, 390)]))
    canvas.shine("#e58a72", canvas.polygon([(936, 390), (952, 358), (970, 358), (958, 390)]) * 0.4)
    canvas.fill("#5a3656", canvas.polygon([(996, 344), (1007, 344), (1007, 366), (996, 366)]))
    for wx in (956, 1000):
        canvas.fill(
            "#ffdf9b", canvas.polygon([(wx, 402), (wx + 12, 402), (wx + 12, 417), (wx, 417)])
        )
        canvas.shine("#ffc272", canvas.glow(wx + 6, 410, 34, 1.8) * 0.6)
    canvas.fill("#4c2f58", canvas.polygon([(976, 406), (987, 406), (987, 436), (976, 436)]))


def _foreground(canvas: Canvas) -> None:
    outline = ridge(764, (16, 9, 4), (900, 260, 74), seed=2)
    slope = np.clip(canvas.x - 120, 0, None) * 0.12
    bank = canvas.below(outline(canvas.x) + slope - 40)
    canvas.fill("#171a3e", bank)
    chance = np.random.default_rng(8)
    blades = []
    for at, lean, height in chance.random((190, 3)):
        x = at**1.4 * 640
        ground = float(outline(np.array(x))) + max(0.0, x - 120) * 0.12 - 36
        reach, rise = (lean - 0.25) * 34, 12 + height**2 * 46
        bend = (x + reach * 0.25, ground - rise * 0.65)
        blades.append(smooth_line([(x, ground), bend, (x + reach, ground - rise)], 5))
    canvas.fill("#171a3e", canvas.strokes(blades, 1.7))


def _birds(canvas: Canvas) -> None:
    for x, y, size in ((612, 252, 15), (652, 232, 11), (580, 226, 9), (690, 258, 8)):
        left = [(x, y), (x - size * 0.45, y - size * 0.5), (x - size, y - size * 0.2)]
        right = [(x, y), (x + size * 0.5, y - size * 0.55), (x + size, y - size * 0.35)]
        canvas.fill("#33285a", canvas.curve(left, 2.2))
        canvas.fill("#33285a", canvas.curve(right, 2.2))
