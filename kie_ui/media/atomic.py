"""Files that are either whole or not there. Standard library only.

A file is written under a temporary name beside its final one, flushed to the disk, and renamed:
a reader never meets half a file, and a crash leaves at most a part that can be swept away.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART_SUFFIX = ".part"


def write_whole(final: Path, data: bytes) -> None:
    """Write a file that is whole or absent. Raises: OSError."""
    part = part_beside(final)
    with removing_on_failure(part):
        part.write_bytes(data)
        rename_whole(part, final)


def part_beside(final: Path) -> Path:
    """Make up a temporary name in the folder of `final`; two writers never share one."""
    return final.with_name(f"{final.stem}.{secrets.token_hex(4)}{PART_SUFFIX}")


def rename_whole(part: Path, final: Path) -> None:
    """Give a completely written part its final name, so that a power cut cannot lose it.

    Raises: OSError.
    """
    _flush(part, os.O_RDWR)
    part.replace(final)
    if os.name != "nt":  # Windows cannot open a folder, and flushes the rename by itself
        _flush(final.parent, os.O_RDONLY)


@contextmanager
def removing_on_failure(part: Path) -> Iterator[None]:
    """Leave no part behind when writing or renaming it fails."""
    try:
        yield
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
