"""What holds for all tests: no time is asserted, and how they are shared out among processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer  # type: ignore[import-untyped]  # it has no types
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # nor has it

# How long an example takes says nothing of the law it tries, least of all on a busy computer.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

HERE = Path(__file__).parent
UNITS = ("browser, first half", "wire", "browser, second half")
"""What is given to a process as a whole, in this turn: it shares what takes long to start."""
SECOND_HALF = "test_m"
"""Where the second half of the browser's files begins."""


class RoomScheduling(LoadFileScheduling):  # type: ignore[misc]  # of no known type
    """Gives a process a file at a time, but whole units of the rooms that start programs."""

    def _split_scope(self, nodeid: str) -> str:
        file = Path(super()._split_scope(nodeid))
        return _unit(file.parts[1:]) or str(file)


def _unit(parts: tuple[str, ...]) -> str | None:
    """Name the unit of a file below this folder, if it is part of one."""
    room, name = parts[0], parts[-1]
    if room == "browser":
        return UNITS[2 if name >= SECOND_HALF else 0]
    return room if room in UNITS else None


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> RoomScheduling:
    """Share the tests out."""
    return RoomScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that all processes end together."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    unit = _unit(item.path.relative_to(HERE).parts)
    return UNITS.index(unit) if unit else len(UNITS)
