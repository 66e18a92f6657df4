"""An endless desert, a glowing archway, and a traveller: far from it, and at its threshold."""

import numpy as np
from drawing import traveller
from drawing.brush import Canvas, Field, Points, gradient, smooth_line
from PIL import Image

WIDTH, HEIGHT = 1280, 720
HORIZON = 372.0
ARCH = (842.0, 424.0)
"""The middle of the threshold, on the ground."""

ARCH_HALF_WIDTH = 62.0
ARCH_SPRING = 150.0
"""How far above the ground the round of the arch begins."""

_WAY = [
    (-30, 694),
    (120, 658),
    (290, 624),
    (412, 604),
    (560, 560),
    (700, 500),
    (800, 456),
    (836, 442),
]
"""Where the traveller walks: to the near crest first, then on to the threshold."""

GLOW = (ARCH[0], ARCH[1] - 105)


def draw_setting_out(scale: float = 1.0) -> Image.Image:
    """Draw the traveller on the way, the archway still far off."""
    canvas = Canvas(WIDTH, HEIGHT, scale)
    _desert(canvas, light=1.0)
    traveller.leave_footprints(canvas, _WAY[:4])
    traveller.draw(canvas, 424, 600, 1.5, light_at=ARCH)
    _dust(canvas, 0.5)
    return canvas.finish(grain=0.014, vignette=0.34)


def draw_arriving(scale: float = 1.0) -> Image.Image:
    """Draw the same desert when the traveller has reached the arch, in a burst of light."""
    canvas = Canvas(WIDTH, HEIGHT, scale)
    _desert(canvas, light=1.65)
    traveller.leave_footprints(canvas, _WAY)
    _burst(canvas)
    traveller.draw(canvas, ARCH[0] - 4, ARCH[1] + 14, 0.66, light_at=ARCH)
    canvas.shine("#fff6d8", canvas.glow(GLOW[0], ARCH[1] - 60, 130, 2.2) * 0.55)
    _sparks(canvas)
    return canvas.finish(grain=0.014, vignette=0.3)


def _desert(canvas: Canvas, light: float) -> None:
    _sky(canvas)
    _mesas(canvas)
    _far_dunes(canvas, light)
    _arch(canvas, light)
    _near_dunes(canvas, light)


def _sky(canvas: Canvas) -> None:
    bend = ((canvas.x - ARCH[0]) / WIDTH) ** 2 * 110
    canvas.fill(
        gradient(
            (canvas.y + bend) / HORIZON,
            [
                (0.0, "#10294d"),
                (0.3, "#1f5676"),
                (0.55, "#4f8b93"),
                (0.76, "#d7a784"),
                (0.9, "#f4a45f"),
                (1.0, "#f7bb72"),
            ],
        )
    )
    chance = np.random.default_rng(5)
    stars = [(x * WIDTH, y * 240) for x, y in chance.random((110, 2))]
    for size, first in ((1.0, 0), (1.6, 75), (2.3, 100)):
        dots = canvas.strokes([[star, star] for star in stars[first : first + 75]], size)
        canvas.shine("#f3f7ff", dots * np.clip(1 - canvas.y / 250, 0, 1))
    _moon(canvas)
    veil = np.clip((canvas.noise(520, 30, seed=41, octaves=4) - 0.5) * 5, 0, 1)
    band = np.clip(1 - np.abs(canvas.y - 232) / 130, 0, 1)
    canvas.shine("#e9b58d", veil * band * 0.4)


def _moon(canvas: Canvas) -> None:
    x, y, radius = 252, 150, 66
    canvas.shine("#a9d4d8", canvas.glow(x, y, 210, 2.6) * 0.35)
    disc = canvas.ellipse(x, y, radius, radius)
    canvas.fill("#d9e3d8", disc * 0.92)
    seas = np.clip((canvas.noise(44, 40, seed=66, octaves=3) - 0.48) * 4, 0, 1)
    canvas.fill("#a9c3c2", disc * seas * 0.5)
    dark = np.clip(1 - canvas.ellipse(x + 22, y + 14, radius * 1.02, radius * 1.02, soft=46), 0, 1)
    canvas.fill("#2d6480", disc * dark * 0.85)


def _mesas(canvas: Canvas) -> None:
    for colour, base, outline in (
        (
            "#d39a80",
            380,
            (
                (500, -40),
                (610, 14),
                (660, 18),
                (690, 44),
                (742, 46),
                (770, 12),
                (900, 4),
                (960, 22),
                (1000, 26),
                (1030, 8),
                (1150, -40),
            ),
        ),
        (
            "#c08276",
            382,
            ((-40, 30), (60, 44), (92, 72), (186, 74), (208, 40), (318, 22), (440, 6), (520, -40)),
        ),
        ("#c08276", 382, ((1000, -40), (1070, 14), (1094, 66), (1180, 68), (1202, 36), (1320, 30))),
    ):
        top = [(x, base - height) for x, height in outline]
        body = canvas.polygon([*top, (top[-1][0], base + 60), (top[0][0], base + 60)])
        canvas.fill(colour, body)
        strata = np.clip(
            (canvas.noise(400, 7, seed=int(top[0][0]) + 900, octaves=2) - 0.5) * 6, 0, 1
        )
        canvas.shade("#8a5468", body * strata * 0.35)
    canvas.shine("#ffb877", np.clip(1 - np.abs(canvas.y - HORIZON) / 52, 0, 1) ** 2 * 0.45)


def _dune(
    canvas: Canvas, crest: Points, colours: tuple[str, str, str], *, foot: float, light: float
) -> None:
    """Heap up a dune, lit by the arch along its crest and darker towards its foot."""
    lit, middle, dark = colours
    line = smooth_line(crest, 24)
    top = np.interp(canvas.x[0], *np.array(line).T)[None, :].astype(np.float32)
    body = canvas.below(top)
    depth = np.clip((canvas.y - top) / foot, 0, 1)
    canvas.fill(gradient(depth, [(0, lit), (0.35, middle), (1, dark)]), body)
    canvas.shade("#6d2f3d", body * _ripples(canvas, seed=int(foot)) * 0.16)
    from_arch = canvas.glow(ARCH[0], ARCH[1], 620, 1.6)
    canvas.shine("#ffcf86", body * from_arch * 0.3 * light * (1 - 0.6 * depth))
    rim = body * np.clip(1 - (canvas.y - top) / 3.2, 0, 1)
    canvas.shine("#ffe0a6", rim * (0.25 + 0.75 * from_arch) * 0.65)


def _ripples(canvas: Canvas, seed: int) -> Field:
    """Leave what the wind does in patches: curving lines, closer together in the distance."""
    near = np.clip((canvas.y - 380) / 340, 0.02, 1)
    bent = canvas.noise(330, 120, seed, 2) * 9 + canvas.x / 260
    waves = np.clip(np.sin(30 * np.log(near * 9 + 1) + bent), 0, 1)
    patches = np.clip((canvas.noise(250, 70, seed + 5, 2) - 0.45) * 4, 0, 1)
    return np.asarray(waves * patches, np.float32)


def _far_dunes(canvas: Canvas, light: float) -> None:
    _dune(
        canvas,
        [(-20, 398), (150, 384), (330, 402), (520, 390), (700, 404), (900, 398), (1110, 384),
         (1300, 400)],
        ("#eaa05f", "#d98454", "#b8624e"), foot=120, light=light,
    )  # fmt: skip
    _dune(
        canvas,
        [(-20, 436), (120, 452), (300, 422), (480, 440), (660, 432), (840, 424), (1020, 430),
         (1160, 416), (1300, 438)],
        ("#e08a50", "#c96d4a", "#94484a"), foot=160, light=light,
    )  # fmt: skip


def _near_dunes(canvas: Canvas, light: float) -> None:
    _path_of_light(canvas, light)
    right = [(640, 730), (760, 640), (900, 566), (1040, 520), (1180, 500), (1300, 508)]
    _slope(canvas, right, shadow_to=(1300, 730), light=light)
    _dune(
        canvas,
        [(-20, 556), (90, 542), (220, 566), (330, 604), (470, 628), (640, 664), (820, 716),
         (1000, 760), (1300, 800)],
        ("#d97a48", "#b1534a", "#572a45"), foot=190, light=light,
    )  # fmt: skip


def _slope(canvas: Canvas, crest: Points, shadow_to: tuple[float, float], light: float) -> None:
    """Turn the dark side of the dune on the right to us."""
    line = smooth_line(crest, 20)
    body = canvas.polygon([*line, shadow_to, (crest[0][0], 730)])
    down = np.clip((canvas.y - 500) / 230, 0, 1)
    canvas.fill(
        gradient(down + 0 * canvas.x, [(0, "#9a4a4c"), (0.5, "#6e3549"), (1, "#43243f")]), body
    )
    canvas.shade("#2f1735", body * _ripples(canvas, seed=88) * 0.3)
    canvas.shine(
        "#ffd79a", canvas.stroke(line, 3) * (0.35 + 0.65 * canvas.glow(*ARCH, 560, 1)) * 0.8
    )
    canvas.shine("#ffb870", body * canvas.glow(*ARCH, 300, 1.8) * 0.25 * light)


def _path_of_light(canvas: Canvas, light: float) -> None:
    """Lay the light that falls through the arch on the sand, widening towards us."""
    down = np.clip((canvas.y - ARCH[1]) / 250, 0, 1)
    centre = ARCH[0] - 240 * down**1.15
    half = 52 + 150 * down
    across = np.exp(-(((canvas.x - centre) / half) ** 2) * 1.4)
    reach = (canvas.y > ARCH[1]) * (1 - down) ** 1.1
    canvas.shine("#ffe2a0", across * reach * np.clip(0.7 * light, 0, 0.95))


def _arch_outline(margin: float, rise: float = 0.0) -> list[tuple[float, float]]:
    x, ground = ARCH
    half = ARCH_HALF_WIDTH + margin
    angles = np.linspace(np.pi, 0, 40)
    top = ground - ARCH_SPRING
    round_ = [(x + half * np.cos(a), top - (half + rise) * np.sin(a)) for a in angles]
    return [(x - half, ground + 8), *round_, (x + half, ground + 8)]


def _arch(canvas: Canvas, light: float) -> None:
    canvas.shine("#ff9f5a", canvas.glow(*GLOW, 460, 2.0) * min(1.0, 0.62 * light))
    canvas.shine("#ffdf9c", canvas.glow(*GLOW, 250, 1.8) * min(1.0, 0.6 * light))
    stone = canvas.polygon(_arch_outline(36, rise=6))
    canvas.fill("#5b3a55", stone)
    _masonry(canvas, stone)
    opening = canvas.polygon(_arch_outline(0))
    height = np.clip((ARCH[1] - canvas.y) / 215, 0, 1)
    inside = gradient(
        height + 0 * canvas.x,
        [(0, "#fffdf0"), (0.4, "#fff1c4"), (0.75, "#ffd489"), (1, "#ffb562")],
    )
    canvas.fill(inside, opening)
    canvas.shine("#fffbe6", opening * canvas.glow(GLOW[0], ARCH[1] - 70, 120, 1.2))
    canvas.shine("#ffe7b0", canvas.stroke(_arch_outline(1), 4) * opening * 0.9)
    canvas.shine("#ffd58e", canvas.glow(*GLOW, 165, 1.5) * min(1.0, 0.5 * light))


def _masonry(canvas: Canvas, stone: Field) -> None:
    """Blocks of two tones, with joints that run to the middle of the round."""
    x, ground = ARCH
    top = ground - ARCH_SPRING
    joints: list[Points] = []
    for angle in np.linspace(np.pi, 0, 14):
        inner, outer = ARCH_HALF_WIDTH, ARCH_HALF_WIDTH + 42
        joints.append(
            [
                (x + inner * np.cos(angle), top - inner * np.sin(angle)),
                (x + outer * np.cos(angle), top - (outer + 6) * np.sin(angle)),
            ]
        )
    for y in np.arange(top + 30, ground, 30):
        joints += [
            [(x + side * ARCH_HALF_WIDTH, y), (x + side * (ARCH_HALF_WIDTH + 42), y)]
            for side in (-1, 1)
        ]
    tones = canvas.noise(34, 28, seed=17, octaves=1)
    canvas.shade("#33203f", stone * np.clip((tones - 0.45) * 3, 0, 1) * 0.45)
    canvas.shine("#f0925f", stone * np.clip((x - canvas.x) / 110, 0, 1) * 0.3)
    canvas.shade("#2c1a38", canvas.strokes(joints, 2) * stone * 0.75)
    for side in (-1, 1):
        foot = x + side * (ARCH_HALF_WIDTH + 20)
        drift = canvas.ellipse(foot + side * 4, ground + 13, 46, 17, soft=4)
        canvas.fill("#e39a60", drift * np.clip((ground + 16 - canvas.y) / 12, 0, 1))


def _dust(canvas: Canvas, strength: float) -> None:
    haze = np.clip((canvas.noise(360, 40, seed=23, octaves=4) - 0.46) * 3, 0, 1)
    band = np.clip(1 - np.abs(canvas.y - 446) / 90, 0, 1)
    canvas.shine("#f2b27c", haze * band * strength * 0.5)


def _burst(canvas: Canvas) -> None:
    """Rays from the arch over sky and sand."""
    x, y = GLOW[0], ARCH[1] - 70
    across, down = canvas.x - x, canvas.y - y
    angle, distance = np.arctan2(down, across), np.hypot(across, down)
    chance = np.random.default_rng(12)
    rays = np.zeros_like(distance)
    for start, width, strength in chance.random((26, 3)):
        off = np.angle(np.exp(1j * (angle - start * 2 * np.pi)))
        rays += np.exp(-((off / (0.015 + 0.05 * width)) ** 2)) * (0.3 + 0.7 * strength)
    fade = np.clip(1 - distance / 720, 0, 1) ** 1.6
    canvas.shine("#ffdf9a", np.clip(rays, 0, 1).astype(np.float32) * fade * 0.75)
    canvas.shine("#ffcf86", canvas.glow(x, y, 620, 2.2) * 0.75)
    canvas.shine("#fffbe8", canvas.glow(x, y, 230, 1.7))


def _sparks(canvas: Canvas) -> None:
    chance = np.random.default_rng(19)
    for size in (1.6, 2.4, 3.4):
        dots = []
        for angle, reach in chance.random((42, 2)):
            turn, far = angle * 2 * np.pi, 70 + 330 * reach**1.4
            at = (GLOW[0] + far * np.cos(turn), ARCH[1] - 70 + far * 0.8 * np.sin(turn))
            dots.append([at, at])
        canvas.shine("#fff2c8", canvas.strokes(dots, size) * 0.8)
