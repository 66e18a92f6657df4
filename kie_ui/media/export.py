"""Export results: a ZIP that is written while it is sent, and a table for spreadsheets.

Standard library only. All functions block; call them in a thread.
"""

from __future__ import annotations

import csv
import io
import json
import re
import time
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

MAX_NAME_BYTES = 100
MISSING_NAME = "Missing files.txt"

_CHUNK_BYTES = 256 * 1024
_EARLIEST, _LATEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)  # what a ZIP can say
_FILE_MODE = 0o100644
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_JOINERS = {"\u200c", "\u200d"}  # spelling of several scripts, and of composed emoji
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*", re.IGNORECASE)
_SUFFIX = re.compile(r"(?:\.[A-Za-z0-9]{1,8}){0,2}")
_MARK = re.compile(r"[A-Za-z0-9-]{0,40}")
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")  # full width counts too


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an archive: its name inside, with `/` between folders, and its source.

    `modified_ms` is in UTC milliseconds since 1970.
    """

    name: str
    source: Path | bytes
    modified_ms: int


def zip_stream(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Yield a ZIP piece by piece, holding no more than one piece of a file at a time.

    Files are stored as they are, since media does not compress. Names are made safe and, with
    " (2)" and so on, unique. A file that is gone or cannot be read is left out; those are listed
    in a text at the end. Nothing is read before it is needed.
    Raises: whatever `entries` raises.
    """
    outbox = _Outbox()
    names = _Names()
    missing: list[str] = []
    latest_ms = 0
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_STORED) as archive:
        for entry in entries:
            name = names.unique(_safe_path(entry.name))
            latest_ms = max(latest_ms, entry.modified_ms)
            yield from _stored(archive, outbox, entry, name, missing)
        if missing:
            text = "These files could not be read and are not, or not whole, in this archive:\r\n"
            note = "\ufeff" + text + "".join(f"{name}\r\n" for name in missing)
            last = Entry(MISSING_NAME, note.encode(), latest_ms)
            yield from _stored(archive, outbox, last, last.name, missing)
    yield outbox.take()


def _stored(
    archive: zipfile.ZipFile, outbox: _Outbox, entry: Entry, name: str, missing: list[str]
) -> Iterator[bytes]:
    try:
        file, size_bytes = _open(entry.source)
    except OSError:
        missing.append(name)
        return
    info = zipfile.ZipInfo(name, _zip_time(entry.modified_ms))
    info.external_attr = _FILE_MODE << 16
    info.file_size = size_bytes  # decides whether the long form of its sizes is needed
    with file, archive.open(info, "w") as inside:
        try:
            for chunk in _chunks(file, size_bytes):
                inside.write(chunk)
                yield outbox.take()
        except OSError:
            missing.append(name)


def _open(source: Path | bytes) -> tuple[IO[bytes], int]:
    if isinstance(source, bytes):
        return io.BytesIO(source), len(source)
    file = source.open("rb")
    return file, file.seek(0, io.SEEK_END)


def _chunks(file: IO[bytes], size_bytes: int) -> Iterator[bytes]:
    """Read as much as there was at first: a file that grows meanwhile is not followed."""
    file.seek(0)
    left = size_bytes
    while chunk := file.read(min(left, _CHUNK_BYTES)):
        left -= len(chunk)
        yield chunk


class _Outbox(io.BytesIO):
    """A stream that cannot go back: what is written waits here until it is taken."""

    def tell(self) -> int:
        raise io.UnsupportedOperation  # so that zipfile counts the bytes itself and never seeks

    def take(self) -> bytes:
        data = self.getvalue()
        self.seek(0)
        self.truncate()
        return data


class _Names:
    """The names given so far, which must differ on file systems that ignore case."""

    def __init__(self) -> None:
        self._taken: set[str] = {MISSING_NAME.casefold()}
        self._repeats: Counter[str] = Counter()

    def unique(self, name: str) -> str:
        path, key, candidate = PurePosixPath(name), name.casefold(), name
        while candidate.casefold() in self._taken:
            self._repeats[key] += 1
            candidate = str(path.with_stem(f"{path.stem} ({self._repeats[key] + 1})"))
        self._taken.add(candidate.casefold())
        return candidate


def readable_name(parts: Iterable[str], suffix: str, *, mark: str = "") -> str:
    """Make a file name that people can read and every system takes, of `MAX_NAME_BYTES` at most.

    `parts` are, say, a date, a model and a prompt; the end is cut off where there is too much, but
    never of the `mark` that follows, which keeps equal ones apart. `suffix` begins with its
    dot. In an archive the name is the same.
    Raises: ValueError for an invalid suffix or mark.
    """
    if not _SUFFIX.fullmatch(suffix):
        raise ValueError(f"This is not a file suffix: {suffix!r}")
    if not _MARK.fullmatch(mark):
        raise ValueError(f"This is not a mark: {mark!r}")
    ending = f" {mark}{suffix}" if mark else suffix
    stem = " ".join(filter(None, (_plain(part) for part in parts)))
    return _safe_stem(_cut(stem, MAX_NAME_BYTES - 1 - len(ending))) + ending


def _safe_path(name: str) -> str:
    """Make a name that stays inside the folder that it is unpacked into."""
    parts = [_plain(part) for part in re.split(r"[/\\]", name)]
    return "/".join(_safe_name(part) for part in parts if part.strip(". ")) or "file"


def _safe_name(name: str) -> str:
    suffix = Path(name).suffix
    if not _SUFFIX.fullmatch(suffix):
        suffix = ""
    stem = name.removesuffix(suffix)
    safe = _safe_stem(stem) + suffix
    if len(safe.encode()) <= MAX_NAME_BYTES:
        return safe
    return _safe_stem(_cut(stem, MAX_NAME_BYTES - 1 - len(suffix))) + suffix


def _safe_stem(stem: str) -> str:
    """Keep clear of hidden files, of ends that Windows drops, and of its devices' names."""
    stem = stem.lstrip(". ").rstrip(". ")
    is_reserved = _RESERVED.fullmatch(stem.partition(".")[0]) is not None
    return f"_{stem}" if is_reserved else stem or "file"


def _plain(text: str) -> str:
    """Keep what can be seen, in composed form, with single spaces."""
    normal = unicodedata.normalize("NFC", text)
    seen = "".join(each if _is_visible(each) else " " for each in _FORBIDDEN.sub(" ", normal))
    return " ".join(seen.split())


def _is_visible(character: str) -> bool:
    """Leave out controls, half characters, unassigned ones and marks that turn text about."""
    return character in _JOINERS or unicodedata.category(character)[0] != "C"


def _cut(text: str, max_bytes: int) -> str:
    """Cut between characters as people see them: no accent is left behind or alone."""
    cut = text.encode()[:max_bytes].decode(errors="ignore")
    while cut and cut != text and _continues(cut, text[len(cut)]):
        cut = cut[:-1]
    return cut


def _continues(cut: str, following: str) -> bool:
    is_mark = unicodedata.category(following)[0] == "M" or following in _JOINERS
    is_skin_tone = "\U0001f3fb" <= following <= "\U0001f3ff"
    return is_mark or is_skin_tone or cut[-1] == "\u200d"


def _zip_time(modified_ms: int) -> tuple[int, int, int, int, int, int]:
    """Return the local time as a ZIP stores it, or the nearest that it can store."""
    try:
        moment = time.localtime(modified_ms / 1000)
    except (OverflowError, OSError, ValueError):
        return _EARLIEST if modified_ms < 0 else _LATEST
    return max(_EARLIEST, min(_LATEST, (*moment[:5], min(moment.tm_sec, 59))))


def to_csv(rows: Iterable[Mapping[str, object]]) -> str:
    """Write a table as spreadsheets read it, with a byte-order mark and a line of headings.

    The columns are all keys in the order they first come in. Text that a spreadsheet would take for
    a formula gets an apostrophe before it; numbers stay numbers, lists and objects become JSON.
    """
    table = [dict(row) for row in rows]
    columns = list(dict.fromkeys(key for row in table for key in row))
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\r\n")
    writer.writerow(map(_cell, columns))
    writer.writerows([_cell(row.get(key)) for key in columns] for row in table)
    return "\ufeff" + sheet.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping | list | tuple):
        value = json.dumps(value, ensure_ascii=False, default=str)
    return _defused(str(value))


def _defused(text: str) -> str:
    """Keep a spreadsheet from running what someone else wrote. Source: OWASP, CSV Injection."""
    storable = text.encode(errors="replace").decode().replace("\0", "")
    return f"'{storable}" if _FORMULA.match(storable) else storable
