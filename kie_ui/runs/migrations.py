"""The database's shape, as the list of steps that lead to it.

A migration that has been released is never edited: what is wrong with it is put right by the next.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, text

Migration = Callable[[Connection], None]

MIGRATIONS: list[Migration] = []
"""In the order in which they are applied; a migration's name is its function's."""


def migration(function: Migration) -> Migration:
    """Append a migration to the list."""
    MIGRATIONS.append(function)
    return function


def migrate(connection: Connection, at_ms: int) -> tuple[str, ...]:
    """Apply what this database lacks, within the caller's transaction, and return the names."""
    connection.execute(
        text(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (name VARCHAR(100) PRIMARY KEY, applied_at_ms BIGINT NOT NULL)"
        )
    )
    applied = set(connection.scalars(text("SELECT name FROM migrations")))
    missing = [step for step in MIGRATIONS if step.__name__ not in applied]
    for step in missing:
        step(connection)
        connection.execute(
            text("INSERT INTO migrations (name, applied_at_ms) VALUES (:name, :at_ms)"),
            {"name": step.__name__, "at_ms": at_ms},
        )
    return tuple(step.__name__ for step in missing)


@migration
def m0001_runs(connection: Connection) -> None:
    """Create the table of runs: one column a fact, what has parts of its own as JSON text.

    JSON is kept as text, so that one damaged value costs its own run and not the whole list.
    """
    connection.execute(
        text(
            """
            CREATE TABLE runs (
                id VARCHAR(32) PRIMARY KEY,
                owner TEXT NOT NULL,
                backend TEXT NOT NULL,
                model TEXT NOT NULL,
                "values" TEXT NOT NULL,
                notices TEXT NOT NULL,
                changes TEXT NOT NULL,
                estimated_credits DOUBLE PRECISION,
                step TEXT NOT NULL,
                step_changes TEXT NOT NULL,
                progress DOUBLE PRECISION,
                uploads TEXT NOT NULL,
                request TEXT,
                answer TEXT,
                task_id TEXT,
                record TEXT,
                result_urls TEXT NOT NULL,
                clips TEXT NOT NULL,
                credits_used DOUBLE PRECISION,
                balance_after DOUBLE PRECISION,
                note TEXT,
                error TEXT,
                is_late BOOLEAN NOT NULL,
                created_at_ms BIGINT NOT NULL,
                sent_at_ms BIGINT,
                finished_at_ms BIGINT,
                updated_at_ms BIGINT NOT NULL
            )
            """
        )
    )


@migration
def m0002_indexes(connection: Connection) -> None:
    """Make an owner's list, and the runs to resume, cheap to find among very many."""
    connection.execute(
        text("CREATE INDEX runs_by_owner ON runs (owner, created_at_ms DESC, id DESC)")
    )
    connection.execute(
        text(
            "CREATE INDEX runs_unfinished ON runs (created_at_ms)"
            " WHERE step NOT IN ('done', 'failed', 'unknown')"
        )
    )
