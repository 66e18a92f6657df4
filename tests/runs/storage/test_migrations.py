from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from kie_ui.runs.errors import StoreProblem
from kie_ui.runs.storage import migrations
from kie_ui.runs.storage.run_store import RunStore, sqlite_url
from kie_ui.runs.storage.tables import to_row
from tests.runs.harness import FULL, a_run

OLD_NAMES = {"status_note": "note", "user_note": "remark"}


@pytest.mark.parametrize("migrations_applied", [1, 6])
async def test_a_database_of_an_older_version_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrations_applied: int
) -> None:
    """Runs of the first schema, and of version 0.1, keep every field that they have."""
    url = sqlite_url(tmp_path / "old.sqlite3")
    run = a_run(**FULL)
    with monkeypatch.context() as patched, closing_engine(url) as connection:
        older = dict(islice(migrations.MIGRATIONS.items(), migrations_applied))
        patched.setattr(migrations, "MIGRATIONS", older)
        migrations.migrate(connection, at_ms=1)
        columns = {row.name for row in connection.execute(text("PRAGMA table_info(runs)"))}
        row = {OLD_NAMES.get(name, name): value for name, value in to_row(run).items()}
        old_row = {name: value for name, value in row.items() if name in columns}
        names = ", ".join(f'"{name}"' for name in old_row)
        marks = ", ".join(f":{name}" for name in old_row)
        connection.execute(text(f"INSERT INTO runs ({names}) VALUES ({marks})"), old_row)
    store = RunStore(url)
    await store.open()
    try:
        later = {} if "remark" in columns else {"paid_by": None, "user_note": ""}
        assert await store.run(run.id) == run.model_copy(update=later)
    finally:
        await store.close()


@contextmanager
def closing_engine(url: str) -> Iterator[Connection]:
    """Open a transaction on a database, and close the database after it."""
    engine = create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


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
