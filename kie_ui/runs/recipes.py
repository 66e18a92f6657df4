"""What a clip may carry of its run: how it was made, and nothing of who made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kie_ui.catalog.media import FileRef, JsonValue, MediaRef
from kie_ui.runs.run import Run, Step

if TYPE_CHECKING:  # it brings PyAV, which takes a while to import
    from kie_ui.media.recipe import Recipe


def recipe_of(run: Run) -> Recipe:
    """Return how a run's clip is made again: its model, values and task id.

    No key, owner or address of an upload; pictures are named, or given by their web address.
    Raises: ValueError for values that no file can carry.
    """
    from kie_ui.media.recipe import Recipe  # noqa: PLC0415 - as above

    made = [change.at_ms for change in run.step_changes if change.step is Step.FETCHING]
    return Recipe(
        model=run.model,
        values={name: _plain(value) for name, value in run.values.items()},
        task_id=run.task_id,
        made_at_ms=made[0] if made else None,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, JsonValue):
        return value.value
    return [_name(ref) for ref in value] if isinstance(value, tuple) else value


def _name(ref: MediaRef) -> str:
    if not isinstance(ref, FileRef):
        return ref.url
    return ref.name.replace("\\", "/").rpartition("/")[2]
