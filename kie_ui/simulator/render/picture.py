"""Any picture that people send → upright RGB pixels in the proportions of a clip."""

from __future__ import annotations

import colorsys
import hashlib
import math
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import (
    Image,
    ImageChops,
    ImageDraw,
    ImageEnhance,
    ImageFilter,
    ImageFont,
    ImageOps,
    UnidentifiedImageError,
)

from kie_ui.simulator.intent.dimensions import Extent, image_size
from kie_ui.simulator.intent.plan import ImageOrder, Picture, Scene
from kie_ui.simulator.render.effects import stamp
from kie_ui.simulator.scenery.canvas import f32
from kie_ui.simulator.scenery.outlook import dice_of
from kie_ui.simulator.scenery.scene import draw_scene

MAX_PIXELS = 100_000_000
MAX_ASPECT = 21 / 9
"""The longest picture that becomes a clip as it is; of a longer one the middle is used."""
MIN_SIDE_PX = 2


class BrokenInput(Exception):
    """No picture, video or sound can be read there; the message is for the person who sent it."""


def load_picture(path: Path, short_side_px: int) -> Image.Image:
    """Read a picture upright, in RGB, no larger than a clip of that short side can use.

    Raises: BrokenInput.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                _check_size(image)
                # Lets the JPEG decoder leave out detail that the clip could not show anyway.
                image.draft("RGB", (short_side_px * 3 // 2, short_side_px * 3 // 2))
                image.load()
                return _as_rgb(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:
        raise BrokenInput(
            "The picture cannot be read: it is no JPEG, PNG or WebP, or it is damaged."
        ) from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BrokenInput(f"The picture cannot be read: it is damaged ({error}).") from error


def clip_size(
    picture: tuple[int, int], short_side_px: int, asked_aspect: float | None = None
) -> tuple[int, int]:
    """Return a clip's (width, height): the short side as asked, and even.

    The proportions are the picture's, unless others are asked for.
    """
    width, height = picture if asked_aspect is None else (asked_aspect, 1.0)
    aspect = min(max(width, height) / min(width, height), MAX_ASPECT)
    long_side_px = round(short_side_px * aspect / 2) * 2
    if width >= height:
        return long_side_px, short_side_px
    return short_side_px, long_side_px


def cover(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scale a picture so that it fills `size`, and cut off evenly what stands over."""
    return ImageOps.fit(picture, size, Image.Resampling.LANCZOS)


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise BrokenInput(
            f"The picture has {width} × {height} pixels: at most {MAX_PIXELS // 10**6} million fit."
        )
    if min(width, height) < MIN_SIDE_PX:
        raise BrokenInput(f"The picture has only {width} × {height} pixels.")


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):  # 16 bits and more: bring them down to 8
        image = image.convert("F").point(lambda value: value / 257).convert("L")
    if image.has_transparency_data:
        backdrop = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(backdrop, image.convert("RGBA"))
    return image.convert("RGB")


_WORK_SIDE_PX = 256
_BORDER_COLOURS = 6


def cut_out(picture: Image.Image) -> Image.Image:
    """Return the picture in RGBA, its background transparent."""
    small = picture.copy()
    small.thumbnail((_WORK_SIDE_PX, _WORK_SIDE_PX))
    guess = _foreground(f32(f32(small) / 255))
    mask = Image.fromarray(np.rint(guess * 255).astype(np.uint8))
    closed = mask.filter(ImageFilter.MaxFilter(11)).filter(ImageFilter.MinFilter(11))
    mask = closed.filter(ImageFilter.MedianFilter(7)).filter(ImageFilter.GaussianBlur(1.6))
    mask = mask.resize(picture.size, Image.Resampling.BICUBIC)
    sharp = mask.point(lambda value: int(min(255, max(0, (value - 96) * 255 / 64))))
    result = picture.convert("RGBA")
    result.putalpha(sharp)
    return result


def _foreground(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how likely each pixel is no background, from 0 to 1."""
    height, width = pixels.shape[:2]
    unlike = _unlike_border(pixels)
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    # People stand things in the middle, a little low.
    central = np.exp(-(((x / 0.62) ** 2 + ((y - 0.08) / 0.72) ** 2) ** 1.3))
    level = float(np.quantile(unlike, 0.55)) + 0.02
    odds = 0.52 * np.clip(unlike / (2 * level), 0, 1) + 0.62 * central**0.7 - 0.22
    return f32(np.clip(odds * (0.2 + 0.9 * central**0.4), 0, 1))


def _unlike_border(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far each pixel is from the nearest of the border's usual colours."""
    edge = max(2, min(pixels.shape[:2]) // 24)
    strips = (pixels[:edge], pixels[:, :edge], pixels[:, -edge:])
    border = np.concatenate([strip.reshape(-1, 3) for strip in strips])
    colours = _usual_colours(border)
    return np.asarray(
        np.min([np.linalg.norm(pixels - colour, axis=-1) for colour in colours], axis=0), np.float32
    )


def _usual_colours(border: NDArray[np.float32]) -> NDArray[np.float32]:
    """Find the colours around which the border's pixels gather."""
    order = np.argsort(border.sum(axis=1))
    colours = border[order[np.linspace(0, len(order) - 1, _BORDER_COLOURS).astype(int)]].copy()
    for _ in range(8):
        nearest = np.argmin(np.linalg.norm(border[:, None] - colours[None], axis=-1), axis=1)
        for number in range(_BORDER_COLOURS):
            members = border[nearest == number]
            if len(members):
                colours[number] = members.mean(axis=0)
    return f32(colours)


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


CARD_SIZE = (1440, 1080)
_MARGIN = 220
_Colour = tuple[int, int, int]


def draw_card(host: str) -> Image.Image:
    """Draw the card of a host; each host has its own colours."""
    hue = hashlib.sha256(host.encode()).digest()[0] / 256
    card = _backdrop(hue)
    draw = ImageDraw.Draw(card)
    _draw_frame(draw, card.size)
    _draw_text(draw, host, 560, 92, (255, 255, 255))
    _draw_text(
        draw, "Demo mode does not fetch pictures from other hosts.", 720, 42, (225, 230, 240)
    )
    _draw_text(draw, "This card stands in for the one at this address.", 790, 42, (225, 230, 240))
    return card


def _backdrop(hue: float) -> Image.Image:
    """Paint soft lights on a dark ground."""
    width, height = CARD_SIZE
    small = Image.new("RGB", (width // 8, height // 8), _colour(hue, 0.65, 0.22))
    draw = ImageDraw.Draw(small)
    for step in range(6):
        angle = step * math.tau / 6 + hue * math.tau
        x = small.width * (0.5 + 0.42 * math.cos(angle))
        y = small.height * (0.5 + 0.42 * math.sin(angle * 1.7))
        radius = small.height * (0.22 + 0.05 * (step % 3))
        colour = _colour(hue + 0.06 * step, 0.7, 0.35 + 0.09 * (step % 4))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    blurred = small.filter(ImageFilter.GaussianBlur(20))
    return blurred.resize(CARD_SIZE, Image.Resampling.BICUBIC)


def _draw_frame(draw: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
    """Draw the sign for a picture: a frame with a sun over two hills."""
    left, top = size[0] // 2 - 150, 210
    box = (left, top, left + 300, top + 220)
    draw.rounded_rectangle(box, 28, outline=(255, 255, 255), width=12)
    draw.ellipse((left + 52, top + 48, left + 104, top + 100), fill=(255, 255, 255))
    hills = [(36, 184), (110, 112), (156, 156), (204, 92), (264, 184)]
    draw.polygon([(left + x, top + y) for x, y in hills], fill=(255, 255, 255))


def _draw_text(
    draw: ImageDraw.ImageDraw, text: str, middle_y: int, size: int, colour: _Colour
) -> None:
    """Write a line in the middle, smaller if it would not fit."""
    room = CARD_SIZE[0] - 2 * _MARGIN
    font = ImageFont.load_default(size)
    width = draw.textlength(text, font)
    if width > room:
        font = ImageFont.load_default(max(16, int(size * room / width)))
    draw.text((CARD_SIZE[0] / 2, middle_y), text, colour, font, anchor="mm")


def _colour(hue: float, saturation: float, value: float) -> _Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


MAX_WORK_SIDE_PX = 2048
"""The longer side up to which a picture is treated; beyond that the result is enlarged."""


def make_image(order: ImageOrder, output: Path) -> None:
    """Make one picture. The same order on the same pictures gives the same bytes.

    Raises: BrokenInput.
    """
    picture = stamp(_made(order))
    if order.format == "jpeg":
        picture.convert("RGB").save(output, "JPEG", quality=92, subsampling=0)
    elif order.format == "webp":
        picture.save(output, "WEBP", quality=92, method=4)
    else:
        picture.save(output, "PNG", compress_level=4)


def open_picture(picture: Picture, side_px: int, shape: float = 1.5) -> Image.Image:
    """Read, or draw, a picture whose short side has about so many pixels, or more.

    `shape` is the proportion of a scene, which has none of its own. Raises: BrokenInput.
    """
    if picture.path is not None:
        return load_picture(picture.path, side_px)
    if picture.scene is not None:
        long = side_px if shape < 1 else round(side_px * shape)
        return draw_scene(picture.scene, (long, max(2, round(long / shape))))
    return draw_card(picture.stand_in_host)


def _made(order: ImageOrder) -> Image.Image:
    if order.source is None or order.work == "draw":
        scene = Scene(prompt=order.prompt, seed=order.seed, number=order.number)
        return draw_scene(scene, image_size(order.extent))
    source = open_picture(order.source, MAX_WORK_SIDE_PX)
    if order.work == "enlarge":
        return _enlarged(source, order)
    size = image_size(order.extent, source.size)
    if order.work == "cut_out":
        return cut_out(source.resize(size, Image.Resampling.LANCZOS))
    return _edited(source, order, size)


def _enlarged(source: Image.Image, order: ImageOrder) -> Image.Image:
    """Enlarge with crisp edges: by the asked factor, as far as that is made."""
    told = order.extent.mean_side_px or order.extent.short_side_px
    grown = (round(source.width * order.factor), round(source.height * order.factor))
    size = image_size(order.extent if told else Extent(exact=grown), source.size)
    large = source.resize(size, Image.Resampling.LANCZOS)
    return large.filter(ImageFilter.UnsharpMask(radius=1.6, percent=110, threshold=2))


def _edited(source: Image.Image, order: ImageOrder, size: tuple[int, int]) -> Image.Image:
    scale = min(1.0, MAX_WORK_SIDE_PX / max(size))
    work = (max(2, round(size[0] * scale)), max(2, round(size[1] * scale)))
    picture = cover(source, work)
    if order.palette is not None:
        picture = with_colours_of(picture, open_picture(order.palette, CARD_SIZE[1]))
    treated = treat(picture, order.prompt, order.seed, order.number)
    return treated if work == size else treated.resize(size, Image.Resampling.BICUBIC)
