"""What a form gives → what a run holds: values checked, pictures made fit and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from kie_ui.catalog.inputs import InvalidValues, check_values, named
from kie_ui.catalog.media import FileRef, MediaRef, as_media
from kie_ui.catalog.parameters import MediaParameter
from kie_ui.catalog.price import estimate_credits
from kie_ui.catalog.rules import EXTRA, Problem, in_effect, notices
from kie_ui.catalog.spec import ModelSpec
from kie_ui.media.storage import Storage

if TYPE_CHECKING:  # Pillow takes a while to import, and the page's first view is without it
    from kie_ui.media.given import GivenFile
    from kie_ui.media.images import PictureLimits, PreparedPicture

    Prepared = GivenFile | PreparedPicture

AT_ONCE = 2
"""Pictures decoded at the same time: each may take hundreds of megabytes for a moment."""

USUAL_MAX_BYTES = 10_000_000
MOST_BYTES = 100_000_000
"""What this program takes of other files where a model documents no limit."""
USUAL_ACCEPTS = ("image/jpeg", "image/png", "image/webp")
"""Limits of pictures where a model documents none: those that its siblings document."""

_REFS: TypeAdapter[tuple[MediaRef, ...]] = TypeAdapter(tuple[MediaRef, ...])


@dataclass(frozen=True)
class Taken:
    """What a new run starts from."""

    values: dict[str, Any]
    """Checked; each `FileRef` holds a name in the storage."""
    notices: tuple[str, ...]
    changes: tuple[str, ...]
    estimated_credits: float | None


class Intake:
    """Checks values and brings their pictures into the storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._room = asyncio.Semaphore(AT_ONCE)

    async def take(self, spec: ModelSpec, values: Mapping[str, Any]) -> Taken:
        """Check everything, and keep the pictures once all is well.

        Raises: InvalidValues, with the problems of values and of pictures at once; OSError if the
        pictures cannot be written.
        """
        checked, problems = _checked(spec, values)
        media = _media_given(spec, values if problems else checked, {p.parameter for p in problems})
        async with self._room:
            kept, changes, picture_problems = await asyncio.to_thread(self._keep, media, problems)
        problems += picture_problems
        if problems:
            raise InvalidValues(tuple(problems))
        extra = {name: value for name, value in checked.items() if name == EXTRA}
        return Taken(
            values={**checked, **kept},
            notices=tuple(notice.message for notice in notices(spec, {**values, **extra})),
            changes=changes,
            estimated_credits=estimate_credits(spec, in_effect(checked)),
        )

    def _keep(
        self, media: dict[MediaParameter, tuple[MediaRef, ...]], problems: list[Problem]
    ) -> tuple[dict[str, tuple[MediaRef, ...]], tuple[str, ...], list[Problem]]:
        """Make all pictures fit; only if there is no problem at all are they kept. Blocks."""
        with TemporaryDirectory(prefix="kie-ui-") as folder:
            prepared, found = _prepare_all(media, Path(folder))
            if problems or found:
                return {}, (), found
            kept = {
                parameter.name: tuple(self._kept(ref, prepared) for ref in refs)
                for parameter, refs in media.items()
            }
        changes = (change for picture in prepared.values() for change in picture.changes)
        return kept, tuple(dict.fromkeys(changes)), found

    def _kept(self, ref: MediaRef, prepared: Mapping[FileRef, Prepared]) -> MediaRef:
        if not isinstance(ref, FileRef):
            return ref
        picture = prepared[ref]
        name = self._storage.keep_input(picture.path, picture.suffix)
        return FileRef(path=name, name=ref.name)


def _checked(spec: ModelSpec, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    try:
        return check_values(spec, values), []
    except InvalidValues as invalid:
        return {}, list(invalid.problems)


def _media_given(
    spec: ModelSpec, values: Mapping[str, Any], without: set[str]
) -> dict[MediaParameter, tuple[MediaRef, ...]]:
    """Find the pictures among values, also among such as have problems elsewhere."""
    media: dict[MediaParameter, tuple[MediaRef, ...]] = {}
    for parameter in spec.media_parameters:
        given = values.get(parameter.name)
        if given is None or parameter.name in without:
            continue
        items = given if isinstance(given, (list, tuple)) else [given]
        with suppress(ValidationError):  # then `check_values` has said so already
            media[parameter] = _REFS.validate_python(tuple(as_media(item) for item in items))
    return media


def picture_limits(parameter: MediaParameter) -> PictureLimits:
    """Return what a picture for this parameter must be like to be sent."""
    from kie_ui.media.images import PictureLimits  # noqa: PLC0415 - as above

    return PictureLimits(
        max_bytes=parameter.max_bytes or USUAL_MAX_BYTES,
        accepts=parameter.accepts or USUAL_ACCEPTS,
    )


def _prepare_all(
    media: Mapping[MediaParameter, tuple[MediaRef, ...]], folder: Path
) -> tuple[dict[FileRef, Prepared], list[Problem]]:
    from kie_ui.media.given import GivenProblem  # noqa: PLC0415 - as above
    from kie_ui.media.images import PictureProblem  # noqa: PLC0415

    prepared: dict[FileRef, Prepared] = {}
    problems: dict[str, Problem] = {}
    for parameter, ref in _files(media):
        try:
            prepared[ref] = _prepare(parameter, Path(ref.path), folder)
        except (PictureProblem, GivenProblem) as exc:
            words = f"{named(parameter)}: {exc}"
            problems.setdefault(parameter.name, Problem(parameter.name, words))
        except FileNotFoundError:
            gone = f"{named(parameter)} is gone from this computer: choose it again."
            problems.setdefault(parameter.name, Problem(parameter.name, gone))
    return prepared, list(problems.values())


def _prepare(parameter: MediaParameter, source: Path, folder: Path) -> Prepared:
    """Make a picture fit, and look into anything else. Raises: PictureProblem, GivenProblem."""
    from kie_ui.media.given import check_given  # noqa: PLC0415 - as above
    from kie_ui.media.images import prepare_picture  # noqa: PLC0415

    if parameter.media == "image":
        return prepare_picture(source, folder, picture_limits(parameter))
    max_bytes = parameter.max_bytes or MOST_BYTES
    return check_given(source, parameter.media, max_bytes, parameter.accepts)


def _files(
    media: Mapping[MediaParameter, tuple[MediaRef, ...]],
) -> Iterator[tuple[MediaParameter, FileRef]]:
    for parameter, refs in media.items():
        for ref in refs:
            if isinstance(ref, FileRef):
                yield parameter, ref
