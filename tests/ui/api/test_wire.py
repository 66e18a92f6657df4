from __future__ import annotations

from kie_ui.ui.api.wire import TYPES_FILE, write_types


def test_the_scripts_are_checked_against_the_types_that_the_server_sends() -> None:
    """The file is written by `python -m kie_ui.ui.api.wire`, which a change of a type needs."""
    assert TYPES_FILE.read_text() == write_types()
