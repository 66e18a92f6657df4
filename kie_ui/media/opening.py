"""How media files are opened: plain containers alone, and this file alone.

A playlist, or a name that reads as an address, must not make us read anything else.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO

import av
from av.container import InputContainer

_CLIPS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,flv"
_SOUNDS = "wav,mp3,aac,flac,ogg,mov,mp4,m4a,matroska,webm"
_TAGGED = "mov,mp4,matroska,webm"


def open_clip(path: Path) -> InputContainer:
    """Open a video by absolute path, which no spelling can turn into a network address.

    Raises: av.FFmpegError, also for any container but the plain ones.
    """
    return _open(path.resolve(), _CLIPS)


def open_sound(path: Path) -> InputContainer:
    """Open a sound by absolute path. Raises: av.FFmpegError, also for what holds none."""
    return _open(path.resolve(), _SOUNDS)


def open_to_tag(file: IO[bytes]) -> InputContainer:
    """Open a clip of a kind that can carry a recipe. Raises: av.FFmpegError."""
    return _open(file, _TAGGED)


def _open(source: Path | IO[bytes], containers: str) -> InputContainer:
    options = {"format_whitelist": containers, "protocol_whitelist": "file"}
    return av.open(source, "r", container_options=options, metadata_errors="replace")
