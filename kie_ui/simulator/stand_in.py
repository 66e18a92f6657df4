"""The card that stands in for a picture at another host, where those are not fetched."""

from __future__ import annotations

import colorsys
import hashlib
import math

from PIL import Image, ImageDraw, ImageFilter, ImageFont

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
