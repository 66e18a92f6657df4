from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from kie_ui.runs.errors import StoreProblem
from kie_ui.runs.storage import migrations
from kie_ui.runs.storage.run_store import RunStore, sqlite_url
from tests.runs.harness import FULL, a_run, make_older_database


@pytest.mark.parametrize("migrations_applied", [1, 6])
async def test_a_database_of_an_older_version_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrations_applied: int
) -> None:
    """Runs of the first schema, and of version 0.1, keep every field that they have."""
    url = sqlite_url(tmp_path / "old.sqlite3")
    run = a_run(**FULL)
    columns = make_older_database(monkeypatch, url, migrations_applied, run)
    store = RunStore(url)
    await store.open()
    try:
        later = {} if "remark" in columns else {"paid_by": None, "user_note": ""}
        assert await store.run(run.id) == run.model_copy(update=later)
    finally:
        await store.close()


async def test_migrating_twice_does_nothing(store: RunStore, tmp_path: Path) -> None:
    """A second start finds every migration applied."""
    with create_engine(sqlite_url(tmp_path / "store.sqlite3")).begin() as connection:
        assert migrations.migrate(connection, at_ms=2) == ()
        names = connection.scalars(text("SELECT name FROM migrations ORDER BY name")).all()
    assert names == [*migrations.MIGRATIONS]


async def test_a_migration_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All missing migrations are applied, or none."""
    broken = "CREATE TABLE half (id INTEGER); THIS IS NO SQL;"
    more = migrations.MIGRATIONS | {"m9999_broken": broken}
    monkeypatch.setattr(migrations, "MIGRATIONS", more)
    store = RunStore(sqlite_url(tmp_path / "new.sqlite3"))
    with pytest.raises(StoreProblem):
        await store.open()
    await store.close()
    assert _tables(tmp_path / "new.sqlite3") == []


def _tables(path: Path) -> list[Any]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT name FROM sqlite_master").fetchall()
    finally:
        connection.close()
