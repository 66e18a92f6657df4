import os
from pathlib import Path

import pytest

from kie_ui.media.storage import part_beside, removing_on_failure, rename_whole, write_whole


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
