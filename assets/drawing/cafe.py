"""A morning at the office: a tired girl at her desk, who could do with a coffee."""

import numpy as np
from drawing import girl
from drawing.brush import Canvas, Field, Points, gradient, mix, smooth_loop
from PIL import Image

WIDTH, HEIGHT = 1200, 800
DESK_Y = 618.0
WINDOW = (70.0, 64.0, 1130.0, 404.0)
"""Left, top, right and bottom of the window front."""


def draw(scale: float = 1.0) -> Image.Image:
    """Draw the whole scene, from the far wall forward."""
    canvas = Canvas(WIDTH, HEIGHT, scale)
    _wall(canvas)
    _window(canvas)
    _far_desks(canvas)
    for x, length in ((214, 128), (986, 104)):
        _lamp(canvas, x, length)
    _big_plant(canvas, 1082, 606)
    girl.draw_seated(canvas)
    _desk(canvas)
    _laptop(canvas)
    girl.draw_arms(canvas)
    _things_on_desk(canvas)
    _daylight(canvas)
    return canvas.finish(grain=0.012, vignette=0.22)


def _box(x: float, y: float, width: float, height: float, round_: float = 0.0) -> Points:
    """Outline a box, its corners rounded."""
    if not round_:
        return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    corners: list[tuple[float, float]] = []
    for cx, cy, start in (
        (x + width - round_, y + round_, -90),
        (x + width - round_, y + height - round_, 0),
        (x + round_, y + height - round_, 90),
        (x + round_, y + round_, 180),
    ):
        turns = np.radians(np.linspace(start, start + 90, 7))
        corners += [(cx + round_ * np.cos(turn), cy + round_ * np.sin(turn)) for turn in turns]
    return corners


def _wall(canvas: Canvas) -> None:
    canvas.fill(
        gradient(canvas.y / 640 + 0 * canvas.x, [(0, "#f3ddc8"), (0.6, "#efcfb2"), (1, "#d9a98d")])
    )


def _window(canvas: Canvas) -> None:
    left, top, right, bottom = WINDOW
    canvas.fill(
        "#fff4e4",
        canvas.polygon(_box(left - 12, top - 12, right - left + 24, bottom - top + 24, 6)),
    )
    pane = canvas.polygon(_box(left, top, right - left, bottom - top))
    sky = gradient(
        np.clip((canvas.y - top) / (bottom - top), 0, 1) + 0 * canvas.x,
        [(0, "#8fc7d8"), (0.45, "#cfe3d6"), (0.75, "#ffe3b8"), (1, "#ffd09a")],
    )
    canvas.fill(sky, pane)
    canvas.shine("#fff2cf", pane * canvas.glow(330, 300, 300, 1.8) * 0.9)
    canvas.fill("#fffaf0", pane * canvas.ellipse(330, 300, 34, 34, soft=3))
    clouds = np.clip((canvas.noise(240, 34, seed=6, octaves=4) - 0.52) * 5, 0, 1)
    canvas.shine("#ffffff", pane * clouds * np.clip((270 - canvas.y) / 120, 0, 1) * 0.7)
    _skyline(canvas, pane)
    for x in (282, 494, 706, 918):
        canvas.fill("#fff4e4", canvas.polygon(_box(x - 5, top, 10, bottom - top)))
    canvas.fill("#fff4e4", canvas.polygon(_box(left, 150, right - left, 7)))
    glare = canvas.polygon([(540, top), (610, top), (500, bottom), (430, bottom)])
    canvas.shine(
        "#ffffff",
        (glare + canvas.polygon([(630, top), (652, top), (542, bottom), (520, bottom)])) * 0.16,
    )
    canvas.fill("#fff8ee", canvas.polygon(_box(left - 26, bottom + 8, right - left + 52, 15, 4)))
    canvas.shade(
        "#b98a78", canvas.polygon(_box(left - 20, bottom + 23, right - left + 40, 9)) * 0.5
    )


def _skyline(canvas: Canvas, pane: Field) -> None:
    chance = np.random.default_rng(29)
    for colour, lowest, tallest, widths, lit in (
        ("#c3cfc6", 318, 150, (34, 74), 0.0),
        ("#8fb0b8", 344, 128, (40, 84), 0.3),
        ("#5f8a9b", 372, 92, (48, 96), 0.5),
    ):
        x = WINDOW[0] - 30.0
        while x < WINDOW[2]:
            width = float(chance.uniform(*widths))
            top = lowest - tallest * float(chance.random()) ** 1.4
            canvas.fill(colour, canvas.polygon(_box(x, top, width - 5, 200)) * pane)
            if lit and width > 46:
                rows = [
                    [(wx, wy), (wx + 4, wy)]
                    for wy in np.arange(top + 14, 396, 15)
                    for wx in np.arange(x + 9, x + width - 16, 13)
                    if chance.random() < 0.6
                ]
                if rows:
                    canvas.shine("#ffe6b4", canvas.strokes(rows, 4) * pane * lit)
            x += width
    canvas.shine("#ffe0b0", pane * np.clip((canvas.y - 300) / 110, 0, 1) * 0.4)


def _far_desks(canvas: Canvas) -> None:
    """Show the rest of the office, paler than what is near."""
    canvas.fill("#c9977f", canvas.polygon(_box(0, 540, WIDTH, 110)))
    for x, tone in ((24, "#a9837c"), (232, "#a9837c"), (838, "#a9837c")):
        canvas.fill(mix(tone, "#e6c0a2", 0.15), canvas.polygon(_box(x + 58, 512, 18, 32)))
        canvas.fill(tone, canvas.polygon(_box(x, 428, 136, 88, 7)))
        canvas.shine("#cfe0d8", canvas.polygon(_box(x + 7, 435, 122, 74, 3)) * 0.35)
        canvas.fill(mix(tone, "#7c5a60", 0.3), canvas.polygon(_box(x + 36, 538, 62, 8, 3)))
    canvas.fill("#e2b391", canvas.polygon(_box(0, 544, WIDTH, 14)))
    for x, height, colour in (
        (398, 46, "#b46a5c"),
        (412, 54, "#6f9a95"),
        (428, 40, "#d9a866"),
        (990, 50, "#6f9a95"),
        (1006, 42, "#b46a5c"),
    ):
        canvas.fill(colour, canvas.polygon(_box(x, 544 - height, 12, height, 2)))
    canvas.fill("#dd8f70", canvas.polygon([(184, 506), (222, 506), (216, 544), (190, 544)]))
    for angle in (-60, -30, 0, 28, 58):
        turn = np.radians(angle - 90)
        tip = (203 + 54 * np.cos(turn), 506 + 54 * np.sin(turn))
        side = np.array([-np.sin(turn), np.cos(turn)]) * 9
        middle = np.array([203 + 28 * np.cos(turn), 506 + 28 * np.sin(turn)])
        leaf = [(203, 508), tuple(middle + side), tip, tuple(middle - side)]
        canvas.fill("#7fa387", canvas.blob(leaf))


def _lamp(canvas: Canvas, x: float, length: float) -> None:
    canvas.fill("#5b4a55", canvas.stroke([(x, -5), (x, length)], 3))
    y = length
    shade = [
        (x - 9, y - 4),
        (x + 9, y - 4),
        (x + 30, y + 16),
        (x + 58, y + 50),
        (x - 58, y + 50),
        (x - 30, y + 16),
    ]
    canvas.fill("#ffefc4", canvas.ellipse(x, y + 50, 54, 9))
    canvas.fill("#25606b", canvas.polygon(shade))
    canvas.shine(
        "#5fa9a3",
        canvas.polygon(
            [(x - 7, y - 2), (x - 2, y - 2), (x - 20, y + 48), (x - 52, y + 48), (x - 26, y + 16)]
        )
        * 0.4,
    )
    canvas.fill("#ffedb8", canvas.ellipse(x, y + 51, 50, 6))
    canvas.shine("#ffdc95", canvas.glow(x, y + 58, 150, 2.2) * 0.45)


def _big_plant(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(
        "#c8694f",
        canvas.polygon([(x - 52, y - 74), (x + 52, y - 74), (x + 40, y + 40), (x - 40, y + 40)]),
    )
    canvas.shade(
        "#7c3a44",
        canvas.polygon([(x + 8, y - 74), (x + 52, y - 74), (x + 40, y + 40), (x + 4, y + 40)])
        * 0.5,
    )
    canvas.fill("#d87d5f", canvas.polygon(_box(x - 58, y - 86, 116, 18, 5)))
    leaves = (
        (-78, 190, 30, "#2f6a5c"), (-46, 250, 36, "#3c8068"), (-18, 300, 40, "#2f6a5c"),
        (12, 290, 38, "#4a9474"), (38, 236, 36, "#3c8068"), (66, 180, 30, "#2f6a5c"),
        (-8, 200, 34, "#57a37f"), (-34, 160, 28, "#4a9474"), (28, 156, 28, "#3c8068"),
    )  # fmt: skip
    for lean, length, width, colour in leaves:
        _leaf(canvas, (x, y - 82), lean, length, width, colour)


def _leaf(
    canvas: Canvas, root: tuple[float, float], lean: float, length: float, width: float, colour: str
) -> None:
    """Grow a pointed leaf that leans from upright and sags a little."""
    steps = np.linspace(0, 1, 16)
    angle = np.radians(lean * (0.55 + 0.75 * steps))
    spine = np.stack([np.sin(angle), -np.cos(angle)], axis=1) * (steps * length)[:, None] + root
    ahead = np.gradient(spine, axis=0)
    normal = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1) / np.hypot(*ahead.T)[:, None]
    swell = (np.sin(np.pi * steps**0.8) ** 0.9 * width)[:, None]
    first, second = spine + normal * swell, spine - normal * swell
    outline = [*map(tuple, first), *map(tuple, second[::-1])]
    canvas.fill(colour, canvas.polygon(outline))
    half = [*map(tuple, first), *map(tuple, spine[::-1])]
    canvas.shade("#1d4a4a", canvas.polygon(half) * 0.35)
    canvas.shine("#a9d8b0", canvas.stroke(list(map(tuple, spine)), 2) * 0.4)


def _desk(canvas: Canvas) -> None:
    top = canvas.polygon([(-10, DESK_Y + 24), (1210, DESK_Y + 24), (1210, 810), (-10, 810)])
    depth = np.clip((canvas.y - DESK_Y - 24) / 160, 0, 1)
    canvas.fill(
        gradient(depth + 0 * canvas.x, [(0, "#c98a5e"), (0.5, "#b97750"), (1, "#8f5540")]), top
    )
    grain = canvas.noise(520, 9, seed=71, octaves=4)
    canvas.shade("#7a4434", top * np.clip((grain - 0.5) * 4, 0, 1) * 0.35)
    canvas.shine("#ffdcae", np.clip(1 - np.abs(canvas.y - DESK_Y - 26) / 3, 0, 1) * 0.7)
    canvas.shade("#5f2f38", canvas.ellipse(632, 690, 250, 26, soft=30) * 0.5)


def _laptop(canvas: Canvas) -> None:
    canvas.shade("#5f2f38", canvas.ellipse(330, 722, 210, 18, soft=22) * 0.7)
    canvas.fill("#9fa7b3", canvas.polygon([(152, 706), (500, 706), (512, 722), (140, 722)]))
    lid = _box(176, 498, 300, 210, 14)
    canvas.fill("#d5dae2", canvas.polygon([(x + (706 - y) * -0.03, y) for x, y in lid]))
    canvas.shine("#ffffff", canvas.polygon([(196, 500), (330, 500), (232, 704), (180, 704)]) * 0.35)
    canvas.shade("#8d96a8", canvas.polygon([(176, 690), (476, 690), (478, 708), (174, 708)]) * 0.5)
    canvas.fill(
        "#f4a86a",
        canvas.blob(smooth_loop([(322, 588), (338, 600), (330, 622), (310, 622), (302, 600)], 4)),
    )
    canvas.fill("#f7d36b", canvas.polygon(_box(404, 520, 46, 42, 3)))
    canvas.fill("#ef7f74", canvas.polygon(_box(196, 640, 50, 34, 4)))


def _things_on_desk(canvas: Canvas) -> None:
    canvas.shade("#5f2f38", canvas.ellipse(930, 708, 150, 18, soft=22) * 0.7)
    for number, (colour, shift) in enumerate(
        (("#e9eef0", 0), ("#f6e7cf", 12), ("#d9e4e4", -8), ("#fdf6ea", 6), ("#e9d9c4", -4))
    ):
        y = 692 - number * 13
        canvas.fill(colour, canvas.polygon(_box(842 + shift, y, 176, 12, 3)))
        canvas.shade("#a88a86", canvas.polygon(_box(842 + shift, y + 8, 176, 4, 2)) * 0.5)
    canvas.fill("#c65a50", canvas.polygon(_box(850, 618, 164, 22, 4)))
    canvas.fill("#fff3e0", canvas.polygon(_box(856, 624, 158, 10, 2)))
    canvas.fill("#f7d36b", canvas.polygon([(936, 614), (986, 608), (992, 620), (942, 626)]))
    _pencils(canvas, 92, 724)
    ball = [(742, 728), (758, 714), (784, 716), (796, 732), (786, 750), (758, 752)]
    canvas.shade("#5f2f38", canvas.ellipse(770, 752, 36, 8, soft=10) * 0.7)
    canvas.fill("#fbf4e8", canvas.polygon(ball))
    canvas.shade("#c7a79d", canvas.polygon([(770, 732), (796, 732), (786, 750), (758, 752)]) * 0.6)
    canvas.shade("#c7a79d", canvas.polygon([(758, 714), (770, 732), (742, 728)]) * 0.4)


def _pencils(canvas: Canvas, x: float, y: float) -> None:
    canvas.shade("#5f2f38", canvas.ellipse(x, y + 34, 52, 10, soft=14) * 0.7)
    for dx, lean, colour, height in (
        (-16, -10, "#e8a24f", 96),
        (-3, 3, "#4f8f8b", 112),
        (12, 14, "#c65a50", 90),
    ):
        foot, tip = (x + dx, y - 40), (x + dx + lean, y - 20 - height)
        canvas.fill(colour, canvas.stroke([foot, tip], 8))
        canvas.fill("#f6dcb8", canvas.stroke([tip, (tip[0] + lean * 0.08, tip[1] - 7)], 6))
    canvas.fill(
        "#f2e6d8",
        canvas.polygon([(x - 38, y - 52), (x + 38, y - 52), (x + 33, y + 36), (x - 33, y + 36)]),
    )
    canvas.shade(
        "#b08f86",
        canvas.polygon([(x + 8, y - 52), (x + 38, y - 52), (x + 33, y + 36), (x + 6, y + 36)])
        * 0.45,
    )
    canvas.fill(
        "#de7f63",
        canvas.polygon([(x - 36.5, y - 26), (x + 36.5, y - 26), (x + 35, y - 4), (x - 35, y - 4)])
        * 0.9,
    )


def _daylight(canvas: Canvas) -> None:
    """Morning light falls in from the left and warms what it meets."""
    across = canvas.x - canvas.y * 0.58
    for middle, half in ((150, 90), (430, 70)):
        canvas.shine("#ffe6b8", np.exp(-(((across - middle) / half) ** 2)) * 0.13)
    canvas.shine("#ffd9a0", canvas.glow(180, 180, 760, 1.6) * 0.2)
