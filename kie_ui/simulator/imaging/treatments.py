"""What can be done to a picture so that one sees it was worked on, and it is still itself."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

from kie_ui.simulator.scenery.outlook import dice_of

Treatment = Callable[[Image.Image], Image.Image]
_STROKES_PX = 560
"""The longer side at which strokes are made: they are as broad in every picture."""


def treat(picture: Image.Image, prompt: str, seed: int, number: int) -> Image.Image:
    """Treat a picture as the words of a prompt suggest, else as the dice do."""
    named = [treatment for words, treatment in _BY_WORDS if re.search(words, prompt.lower())]
    dice = dice_of("treatment", prompt, seed)
    free: list[Treatment] = [_BY_CHANCE[place] for place in dice.permutation(len(_BY_CHANCE))]
    choices = [*named, *free]
    chosen: Treatment = choices[number % len(choices)]
    return chosen(picture)


def with_colours_of(picture: Image.Image, palette: Image.Image) -> Image.Image:
    """Bring a picture's light and colours near to those of another one."""
    own = np.asarray(picture.convert("YCbCr"), np.float32)
    other = np.asarray(palette.convert("RGB").resize((64, 64)).convert("YCbCr"), np.float32)
    means, spreads = own.mean((0, 1)), own.std((0, 1)) + 1
    scale = np.clip((other.std((0, 1)) + 1) / spreads, 0.6, 1.8)
    moved = (own - means) * (1 + (scale - 1) * 0.7) + means + (other.mean((0, 1)) - means) * 0.75
    return Image.fromarray(_rounded(moved), "YCbCr").convert("RGB")


def painted(picture: Image.Image) -> Image.Image:
    """Make broad strokes of it: flat patches with soft, dark seams."""
    scale = min(1.0, _STROKES_PX / max(picture.size))
    small = picture.resize([max(2, round(side * scale)) for side in picture.size])
    strokes = small.filter(ImageFilter.MedianFilter(5)).filter(ImageFilter.ModeFilter(5))
    flat = strokes.resize(picture.size, Image.Resampling.BICUBIC)
    flat = ImageEnhance.Color(flat).enhance(1.35)
    seams = ImageOps.invert(_edges(flat, strength=0.5))
    canvas = _noise(picture.size, grain=2.2, strength=14)
    return ImageChops.soft_light(ImageChops.multiply(flat, seams.convert("RGB")), canvas)


def sketched(picture: Image.Image) -> Image.Image:
    """Draw it in pencil on warm paper."""
    grey = ImageOps.autocontrast(picture.convert("L"), cutoff=1)
    veil = ImageOps.invert(grey).filter(ImageFilter.GaussianBlur(max(picture.size) / 110))
    light, dark = np.asarray(grey, np.float32), np.asarray(veil, np.float32)
    lines = np.clip(light * 255 / np.maximum(255 - dark, 1), 0, 255)
    shade = np.clip(lines / 255, 0, 1) ** 2.2 * (0.55 + 0.45 * np.clip(light / 150, 0, 1))
    paper = np.asarray(_noise(picture.size, grain=2.0, strength=4), np.float32) / 128
    tone = shade[..., None]
    ink, sheet = np.array([52, 48, 58], np.float32), np.array([250, 245, 234], np.float32)
    return Image.fromarray(_rounded((ink + (sheet - ink) * tone) * np.clip(paper, 0.9, 1.06)))


def in_two_tones(picture: Image.Image) -> Image.Image:
    """Print it in two inks."""
    grey = ImageOps.autocontrast(picture.convert("L"), cutoff=1)
    return ImageOps.colorize(grey, (27, 20, 74), (255, 226, 196), mid=(222, 84, 112))


def greyed(picture: Image.Image) -> Image.Image:
    """Take it on black and white film."""
    grey = ImageOps.autocontrast(picture.convert("L"), cutoff=1)
    deep = ImageEnhance.Contrast(grey).enhance(1.18).convert("RGB")
    return ImageChops.soft_light(deep, _noise(picture.size, grain=1.2, strength=26))


def at_night(picture: Image.Image) -> Image.Image:
    """Turn day into a blue night, in which the brightest spots glow."""
    light = np.asarray(picture, np.float32) / 255
    luma = light @ np.array([0.3, 0.59, 0.11], np.float32)
    blue = luma[..., None] * np.array([0.36, 0.5, 0.86], np.float32)
    dark = 0.16 * light + 0.62 * blue
    lamps = np.clip((luma - 0.72) / 0.28, 0, 1) ** 1.5
    glow = Image.fromarray(_rounded(lamps * 255)).filter(
        ImageFilter.GaussianBlur(max(picture.size) / 90)
    )
    warm = np.asarray(glow, np.float32)[..., None] / 255 * np.array([1.0, 0.78, 0.45], np.float32)
    return Image.fromarray(_rounded((1 - (1 - dark) * (1 - warm)) * 255))


def warmed(picture: Image.Image) -> Image.Image:
    """Let the evening sun fall on it from one side."""
    light = np.asarray(picture, np.float32) / 255
    height, width = light.shape[:2]
    across = np.linspace(1, 0, width, dtype=np.float32)[None, :]
    down = np.linspace(1, 0.2, height, dtype=np.float32)[:, None]
    sun = (0.75 * across**1.6 * down)[..., None] * np.array([1.0, 0.56, 0.2], np.float32)
    toned = (light - 0.5) * np.array([1.1, 1.02, 0.92], np.float32) + 0.5
    toned = toned * np.array([1.06, 0.94, 0.78], np.float32)
    return Image.fromarray(_rounded((1 - (1 - np.clip(toned, 0, 1)) * (1 - sun)) * 255))


def cooled(picture: Image.Image) -> Image.Image:
    """Lay winter over it: pale, blue, with snow in the air."""
    pale = ImageEnhance.Brightness(ImageEnhance.Color(picture).enhance(0.5)).enhance(1.1)
    light = np.asarray(pale, np.float32) / 255 * np.array([0.9, 0.99, 1.1], np.float32)
    dice = np.random.default_rng(11)
    flakes = Image.new("L", picture.size)
    count, unit = 260, max(picture.size) / 1000
    pixels = np.zeros(picture.size[::-1], np.uint8)
    rows, columns = (dice.integers(0, side, count) for side in pixels.shape)
    pixels[rows, columns] = 255
    flakes = Image.fromarray(pixels).filter(ImageFilter.MaxFilter(_odd(3.2 * unit)))
    snow = np.asarray(flakes.filter(ImageFilter.GaussianBlur(1.1 * unit)), np.float32) / 255
    return Image.fromarray(
        _rounded((1 - (1 - np.clip(light, 0, 1)) * (1 - 0.9 * snow[..., None])) * 255)
    )


def faded_film(picture: Image.Image) -> Image.Image:
    """Give it the lifted shadows, warm lights and dark corners of an old print."""
    light = np.asarray(ImageEnhance.Color(picture).enhance(0.72), np.float32) / 255
    height, width = light.shape[:2]
    lifted = 0.1 + 0.84 * light**0.92
    toned = lifted * np.array([1.05, 0.98, 0.84], np.float32) + np.array([0.02, 0.01, 0.03])
    x, y = np.linspace(-1, 1, width)[None, :], np.linspace(-1, 1, height)[:, None]
    corners = 1 - 0.36 * np.clip(np.hypot(x, y) - 0.45, 0, 1) ** 1.6
    return ImageChops.soft_light(
        Image.fromarray(_rounded(toned * corners[..., None] * 255)),
        _noise(picture.size, grain=1.2, strength=22),
    )


_BY_WORDS: tuple[tuple[str, Treatment], ...] = (
    (r"sketch|pencil|drawing|line art|charcoal|\bink\b", sketched),
    (r"paint|oil|watercolou?r|anime|cartoon|comic|ghibli|illustrat|impression|van gogh", painted),
    (r"black.and.white|monochrome|\bb&w\b|noir|greyscale|grayscale", greyed),
    (r"night|moon|dark|midnight|neon", at_night),
    (r"sunset|sunrise|warm|golden|autumn|evening|fire", warmed),
    (r"winter|snow|cold|ice|frozen|christmas", cooled),
    (r"vintage|retro|film|old photo|polaroid|nostalg|197|198", faded_film),
    (r"pop.?art|poster|duotone|print|warhol", in_two_tones),
)
_BY_CHANCE: tuple[Treatment, ...] = (painted, warmed, faded_film, in_two_tones, at_night, sketched)


def _edges(picture: Image.Image, strength: float) -> Image.Image:
    found = picture.convert("L").filter(ImageFilter.FIND_EDGES)
    inner = found.crop((1, 1, found.width - 1, found.height - 1)) if min(found.size) > 4 else found
    soft = inner.resize(picture.size).filter(ImageFilter.GaussianBlur(max(picture.size) / 900))
    return soft.point(lambda value: min(255, int(value * 2 * strength)))


def _noise(size: tuple[int, int], grain: float, strength: float) -> Image.Image:
    """Return a grey sheet with grain, to be laid over a picture in soft light."""
    coarse = (max(1, round(size[0] / grain)), max(1, round(size[1] / grain)))
    dice = np.random.default_rng(5)
    levels = 128 + strength * dice.standard_normal(coarse[::-1], dtype=np.float32)
    sheet = Image.fromarray(_rounded(levels)).resize(size, Image.Resampling.BICUBIC)
    return sheet.convert("RGB")


def _rounded(levels: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)


def _odd(reach: float) -> int:
    return max(3, min(15, round(reach) // 2 * 2 + 1))
