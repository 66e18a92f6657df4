"""Whether an uploaded file, or an earlier result, is what a parameter takes.

The upload itself trusts what is declared; a model that is given the file does not.
Source: Kie documentation, "Max File Size" and "Accepted File Types".
"""

from __future__ import annotations

from pathlib import Path

from kie_ui.catalog.parameters import MediaParameter
from kie_ui.media.sniffing import PREFIX_BYTES
from kie_ui.media.types import mime_of, usual_spelling
from kie_ui.simulator.answers import Refused
from kie_ui.simulator.store import FileRow

_UNKNOWN = ("application/octet-stream", "text/plain")


def check_file(parameter: MediaParameter, row: FileRow, place: Path) -> None:
    """Refuse a file that is too large, or of a type that the model does not take.

    Raises: Refused.
    """
    if parameter.max_bytes is not None and row.size > parameter.max_bytes:
        raise Refused(422, _too_large(parameter, parameter.max_bytes))
    mime = _type_of(row, place)
    if not _is_accepted(parameter, mime):
        raise Refused(422, _wrong_type(parameter, mime))


def _type_of(row: FileRow, place: Path) -> str:
    """Return the type that the bytes show, or where they show none the declared one."""
    with place.open("rb") as file:
        seen = mime_of(file.read(PREFIX_BYTES))
    return usual_spelling(row.mime) if seen in _UNKNOWN else seen


def _is_accepted(parameter: MediaParameter, mime: str) -> bool:
    family = mime.partition("/")[0]
    accepted = {usual_spelling(each) for each in parameter.accepts if "/" in each}
    if accepted:
        return not accepted.isdisjoint({mime, f"{family}/*", "*/*"})
    return parameter.media in ("file", family)


def _too_large(parameter: MediaParameter, max_bytes: int) -> str:
    nouns = {"image": "Images", "video": "Videos", "audio": "Audio files", "file": "Files"}
    noun = nouns[parameter.media]
    return f"{noun} size exceeds limit: {parameter.name} may have {max_bytes / 1e6:g} MB."


def _wrong_type(parameter: MediaParameter, mime: str) -> str:
    may_be = ", ".join(parameter.accepts) or f"any {parameter.media}"
    return f"File type not supported: {parameter.name} is {mime}, and may be {may_be}."
