"""What Kie's documentation says of the built-in models, written out by hand once more.

The specs cannot vouch for themselves, and neither can anything that derives from them: here every
fact of the section "input Object Parameters" is repeated, in the words of that page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

GROK = "grok-imagine/image-to-video"
LITE = "bytedance/v1-lite-image-to-video"

PICTURES = ("image/jpeg", "image/png", "image/webp")
TEN_MB = 10_000_000
"""The documented "10MB", read as the smaller of the two things that it can mean."""


@dataclass(frozen=True, kw_only=True)
class Documented:
    """One parameter as its page has it; what the page does not say is None or empty."""

    name: str
    type: str
    required: bool = False
    max_length: int | None = None
    options: tuple[tuple[str, str], ...] = ()
    """Values and labels."""
    range: tuple[float, float, float] | None = None
    """Lowest, highest and step."""
    default: Any = None
    max_file_bytes: int | None = None
    accepted_types: tuple[str, ...] = ()
    multiple_files: bool = False
    max_files: int | None = None
    """Not a row of its own: the description of `image_urls` says that one is supported."""


GROK_TABLE = (
    Documented(
        name="image_urls",
        type="array",
        default=[
            "https://file.aiquickdraw.com/custom-page/akr/section-images/1762247692373tw5di116.png"
        ],
        max_file_bytes=TEN_MB,
        accepted_types=PICTURES,
        multiple_files=True,
        max_files=1,
    ),
    Documented(name="task_id", type="string", max_length=100),
    Documented(name="index", type="number", range=(0, 5, 1), default=0),
    Documented(
        name="prompt",
        type="string",
        max_length=5000,
        default="POV hand comes into frame handing the girl a cup of take away coffee, the girl "
        "steps out of the screen looking tired, then takes it and she says happily: “thanks! Back "
        "to work” she exits the frame and walks right to a different part of the office.",
    ),
    Documented(
        name="mode",
        type="string",
        options=(("fun", "fun"), ("normal", "normal"), ("spicy", "spicy")),
        default="normal",
    ),
    Documented(
        name="duration",
        type="string",
        options=(("6", "6 seconds"), ("10", "10 seconds")),
        default="6",
    ),
    Documented(
        name="resolution",
        type="string",
        options=(("480p", "480p"), ("720p", "720p")),
        default="480p",
    ),
)

LITE_TABLE = (
    Documented(
        name="prompt",
        type="string",
        required=True,
        max_length=10_000,
        default="Multiple shots. A traveler crosses an endless desert toward a glowing archway. "
        "[Cut to] His cloak whips in the wind as he reaches the massive stone threshold. "
        "[Wide shot] He steps through — and vanishes into a burst of light",
    ),
    Documented(
        name="image_url",
        type="string",
        required=True,
        default=(
            "https://file.aiquickdraw.com/custom-page/akr/section-images/17550783375205e9woshz.png"
        ),
        max_file_bytes=TEN_MB,
        accepted_types=PICTURES,
        max_files=1,
    ),
    Documented(
        name="resolution",
        type="string",
        options=(("480p", "480p"), ("720p", "720p"), ("1080p", "1080p")),
        default="720p",
    ),
    Documented(
        name="duration",
        type="string",
        options=(
            ("3", "3"),
            ("4", "4"),
            ("5", "5"),
            ("6", "6"),
            ("7", "7"),
            ("8", "8"),
            ("9", "9"),
            ("10", "10"),
            ("11", "11"),
            ("12", "12"),
        ),
        default="5",
    ),
    Documented(name="camera_fixed", type="boolean", default=False),
    Documented(name="seed", type="number", range=(-1, 2_147_483_647, 1), default=-1),
    Documented(name="enable_safety_checker", type="boolean", default=True),
    Documented(
        name="end_image_url",
        type="string",
        default="",
        max_file_bytes=TEN_MB,
        accepted_types=PICTURES,
        max_files=1,
    ),
)

TABLES = {GROK: GROK_TABLE, LITE: LITE_TABLE}

JSON_TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "number": (int, float),
    "string": (str,),
}
"""By documented type, the Python types whose JSON it is; exactly these, for a bool is no number."""
