"""A small painter's kit: soft shapes, gradients, light and grain on a numpy canvas.

Scenes are drawn in their own units (say 1200 × 800) and come out at any scale: every length,
cell of noise and width of a line is in units. The same seed always draws the same picture.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Field = NDArray[Any]
"""A value, or a colour, for every pixel: of shape rows × columns, or one that spreads to it."""

Points = Sequence[tuple[float, float]]
Stops = Sequence[tuple[float, str]]

OVERSAMPLING = 2
_SHAPE_OVERSAMPLING = 2

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LMS_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


class Canvas:
    """A picture in the making; `x` and `y` are the coordinates of its pixels in units."""

    def __init__(self, width: float, height: float, scale: float = 1.0) -> None:
        self.width, self.height = width, height
        self.size_px = round(width * scale), round(height * scale)
        self._per_unit = scale * OVERSAMPLING
        columns, rows = (side * OVERSAMPLING for side in self.size_px)
        self.x: Field = ((np.arange(columns, dtype=np.float32) + 0.5) / self._per_unit)[None, :]
        self.y: Field = ((np.arange(rows, dtype=np.float32) + 0.5) / self._per_unit)[:, None]
        self.colours: Field = np.zeros((rows, columns, 3), np.float32)

    # Painting

    def fill(self, colour: str | Field, mask: Field | float = 1.0) -> None:
        """Lay a colour, or a field of colours, over what is there, as far as the mask covers."""
        area, cover = self._covered(mask)
        here = self.colours[area]
        here += (self._rgb_in(colour, area) - here) * cover

    def shine(self, colour: str, mask: Field | float) -> None:
        """Add light: bright stays bright, dark takes the colour of the light."""
        area, cover = self._covered(mask)
        self.colours[area] = 1 - (1 - self.colours[area]) * (1 - _rgb(colour) * cover)

    def shade(self, colour: str, mask: Field | float) -> None:
        """Put into coloured shadow."""
        area, cover = self._covered(mask)
        self.colours[area] *= 1 - (1 - _rgb(colour)) * cover

    # Shapes: how far each pixel is covered, from 0 to 1

    def ellipse(self, cx: float, cy: float, rx: float, ry: float, soft: float = 0.0) -> Field:
        """Cover an ellipse; `soft` is the width of its blurred edge."""
        distance = np.hypot((self.x - cx) / rx, (self.y - cy) / ry)
        return self._edge((1 - distance) * min(rx, ry), soft)

    def below(self, skyline: Field, soft: float = 0.0) -> Field:
        """Cover what lies under a skyline, given as a y for every x."""
        return self._edge(self.y - skyline, soft)

    def polygon(self, points: Points) -> Field:
        """Cover a shape with straight edges."""
        return self._drawn([points], 0, lambda pen, corners, _: pen.polygon(corners, fill=255))

    def blob(self, points: Points) -> Field:
        """Cover a closed shape that runs smoothly through the points."""
        return self.polygon(smooth_loop(points))

    def stroke(self, points: Points, width: float) -> Field:
        """Cover a line with round ends through the points."""
        return self.strokes([points], width)

    def strokes(self, lines: Sequence[Points], width: float) -> Field:
        """Cover many lines at once."""
        return self._drawn(lines, width, _draw_line)

    def curve(self, points: Points, width: float) -> Field:
        """Cover a line that runs smoothly through the points."""
        return self.stroke(smooth_line(points), width)

    def glow(self, cx: float, cy: float, radius: float, power: float = 2.0) -> Field:
        """Shine from a point, fading to nothing at the radius."""
        distance = np.hypot(self.x - cx, self.y - cy) / radius
        return np.asarray(np.clip(1 - distance, 0, 1) ** power)

    # Texture

    def noise(self, cell_x: float, cell_y: float, seed: int, octaves: int = 3) -> Field:
        """Roll soft clouds of values around 0.5, with cells of the given size in units."""
        total = np.zeros((len(self.y), self.x.shape[1]), np.float32)
        weight = 0.0
        for octave in range(octaves):
            share = 0.5**octave
            total += share * self._noise_once(cell_x * share, cell_y * share, seed + octave)
            weight += share
        return total / weight

    def _noise_once(self, cell_x: float, cell_y: float, seed: int) -> Field:
        """Draw random values on a coarse grid and let Pillow flow between them."""
        cells = int(self.width / cell_x) + 3, int(self.height / cell_y) + 3
        grid = np.random.default_rng(seed).random(cells[::-1], dtype=np.float32)
        box = (0.5, 0.5, 0.5 + self.width / cell_x, 0.5 + self.height / cell_y)
        size = (self.x.shape[1], len(self.y))
        smooth = Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC, box=box)
        return np.asarray(smooth)

    # Finishing

    def finish(self, *, grain: float = 0.012, vignette: float = 0.25, seed: int = 7) -> Image.Image:
        """Darken the corners a little, sprinkle grain, and bring the canvas to its final size."""
        off_x = (self.x / self.width - 0.5) * 2
        off_y = (self.y / self.height - 0.5) * 2
        self.colours *= (1 - vignette * np.clip((off_x**2 + off_y**2) / 2 - 0.15, 0, 1))[..., None]
        large = Image.fromarray(_bytes(self.colours))
        small = np.asarray(large.resize(self.size_px, Image.Resampling.BOX), np.float32) / 255
        speckle = np.random.default_rng(seed).random((*small.shape[:2], 1), dtype=np.float32) - 0.5
        return Image.fromarray(_bytes(small + speckle * 2 * grain))

    def _edge(self, inside: Field, soft: float) -> Field:
        """Turn a distance to the inside into coverage, blended over a pixel or more."""
        width = max(soft, 1 / self._per_unit)
        covered = np.clip(inside / width + 0.5, 0, 1)
        return covered * covered * (3 - 2 * covered) if soft else covered

    def _drawn(self, lines: Sequence[Points], width: float, draw: "_Pen") -> Field:
        """Let Pillow draw lines or outlines, on a finer mask that is just large enough for them."""
        rows, columns = len(self.y), self.x.shape[1]
        mask = np.zeros((rows, columns), np.float32)
        corners = [np.array(line, float) * self._per_unit for line in lines]
        every = np.concatenate(corners)
        margin = width * self._per_unit + 2
        left, top = np.clip(np.floor(every.min(0) - margin), 0, (columns, rows)).astype(int)
        right, bottom = np.clip(np.ceil(every.max(0) + margin), 0, (columns, rows)).astype(int)
        if left >= right or top >= bottom:
            return mask
        fine = _SHAPE_OVERSAMPLING
        image = Image.new("L", (int(right - left) * fine, int(bottom - top) * fine))
        pen = ImageDraw.Draw(image)
        for line in corners:
            points = [(float(x), float(y)) for x, y in (line - (left, top)) * fine]
            draw(pen, points, width * self._per_unit * fine)
        mask[top:bottom, left:right] = np.asarray(image.reduce(fine), np.float32) / 255
        return mask

    def _covered(self, mask: Field | float) -> tuple[tuple[slice, slice], Field | float]:
        """Find the part of the canvas that a mask touches at all, and the mask there."""
        if not isinstance(mask, np.ndarray):
            return (slice(None), slice(None)), mask
        full = np.broadcast_to(mask, self.colours.shape[:2])
        rows, columns = (np.flatnonzero(full.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return (slice(0, 0), slice(0, 0)), full[:0, :0, None]
        area = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        return area, full[area][..., None]

    def _rgb_in(self, colour: str | Field, area: tuple[slice, slice]) -> Field:
        rgb = _rgb(colour)
        if rgb.ndim == 1:
            return rgb
        return np.broadcast_to(rgb, self.colours.shape)[area]


_Pen = Callable[[ImageDraw.ImageDraw, list[tuple[float, float]], float], None]


def _draw_line(pen: ImageDraw.ImageDraw, points: list[tuple[float, float]], width: float) -> None:
    pen.line(points, fill=255, width=max(1, round(width)), joint="curve")
    for x, y in (points[0], points[-1]):
        pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)


def gradient(at: Field, stops: Stops) -> Field:
    """Blend colours along a field of positions, the way eyes expect (in the OKLab space)."""
    positions = [position for position, _ in stops]
    labs = np.array([_oklab(_rgb(colour)) for _, colour in stops])
    channels = [np.interp(at, positions, labs[:, band]) for band in range(3)]
    return _from_oklab(np.stack(channels, axis=-1))


def mix(one: str, other: str, share: float) -> str:
    """Blend two colours; a share of 1 is all of the other."""
    rgb = gradient(np.array([share], np.float32), [(0, one), (1, other)])[0]
    return "#" + "".join(f"{round(float(band) * 255):02x}" for band in rgb)


def smooth_loop(points: Points, steps: int = 12) -> list[tuple[float, float]]:
    """Run a closed curve through the points (a Catmull-Rom spline)."""
    corners = np.array(points, float)
    before, after = np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0)
    beyond = np.roll(corners, -2, axis=0)
    t = (np.arange(steps) / steps)[None, :, None]
    a, b, c, d = (each[:, None, :] for each in (before, corners, after, beyond))
    curve = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    return [(float(x), float(y)) for x, y in curve.reshape(-1, 2)]


def smooth_line(points: Points, steps: int = 12) -> list[tuple[float, float]]:
    """Run an open curve through the points."""
    loop = smooth_loop([points[0], *points, points[-1]], steps)
    return [*loop[steps : steps * len(points)], points[-1]]


def ridge(
    base: float, heights: Sequence[float], lengths: Sequence[float], seed: int
) -> Callable[[Field], Field]:
    """Make a skyline of rolling waves around `base`, each with a height and a length in units."""
    phases = np.random.default_rng(seed).random(len(heights)) * 2 * np.pi

    def outline(x: Field) -> Field:
        waves = (
            height * np.sin(x * (2 * np.pi / length) + phase)
            for height, length, phase in zip(heights, lengths, phases, strict=True)
        )
        return np.asarray(base + sum(waves), np.float32)

    return outline


def _rgb(colour: str | Field) -> Field:
    if isinstance(colour, str):
        return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)], np.float32)
    return colour


def _oklab(rgb: Field) -> Field:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(_LMS_TO_OKLAB @ np.cbrt(_TO_LMS @ linear), np.float32)


def _from_oklab(lab: Field) -> Field:
    lms = (lab @ np.linalg.inv(_LMS_TO_OKLAB).T) ** 3
    linear = np.clip(lms @ np.linalg.inv(_TO_LMS).T, 0, 1)
    rgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(rgb, np.float32)


def _bytes(colours: Field) -> NDArray[np.uint8]:
    return np.asarray(np.clip(colours * 255 + 0.5, 0, 255), np.uint8)
