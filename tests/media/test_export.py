from __future__ import annotations

import csv
import io
import time
import tracemalloc
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kie_ui.media.export import (
    MAX_NAME_BYTES,
    MISSING_NAME,
    Entry,
    readable_name,
    to_csv,
    zip_stream,
)

_NOON_MS = int(time.mktime((2025, 6, 1, 12, 0, 0, 0, 0, -1))) * 1000
_MIB = 1024**2


def _archive(pieces: Iterable[bytes]) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
    assert archive.testzip() is None
    return archive


def _unpacked(entries: list[Entry]) -> dict[str, bytes]:
    archive = _archive(zip_stream(entries))
    return {info.filename: archive.read(info) for info in archive.infolist()}


def test_files_and_texts_come_back(tmp_path: Path) -> None:
    """What goes in comes out, stored as it is, with its name and time; nothing is an empty ZIP."""
    (tmp_path / "clip").write_bytes(b"frames" * 100_000)
    entries = [
        Entry("Fox 🦊.mp4", tmp_path / "clip", _NOON_MS),
        Entry("notes/recipe.json", b"{}", _NOON_MS),
        Entry("empty.txt", b"", _NOON_MS),
    ]
    archive = _archive(zip_stream(entries))

    assert archive.namelist() == ["Fox 🦊.mp4", "notes/recipe.json", "empty.txt"]
    assert archive.read("Fox 🦊.mp4") == b"frames" * 100_000
    for info in archive.infolist():
        assert info.compress_type == zipfile.ZIP_STORED
        assert info.date_time == (2025, 6, 1, 12, 0, 0)
    assert _unpacked([]) == {}


def _sparse(folder: Path, number: int, size_bytes: int) -> Path:
    path = folder / f"{number}"
    with path.open("wb") as file:
        file.truncate(size_bytes)
    return path


def test_memory_stays_small(tmp_path: Path) -> None:
    """Neither the number of files nor their size is held in memory, and the start comes at once."""
    made: list[int] = []

    def entries() -> Iterator[Entry]:
        large = _sparse(tmp_path, 0, 96 * _MIB)
        for number in range(500):
            made.append(number)
            yield Entry("clip.mp4", large if number < 2 else b"x" * 1000, _NOON_MS)

    tracemalloc.start()
    try:
        pieces = zip_stream(entries())
        next(pieces)
        assert len(made) == 1
        total, largest = 0, 0
        for piece in pieces:
            total, largest = total + len(piece), max(largest, len(piece))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert total > 192 * _MIB
    assert largest < _MIB
    assert peak_bytes < 4 * _MIB


def test_large_files_use_the_long_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the old limit (lowered here) sizes and places are written in eight bytes."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1_000_000)
    large = _sparse(tmp_path, 1, 3_000_000)
    data = b"".join(zip_stream([Entry(f"{n}.mp4", large, _NOON_MS) for n in range(3)]))

    assert b"PK\x06\x06" in data
    assert [info.file_size for info in _archive([data]).infolist()] == [3_000_000] * 3


def test_a_vanished_file_is_left_out_and_named(tmp_path: Path) -> None:
    """The others still come, and a text at the end names what is missing."""
    contents = _unpacked(
        [
            Entry("gone.mp4", tmp_path / "gone", _NOON_MS),
            Entry("folder.mp4", tmp_path, _NOON_MS),
            Entry("here.txt", b"here", _NOON_MS),
            Entry(MISSING_NAME, b"mine", _NOON_MS),
        ]
    )

    assert list(contents) == ["here.txt", "Missing files (2).txt", MISSING_NAME]
    note = contents[MISSING_NAME].decode("utf-8-sig")
    assert "gone.mp4\r\n" in note
    assert "folder.mp4\r\n" in note
    assert "here.txt" not in note


def test_a_file_that_grows_or_shrinks_meanwhile_breaks_nothing(tmp_path: Path) -> None:
    """The archive says what was really read."""
    path = _sparse(tmp_path, 1, 3 * _MIB)
    pieces = zip_stream([Entry("a.mp4", path, _NOON_MS), Entry("b.txt", b"b", _NOON_MS)])
    start = next(pieces)
    with path.open("r+b") as file:
        file.truncate(_MIB)

    assert _archive([start, *pieces]).getinfo("a.mp4").file_size == _MIB


def test_same_names_are_numbered() -> None:
    """Also where only case or the form of an accent differs, which some systems ignore."""
    names = [
        *("a.mp4", "a.mp4", "A.mp4", "a (2).mp4"),
        *("e\u0301.mp4", "\u00e9.mp4", "x/a.mp4", "n", "n"),
    ]
    contents = _unpacked([Entry(name, b"", _NOON_MS) for name in names])

    assert list(contents) == [
        *("a.mp4", "a (2).mp4", "A (3).mp4", "a (2) (2).mp4"),
        *("\u00e9.mp4", "\u00e9 (2).mp4", "x/a.mp4", "n", "n (2)"),
    ]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\Windows\\x.dll", "C/Windows/x.dll"),
        ("..", "file"),
        ("", "file"),
        ("CON.mp4", "_CON.mp4"),
        ("a/nul/b.txt", "a/_nul/b.txt"),
        ("what?.mp4 ", "what.mp4"),
        (".hidden.mp4", "hidden.mp4"),
        ("a\0b\n.mp4", "a b.mp4"),
        ("gpj.\u202egpm.mp4", "gpj. gpm.mp4"),
    ],
)
def test_names_inside_are_safe(name: str, safe: str) -> None:
    """No name leads out of the folder that it is unpacked into, or to a device."""
    assert list(_unpacked([Entry(name, b"", _NOON_MS)])) == [safe]


@pytest.mark.parametrize("modified_ms", [-(10**18), -1, 0, 5 * 10**12, 10**18])
def test_any_time_is_written(modified_ms: int) -> None:
    """What lies outside of a ZIP's calendar becomes the nearest day within."""
    archive = _archive(zip_stream([Entry("a", b"", modified_ms)]))

    assert 1980 <= archive.infolist()[0].date_time[0] <= 2107


def test_a_name_is_made_of_what_people_look_for() -> None:
    """Date, model and the start of the prompt, in any script."""
    parts = ["2025-06-01", "maker/model-2", "Ein Fuchs  🦊\nläuft: schnell."]

    assert readable_name(parts, ".mp4") == "2025-06-01 maker model-2 Ein Fuchs 🦊 läuft schnell.mp4"
    assert readable_name([], ".mp4") == "file.mp4"
    assert readable_name(["aux"], ".mp4") == "_aux.mp4"
    with pytest.raises(ValueError, match="suffix"):
        readable_name(["a"], "/../x")


def test_a_long_name_is_cut_between_what_people_see() -> None:
    """Neither half a family nor a lone accent is left."""
    family = "👩‍👩‍👧"
    name = readable_name([family * 20], ".mp4")

    assert set(name.removesuffix(".mp4").split(family)) == {""}
    assert len(readable_name(["q\u0301" * 60], ".mp4").encode()) <= MAX_NAME_BYTES
    assert readable_name(["q\u0301" * 60], ".mp4").endswith("\u0301.mp4")


def test_a_mark_is_never_cut_off() -> None:
    """However long the prompt, and whatever its script: it keeps equal ones apart."""
    assert readable_name(["A fox"], ".mp4", mark="ab12-2") == "A fox ab12-2.mp4"
    assert readable_name([], ".mp4", mark="ab12") == "file ab12.mp4"
    name = readable_name(["狐" * 60], ".mp4", mark="ab12")
    assert name.endswith("狐 ab12.mp4")
    assert len(name.encode()) <= MAX_NAME_BYTES
    for mark in ("a b", "/..", "a.b", "a" * 41):
        with pytest.raises(ValueError, match="mark"):
            readable_name(["a"], ".mp4", mark=mark)


@settings(deadline=None)
@example(parts=["NUL", ".0", "\u0800" * 60], suffix=".mp4", mark="000")
@given(
    parts=st.lists(
        st.text() | st.sampled_from(["..", "NUL", "aux.a", "a.", "狐" * 60]), max_size=4
    ),
    suffix=st.sampled_from([".mp4", "", ".tar.gz"]),
    mark=st.from_regex(r"[a-f0-9]{1,32}(-[0-9])?", fullmatch=True),
)
def test_a_marked_name_is_the_very_same_in_an_archive(
    parts: list[str], suffix: str, mark: str
) -> None:
    """A table that was written before says which file it speaks of."""
    name = readable_name(parts, suffix, mark=mark)

    assert name.endswith(f" {mark}{suffix}")
    assert list(_unpacked([Entry(name, b"", _NOON_MS)])) == [name]


@settings(suppress_health_check=list(HealthCheck))
@example(parts=["\ud800", "con"])
@given(parts=st.lists(st.text() | st.sampled_from(["..", "/", "NUL", "COM1 ", "a."]), max_size=4))
def test_every_name_is_taken_by_every_system(parts: list[str]) -> None:
    """One plain part, in bytes and characters that all allow, whatever it is made from."""
    name = readable_name(parts, ".mp4")

    assert len(name.encode()) <= MAX_NAME_BYTES
    assert PurePosixPath(name).name == PureWindowsPath(name).name == name
    assert not name.startswith((".", " "))
    assert name.removesuffix(".mp4") == name.removesuffix(".mp4").strip(" .")
    assert not set('<>:"/\\|?*') & set(name)
    assert unicodedata.is_normalized("NFC", name)
    assert name.partition(".")[0].strip().casefold() not in {"con", "nul", "com1", "aux", "prn"}


def _read_back(text: str) -> list[list[str]]:
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_a_table_is_read_by_spreadsheets() -> None:
    """Headings from all rows, quoted lines, numbers as numbers, nothing for what is missing."""
    rows: list[dict[str, object]] = [
        {"prompt": 'a "fox",\nrunning 🦊', "credits": -1.5, "kept": True},
        {"prompt": None, "values": {"n": [1, "ü"]}},
    ]

    assert _read_back(to_csv(rows)) == [
        ["prompt", "credits", "kept", "values"],
        ['a "fox",\nrunning 🦊', "-1.5", "TRUE", ""],
        ["", "", "", '{"n": [1, "ü"]}'],
    ]
    assert to_csv([]) == "\ufeff\r\n"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", " =", "\r", "\n", "\uff1d", "\0="])
def test_formulas_are_defused(start: str) -> None:
    """A prompt or a heading that a spreadsheet would run is kept as text."""
    rows = _read_back(to_csv([{f"{start}1+1": f"{start}cmd|' /C calc'!A0"}]))

    assert all(cell.startswith("'") for row in rows for cell in row)


@given(rows=st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none())))
def test_every_table_can_be_stored(rows: list[dict[str, object]]) -> None:
    """Whatever the cells hold, the text is UTF-8 and has a row for each row."""
    text = to_csv(rows)

    assert text.encode()
    assert len(_read_back(text)) == len(rows) + 1
