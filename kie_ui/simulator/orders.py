"""What shall be made: orders for the renderer, complete in themselves and plain data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from kie_ui.simulator.sizes import Extent

Mode = Literal["normal", "fun", "spicy"]
DEFAULT_DURATION_S = 5.0
MIN_DURATION_S = 1.0
MAX_DURATION_S = 60.0
"""Of a clip; what asks for more is given this."""
MAX_FOOTAGE_S = 15.0
"""Of what is passed on of a video, where no duration is asked for."""
MODES: tuple[Mode, ...] = ("normal", "fun", "spicy")


class Scene(BaseModel):
    """A picture that is drawn from a prompt; of several, `number` counts from 0."""

    model_config = ConfigDict(frozen=True)

    prompt: str
    seed: int
    number: int = 0


class Picture(BaseModel):
    """Where the renderer finds a picture.

    A file, or the host for which a card stands in, or a scene to draw.
    """

    model_config = ConfigDict(frozen=True)

    path: Path | None = None
    stand_in_host: str = ""
    scene: Scene | None = None


class ClipOrder(BaseModel):
    """One clip to render."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["clip"] = "clip"
    start: Picture
    end: Picture | None = None
    footage: Path | None = None
    """A video whose frames are passed on, in place of a camera over the picture."""
    sound: Path | None = None
    """A file whose sound is passed on."""
    has_tune: bool = False
    """Whether a tune of our own is heard where no sound is passed on."""
    duration_s: float | None
    """None where the footage or the sound decides."""
    short_side_px: int | None
    """None for that of the footage, times `factor`, as far as it is made without being asked."""
    factor: float = 1.0
    aspect: float | None = None
    """Width by height; None for that of the picture."""
    seed: int
    mode: Mode = "normal"
    is_camera_fixed: bool = False


class ImageOrder(BaseModel):
    """One picture to make."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["image"] = "image"
    work: Literal["draw", "edit", "enlarge", "cut_out"]
    source: Picture | None = None
    palette: Picture | None = None
    """A second picture, whose colours are taken over."""
    extent: Extent = Extent()
    factor: float = 1.0
    prompt: str = ""
    seed: int
    number: int = 0
    """Which one of several it is, from 0."""
    format: Literal["jpeg", "png", "webp"] = "jpeg"


class SoundOrder(BaseModel):
    """One sound to make."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["sound"] = "sound"
    source: Path | None = None
    """A file of which a portion is passed on."""
    lines: tuple[tuple[str, str], ...] = ()
    """Who says what; empty where music is wanted."""
    prompt: str = ""
    duration_s: float | None = None
    seed: int
    number: int = 0
    format: Literal["mp3", "wav", "ogg", "flac", "m4a"] = "mp3"
    rate_hz: int = 44_100


class TextOrder(BaseModel):
    """One answer in words to make."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["text"] = "text"
    source: Path | None = None
    """A file of which is told what is heard in it."""
    is_transcript: bool = False
    prompt: str = ""
    seed: int


MIMES = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}
"""By the formats of orders."""


def mime_of_order(order: Order) -> str:
    """Return the type of the file that an order becomes."""
    match order:
        case ClipOrder():
            return "video/mp4"
        case ImageOrder() | SoundOrder():
            return MIMES[order.format]
        case TextOrder():
            return "application/json"


Order = Annotated[ClipOrder | ImageOrder | SoundOrder | TextOrder, Field(discriminator="kind")]
