"""Pictures that a fresh simulator already knows: Grok image tasks, and the documented samples."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import NamedTuple

from kie_ui.catalog.parameters import MediaParameter
from kie_ui.catalog.registry import built_in_registry

IMAGE_MODEL = "grok-imagine/text-to-image"
PICTURES_PER_TASK = 6
"""Source: Grok page, parameter `index`."""


class SampleImageTask(NamedTuple):
    """A finished Grok image task of six pictures. `pictures` are paths under `assets/`."""

    task_id: str
    title: str
    prompt: str
    pictures: tuple[str, ...]


def sample_image_tasks() -> tuple[SampleImageTask, ...]:
    """Return the image tasks that every key may use as `task_id`."""
    return (
        _sample("grok-a", "Paper boat", "A paper boat on a quiet lake"),
        _sample("grok-b", "Hot-air balloons", "Hot-air balloons over hills"),
    )


def sample_image_task(task_id: str) -> SampleImageTask | None:
    """Return the sample image task of that id, or None."""
    return next((task for task in sample_image_tasks() if task.task_id == task_id), None)


def documented_sample(url: str) -> str | None:
    """Return the asset that answers for a documented sample address, or None."""
    for spec in built_in_registry():
        for parameter in spec.parameters:
            if isinstance(parameter, MediaParameter) and url in parameter.default:
                return parameter.sample
    return None


def sample_path(assets_dir: Path, name: str) -> Path | None:
    """Return where a served sample picture is, or None if `name` is none of them."""
    known = {picture for task in sample_image_tasks() for picture in task.pictures}
    return assets_dir / PurePosixPath(name) if name in known else None


def _sample(folder: str, title: str, prompt: str) -> SampleImageTask:
    pictures = tuple(f"samples/{folder}/{index}.jpg" for index in range(PICTURES_PER_TASK))
    return SampleImageTask(f"sample-{folder}", title, prompt, pictures)
