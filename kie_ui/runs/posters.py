"""What is done to a result that has come: a clip gets its recipe, and a still of it is made.

Neither may ever cost the result: what fails is said in the log, and it is kept as it came.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from kie_ui.media.storage import OutsideStorage, Storage
from kie_ui.runs.recipes import recipe_of
from kie_ui.runs.run import Clip, Run

log = logging.getLogger(__name__)

_SHOWN = ("video", "image", "audio")
"""In this order: what can be seen stands for a run rather than what can be heard."""


def put_recipe_into(part: Path, run: Run) -> None:
    """Put a run's recipe into its clip, which is whole under a temporary name. Blocks."""
    from kie_ui.media.recipe import write_recipe  # noqa: PLC0415 - it brings PyAV

    try:
        write_recipe(part, part, recipe_of(run))
    except Exception as problem:  # noqa: BLE001 - a paid clip is worth more than its recipe
        log.warning("The clip of run %s carries no recipe: %s", run.id, problem)


def make_poster_of(run_id: str, clips: Iterable[Clip], storage: Storage) -> str | None:
    """Make a still of the result that best stands for a run, and return its name. Blocks."""
    clip = standing_for(clips)
    if clip is None:
        return None
    try:
        poster = storage.poster_path(run_id)
        _draw(clip, storage.resolve(clip.name), poster)
    except Exception as problem:  # noqa: BLE001 - a paid clip is worth more than its still
        log.warning("The result of run %s has no poster: %s", run_id, problem)
        return None
    return poster.relative_to(storage.root).as_posix()


def standing_for(clips: Iterable[Clip]) -> Clip | None:
    """Choose the result whose picture stands for all: the first that can be seen, or heard."""
    drawn = [clip for clip in clips if clip.kind in _SHOWN and clip.is_stored]
    return min(drawn, key=lambda clip: clip.kind == "audio", default=None)


def _draw(clip: Clip, source: Path, poster: Path) -> None:
    from kie_ui.media.poster import make_poster  # noqa: PLC0415 - as above
    from kie_ui.media.waveform import draw_waveform  # noqa: PLC0415

    if clip.kind == "audio":
        draw_waveform(source, poster)
    else:
        make_poster(source, poster)


def remove_files(run: Run, inputs: Iterable[str], storage: Storage) -> None:
    """Remove all that is stored of a run. Blocks. Raises: OSError."""
    clips = (clip.name for clip in run.clips if clip.kind != "text")
    names = [*clips, *inputs, *([run.poster] if run.poster else [])]
    for name in names:
        try:
            storage.remove(name)
        except OutsideStorage as problem:
            log.warning("A file of run %s is left alone: %s", run.id, problem)
