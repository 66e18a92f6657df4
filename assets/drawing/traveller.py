"""The cloaked traveller, with a long shadow and prints in the sand."""

import numpy as np
from drawing.brush import Canvas, Points, smooth_line


def draw(canvas: Canvas, x: float, y: float, size: float, *, light_at: tuple[float, float]) -> None:
    """Draw a cloaked figure from behind, the cloak blown back by the wind."""

    def at(points: Points) -> list[tuple[float, float]]:
        return [(x + px * size, y + py * size) for px, py in points]

    _long_shadow(canvas, x, y, size, light_at)
    legs = [at([(-5, -14), (-9, 0)]), at([(5, -14), (8, -1)])]
    canvas.fill("#2a1830", canvas.strokes(legs, 5 * size))
    cloak = at(
        [(-4, -78), (8, -74), (14, -56), (17, -30), (16, -10), (4, -7), (-10, -9), (-26, -14),
         (-46, -24), (-38, -32), (-22, -44), (-14, -62)]
    )  # fmt: skip
    canvas.fill("#7d2b3d", canvas.blob(cloak))
    fold = at(
        [(-2, -70), (4, -50), (2, -26), (-6, -10), (-26, -15), (-44, -24), (-24, -34), (-12, -52)]
    )
    canvas.shade("#3d1530", canvas.blob(fold) * 0.6)
    canvas.fill(
        "#97384a", canvas.blob(at([(-9, -82), (0, -92), (10, -86), (12, -74), (4, -68), (-7, -71)]))
    )
    canvas.shade(
        "#3d1530", canvas.blob(at([(-9, -82), (-3, -88), (1, -78), (-1, -69), (-7, -71)])) * 0.5
    )
    canvas.fill("#3a2230", canvas.stroke(at([(22, -70), (27, 2)]), 2.4 * size))
    canvas.fill("#7d2b3d", canvas.stroke(at([(12, -58), (23, -46)]), 6 * size))
    edge = at([(8, -88), (13, -76), (15, -56), (18, -30), (17, -10)])
    canvas.shine("#ffcf8a", canvas.curve(edge, 2.2 * size) * 0.95)


def _long_shadow(
    canvas: Canvas, x: float, y: float, size: float, light_at: tuple[float, float]
) -> None:
    away = np.array([x - light_at[0], (y - light_at[1]) * 0.9 + 30])
    away = away / np.hypot(*away) * 150 * size
    side = 9 * size
    shape = [
        (x - side, y),
        (x + side, y),
        (x + away[0] + side * 1.6, y + away[1]),
        (x + away[0] - side, y + away[1]),
    ]
    fade = 1 - np.clip(np.hypot(canvas.x - x, canvas.y - y) / (150 * size), 0, 1)
    canvas.shade("#3a1736", canvas.polygon(shape) * fade * 0.75)


def leave_footprints(canvas: Canvas, path: Points) -> None:
    """Two rows of prints along a way that is given from near to far, smaller as they go."""
    line = np.array(smooth_line(path, 40))
    walked = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    prints: list[Points] = []
    at, side = 0.0, 1.0
    while at < walked[-1]:
        x, y = (float(np.interp(at, walked, line[:, band])) for band in (0, 1))
        size = np.clip((y - 392) / 210, 0.12, 1.6)
        prints.append(
            [(x - 2.2 * size, y + side * 3.4 * size), (x + 2.6 * size, y + side * 3.4 * size - 0.6)]
        )
        at, side = at + 15 * size, -side
    for start in range(0, len(prints), 6):
        some = prints[start : start + 6]
        width = 4.6 * float(np.clip((some[0][0][1] - 392) / 210, 0.2, 1.5))
        canvas.shade("#4a1d38", canvas.strokes(some, width) * 0.5)
        lit = [[(px, py + width * 0.55) for px, py in each] for each in some]
        canvas.shine("#ffb872", canvas.strokes(lit, width * 0.25) * 0.35)
