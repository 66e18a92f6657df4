"""Pictures between the page and a run: a file that was given, or an address that was typed."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from gradio.data_classes import FileData

from kie_ui.catalog.media_types import SHOWN_IN_BROWSERS
from kie_ui.catalog.parameters import MediaParameter
from kie_ui.catalog.values import FileRef, MediaRef, UrlRef, is_web_address
from kie_ui.media.formats import MediaProblem
from kie_ui.ui.asgi.uploads import folder_of

UPLOAD_META = {"_type": "gradio.FileData"}


class NotAPicture(ValueError):
    """What came in stands for no file of this visitor and for no web address."""


def is_address(resource: object) -> bool:
    """Tell whether Gradio is about to fetch this itself, which we never let it."""
    return isinstance(resource, str) and resource.lower().startswith(("http://", "https://"))


def media_ref(payload: object) -> MediaRef:
    """Read what Gradio hands over for one file.

    Only files in Gradio's own upload folder are taken, so that no caller can name a file of ours.
    Raises: NotAPicture.
    """
    if isinstance(payload, str):
        return _url_ref(payload)
    if not isinstance(payload, (Mapping, FileData)):
        raise NotAPicture("needs an uploaded file or a web address.")
    data = payload if isinstance(payload, Mapping) else payload.model_dump()
    path = data.get("path")
    if not isinstance(path, str) or data.get("meta") != UPLOAD_META:
        raise NotAPicture("needs an uploaded file or a web address.")
    if is_address(path):
        return _url_ref(path)
    if folder_of(path) is None:
        raise NotAPicture("needs a file that was uploaded here.")
    return FileRef(path=path, name=Path(str(data.get("orig_name") or path)).name)


def _url_ref(address: str) -> UrlRef:
    if not is_web_address(address.strip()):
        raise NotAPicture("needs a web address that starts with https:// or http://.")
    return UrlRef(url=address)


def look_at(
    parameter: MediaParameter, picture: MediaRef | None
) -> tuple[dict[str, Any] | None, str]:
    """Say what a given picture is, and what to show instead of one that browsers can't show.

    Returns `{"of": path, "instead": file}` or None, and the words. Blocks: Gradio runs it in a
    thread.
    """
    if not isinstance(picture, FileRef):
        return None, ""
    from kie_ui.media.images.open import inspect_picture  # noqa: PLC0415 - few need it

    source = Path(picture.path)
    try:
        info = inspect_picture(source)
        format_ = "HEIC" if info.format == "HEIF" else info.format
        facts = f"{format_} · {info.width_px} × {info.height_px} · {_size(info.size_bytes)}"
        if info.mime in SHOWN_IN_BROWSERS:
            return None, f"<p>{escape(facts)}</p>"
        fit, changes = _fit(parameter, source)
    except MediaProblem as problem:
        return None, f'<p class="kie-note-error" role="alert">{escape(str(problem))}</p>'
    instead = {"path": str(fit), "orig_name": fit.name, "meta": UPLOAD_META}
    words = f"{facts}. {' '.join(changes)}"
    return {"of": picture.path, "instead": instead}, f"<p>{escape(words)}</p>"


def _fit(parameter: MediaParameter, source: Path) -> tuple[Path, tuple[str, ...]]:
    """Turn a picture into what would be sent of it, beside it in Gradio's cache."""
    from kie_ui.media.images.convert import prepare_picture  # noqa: PLC0415 - few need it
    from kie_ui.runs.lifecycle.submit import picture_limits  # noqa: PLC0415

    prepared = prepare_picture(source, source.parent, picture_limits(parameter))
    return prepared.path, prepared.changes


def _size(size_bytes: int) -> str:
    mega = size_bytes / 1e6
    return f"{mega:.1f} MB" if mega >= 0.1 else f"{size_bytes / 1e3:.0f} kB"
