import errno
import hashlib
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kie_ui.media.storage import (
    OutsideStorage,
    Storage,
    StoredFile,
    explain_os_error,
    part_beside,
    removing_on_failure,
    rename_whole,
    write_whole,
)

RUN_ID = "0f3a9c"


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    """Give a storage whose root does not exist yet."""
    return Storage(tmp_path / "kept")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Give a file that somebody dropped in."""
    path = tmp_path / "holiday.jpg"
    path.write_bytes(b"pixels")
    return path


def test_a_picture_is_kept_under_the_name_of_its_content(storage: Storage, picture: Path) -> None:
    """The name is the hash, so it reveals nothing of the visitor and can be found again."""
    digest = hashlib.sha256(b"pixels").hexdigest()

    name = storage.keep_input(picture, ".jpg").name

    assert name == f"inputs/{digest[:2]}/{digest}.jpg"
    assert storage.resolve(name).read_bytes() == b"pixels"


def test_the_same_picture_is_kept_once(storage: Storage, picture: Path) -> None:
    """A second visit of the same content copies nothing."""
    name = storage.keep_input(picture, ".jpg").name
    before = storage.resolve(name).stat()

    assert storage.keep_input(picture, ".jpg").name == name
    assert storage.resolve(name).stat().st_ino == before.st_ino


def test_a_picture_that_changes_while_it_is_copied_is_named_by_the_copy(
    storage: Storage, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name always matches the bytes that were kept."""

    def copy_something_newer(source: Path, target: Path) -> None:
        target.write_bytes(b"newer pixels")

    monkeypatch.setattr("kie_ui.media.storage.shutil.copyfile", copy_something_newer)

    assert hashlib.sha256(b"newer pixels").hexdigest() in storage.keep_input(picture, ".jpg").name


@pytest.mark.parametrize("suffix", ["", "jpg", ".", ".JPG", "./x", ".jp g", ".tar.gz", ".jpg\n"])
def test_only_plain_suffixes_are_taken(storage: Storage, picture: Path, suffix: str) -> None:
    """A suffix cannot smuggle a path or anything else into the name."""
    with pytest.raises(ValueError, match="suffix"):
        storage.keep_input(picture, suffix)


def test_a_failed_copy_leaves_nothing(
    storage: Storage, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is full there is no half picture, and the error says why."""

    def copy_half(source: Path, target: Path) -> None:
        target.write_bytes(b"pix")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("kie_ui.media.storage.shutil.copyfile", copy_half)

    with pytest.raises(OSError, match="No space"):
        storage.keep_input(picture, ".jpg")
    assert [path for path in storage.root.rglob("*") if path.is_file()] == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_folders_are_private(storage: Storage, picture: Path) -> None:
    """Nobody else on the machine can list or read what is kept."""
    storage.keep_input(picture, ".jpg")
    storage.clip_path(RUN_ID)

    folders = [storage.root, *(path for path in storage.root.rglob("*") if path.is_dir())]

    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    assert len(folders) == 4


def test_a_clip_arrives_whole(storage: Storage) -> None:
    """A result is written to its part and appears under its name only when finished."""
    part, final = storage.part_path(RUN_ID), storage.clip_path(RUN_ID)
    part.write_bytes(b"frames")
    assert not final.exists()

    assert storage.finish(part, final) == StoredFile(f"clips/{final.name}", 6)

    assert final.read_bytes() == b"frames"
    assert not part.exists()
    assert storage.resolve(f"clips/{RUN_ID}.mp4") == final


@pytest.mark.parametrize("run_id", ["", "0F3A", "../x", "0f3a.mp4", "0f3a\n", "g", "a" * 65])
def test_only_a_run_id_makes_a_clip_path(storage: Storage, run_id: str) -> None:
    """Anything but lowercase hexadecimal digits is refused before it touches a path."""
    with pytest.raises(ValueError, match="run id"):
        storage.clip_path(run_id)


def test_nothing_outside_can_be_finished(storage: Storage, tmp_path: Path) -> None:
    """Neither end of the rename may lie elsewhere."""
    outside = tmp_path / "elsewhere.mp4"
    outside.write_bytes(b"frames")

    with pytest.raises(OutsideStorage):
        storage.finish(outside, storage.clip_path(RUN_ID))
    with pytest.raises(OutsideStorage):
        storage.finish(storage.part_path(RUN_ID), outside)


@pytest.mark.parametrize(
    "name",
    [
        "../holiday.jpg",
        "clips/../../holiday.jpg",
        "/etc/passwd",
        "//etc/passwd",
        "C:/windows",
        "clips\\..\\..\\holiday.jpg",
        "clips/\x00.mp4",
        "clips//x.mp4",
        "",
        ".",
        "./",
        "..",
        "~/secret",
    ],
)
def test_a_name_that_leaves_the_root_is_refused(storage: Storage, name: str) -> None:
    """However a name is written, it cannot reach a file outside."""
    with pytest.raises(OutsideStorage):
        storage.resolve(name)


def test_a_link_that_leaves_the_root_is_refused(storage: Storage, picture: Path) -> None:
    """A link planted inside does not open what lies outside, whether file or folder."""
    clips = storage.clip_path(RUN_ID).parent
    (clips / "link.mp4").symlink_to(picture)
    (clips / "folder").symlink_to(picture.parent)

    for name in ("clips/link.mp4", "clips/folder/holiday.jpg"):
        with pytest.raises(OutsideStorage):
            storage.resolve(name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="./\\~a0:\x00 ", max_size=12))
def test_whatever_resolves_is_inside(storage: Storage, name: str) -> None:
    """Every name either is refused or stays below the root."""
    try:
        path = storage.resolve(name)
    except OutsideStorage:
        return
    assert storage.root in path.resolve().parents


def test_stale_parts_are_swept_and_fresh_ones_stay(tmp_path: Path, picture: Path) -> None:
    """What a crash left is removed; what another process is writing, and whole files, stay."""
    storage = Storage(tmp_path / "kept", now=lambda: 10_000.0)
    kept = storage.resolve(storage.keep_input(picture, ".jpg").name)
    stale, fresh = storage.part_path(RUN_ID), storage.part_path(RUN_ID)
    half_copy = kept.with_name("half.part")
    for part, written_at_s in ((stale, 5_000), (fresh, 9_900), (half_copy, 0), (kept, 0)):
        part.touch()
        os.utime(part, (written_at_s, written_at_s))

    assert storage.sweep_parts() == 2
    assert [path.exists() for path in (stale, half_copy, fresh, kept)] == [False, False, True, True]


def test_sweeping_an_unused_storage_is_no_error(storage: Storage) -> None:
    """The first start has nothing to sweep and makes no folder."""
    assert storage.sweep_parts() == 0
    assert not storage.root.exists()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EACCES, "may not be written"),
        (errno.EROFS, "read-only"),
        (errno.ENAMETOOLONG, "could not be stored"),
    ],
)
def test_a_disk_error_is_put_in_plain_words(code: int, words: str) -> None:
    """The sentence says what is wrong and what to do, and shows no path."""
    sentence = explain_os_error(OSError(code, "as the system says it", "/secret/path"))

    assert words in sentence
    assert sentence.endswith(".")
    assert "/secret" not in sentence


def test_an_error_without_a_code_is_still_explained() -> None:
    """Some libraries raise disk errors that carry no number."""
    assert explain_os_error(OSError("odd")) == (
        "The file could not be stored (unknown reason). Try again."
    )


def test_the_size_of_a_kept_file_is_known(storage: Storage, picture: Path) -> None:
    """Nobody has to walk the disk for it; what is gone already took nothing."""
    kept = storage.keep_input(picture, ".jpg")
    assert storage.keep_input(picture, ".jpg") == kept
    assert kept.size_bytes == storage.size_bytes(kept.name) == 6
    assert storage.was_given_lately(kept.name, 60)
    removed_bytes = [storage.remove(kept.name) for _ in range(2)]
    assert (removed_bytes, storage.size_bytes(kept.name)) == ([6, 0], 0)
    assert not storage.was_given_lately(kept.name, 60)


def test_posters_have_a_folder_of_their_own(storage: Storage) -> None:
    """A picture that is a result and its poster never share a name."""
    assert storage.poster_path("ab").parent != storage.clip_path("ab", ".webp").parent
    with pytest.raises(ValueError, match="run id"):
        storage.poster_path("../ab")


def test_a_file_is_written_under_its_final_name_only(tmp_path: Path) -> None:
    """After writing there is the file and nothing else."""
    write_whole(tmp_path / "clip.mp4", b"whole")

    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]
    assert (tmp_path / "clip.mp4").read_bytes() == b"whole"


def test_a_failed_write_leaves_the_old_file_and_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk fills up midway, readers still find the former file, whole."""
    final = tmp_path / "clip.mp4"
    final.write_bytes(b"former")
    monkeypatch.setattr(os, "fsync", _raise_disk_full)

    with pytest.raises(OSError, match="No space"):
        write_whole(final, b"newer")

    assert final.read_bytes() == b"former"
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def _raise_disk_full(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_bytes_reach_the_disk_before_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part is flushed, then renamed, then its folder is flushed: a power cut loses nothing."""
    part, final = tmp_path / "clip.part", tmp_path / "clip.mp4"
    part.write_bytes(b"whole")
    had_final_name_at_flush: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda _: had_final_name_at_flush.append(final.exists()))

    rename_whole(part, final)

    assert had_final_name_at_flush[0] is False
    assert had_final_name_at_flush[1:] == ([] if os.name == "nt" else [True])


def test_two_writers_never_share_a_part(tmp_path: Path) -> None:
    """Temporary names are made up anew each time, in the folder of the final file."""
    parts = {part_beside(tmp_path / "clip.mp4") for _ in range(20)}

    assert len(parts) == 20
    assert {part.parent for part in parts} == {tmp_path}


def test_a_part_is_removed_even_when_the_work_is_cancelled(tmp_path: Path) -> None:
    """Interrupting the writer leaves nothing behind."""
    part = tmp_path / "clip.part"
    part.touch()

    with pytest.raises(KeyboardInterrupt), removing_on_failure(part):
        raise KeyboardInterrupt

    assert not part.exists()
