"""The database's schema, as the list of steps that lead to it.

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
    _execute(
        connection,
        "CREATE TABLE IF NOT EXISTS migrations"
        " (name VARCHAR(100) PRIMARY KEY, applied_at_ms BIGINT NOT NULL)",
    )
    applied = set(connection.scalars(text("SELECT name FROM migrations")))
    missing = [step for step in MIGRATIONS if step.__name__ not in applied]
    note = text("INSERT INTO migrations (name, applied_at_ms) VALUES (:name, :at_ms)")
    for step in missing:
        step(connection)
        connection.execute(note, {"name": step.__name__, "at_ms": at_ms})
    return tuple(step.__name__ for step in missing)


def _execute(connection: Connection, *statements: str) -> None:
    for statement in statements:
        connection.execute(text(statement))


def _create_indexes(connection: Connection, *indexes: str) -> None:
    _execute(connection, *(f"CREATE INDEX {index}" for index in indexes))


def _add_columns(connection: Connection, *columns: str) -> None:
    _execute(connection, *(f"ALTER TABLE runs ADD COLUMN {column}" for column in columns))


@migration
def m0001_runs(connection: Connection) -> None:
    """Create the table of runs: one column a fact, what has parts of its own as JSON text.

    JSON is kept as text, so that one damaged value costs its own run and not the whole list.
    """
    _execute(
        connection,
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
        """,
    )


@migration
def m0002_indexes(connection: Connection) -> None:
    """Make an owner's list, and the runs to resume, cheap to find among very many."""
    _create_indexes(
        connection,
        "runs_by_owner ON runs (owner, created_at_ms DESC, id DESC)",
        "runs_unfinished ON runs (created_at_ms) WHERE step NOT IN ('done', 'failed', 'unknown')",
    )


@migration
def m0003_holders(connection: Connection) -> None:
    """Let several processes share the runs: each run is held by one of them."""
    _add_columns(
        connection,
        "holder TEXT",
        "sent_again_as TEXT",
        "is_tracked BOOLEAN NOT NULL DEFAULT FALSE",
    )
    _execute(connection, "DROP INDEX runs_unfinished")
    _create_indexes(
        connection,
        "runs_unfinished ON runs (created_at_ms)"
        " WHERE step NOT IN ('done', 'failed', 'cancelled', 'unknown')",
        "runs_by_update ON runs (updated_at_ms)",
        "runs_by_task ON runs (owner, task_id)",
    )


@migration
def m0004_budget_and_secrets(connection: Connection) -> None:
    """Count creates by account, across processes and restarts; keep secrets of our own."""
    _execute(
        connection,
        "CREATE TABLE creates (account VARCHAR(32) NOT NULL, at_ms BIGINT NOT NULL)",
        "CREATE TABLE secrets (name VARCHAR(32) PRIMARY KEY, value TEXT NOT NULL)",
    )
    _create_indexes(connection, "creates_by_account ON creates (account, at_ms)")


@migration
def m0005_counted_runs(connection: Connection) -> None:
    """Count the runs of each visitor that the server's key pays for."""
    _execute(
        connection,
        "CREATE TABLE counted_runs"
        " (run_id VARCHAR(32) PRIMARY KEY, owner TEXT NOT NULL, day BIGINT NOT NULL)",
    )
    _create_indexes(connection, "counted_runs_by_day ON counted_runs (day, owner)")


@migration
def m0006_history(connection: Connection) -> None:
    """Find any of very many runs at once: by words, model, state and mark.

    `number` counts an owner's and everyone's runs in the order in which they came; it is what the
    index of words calls a run by. Runs that have none yet are given theirs when the store opens.
    """
    _add_columns(
        connection,
        "paid_by TEXT",
        "is_favourite BOOLEAN NOT NULL DEFAULT FALSE",
        "remark TEXT NOT NULL DEFAULT ''",
        "poster TEXT",
        "deleted_at_ms BIGINT",
        "number BIGINT",
        "setting TEXT",
        "took_ms BIGINT",
        "clip_bytes BIGINT NOT NULL DEFAULT 0",
    )
    _execute(
        connection,
        "DROP INDEX runs_by_task",
        "DROP INDEX runs_unfinished",
        "CREATE TABLE run_inputs"
        " (name TEXT NOT NULL, run_id VARCHAR(32) NOT NULL, PRIMARY KEY (name, run_id))",
        "CREATE TABLE spent (owner TEXT NOT NULL, backend TEXT NOT NULL, paid_by TEXT,"
        " model TEXT NOT NULL, step TEXT NOT NULL, credits_used DOUBLE PRECISION,"
        " task_id TEXT, created_at_ms BIGINT NOT NULL)",
    )
    _create_indexes(
        connection,
        "runs_by_task ON runs (task_id, owner)",
        "runs_unfinished ON runs (owner, created_at_ms)"
        " WHERE step NOT IN ('done', 'failed', 'cancelled', 'unknown')",
        "runs_undecided ON runs (owner, created_at_ms DESC, id DESC)"
        " WHERE step = 'unknown' AND sent_again_as IS NULL AND deleted_at_ms IS NULL",
        "runs_by_number ON runs (number)",
        "runs_in_history ON runs (owner, number) WHERE deleted_at_ms IS NULL",
        "runs_by_model ON runs (owner, model, number) WHERE deleted_at_ms IS NULL",
        "runs_by_step ON runs (owner, step, number) WHERE deleted_at_ms IS NULL",
        "runs_favourite ON runs (owner, number) WHERE is_favourite AND deleted_at_ms IS NULL",
        "runs_in_bin ON runs (deleted_at_ms) WHERE deleted_at_ms IS NOT NULL",
        "runs_on_disk ON runs (number) WHERE clip_bytes > 0 AND NOT is_favourite",
        "runs_by_setting ON runs (owner, backend, model, setting, number, took_ms)",
        "runs_spent ON runs (owner, backend, created_at_ms, model, step, credits_used)",
        "spent_by_owner ON spent (owner, backend, created_at_ms)",
        "spent_by_task ON spent (task_id)",
    )
    if connection.dialect.name == "sqlite":
        # Words come ready-made, see `search`: this tokenizer only splits them. An index for every
        # length of a word's beginning makes a search as one types as quick as one for a word.
        _execute(
            connection,
            "CREATE VIRTUAL TABLE run_words USING fts5 (words, tokenize = 'ascii',"
            " detail = none, columnsize = 0,"
            " prefix = '12 13 14 15 16 17 18 19 20 21 22 23 24 25 26')",
        )


@migration
def m0007_notes(connection: Connection) -> None:
    """Name the two notes of a run by whose they are."""
    _execute(
        connection,
        "ALTER TABLE runs RENAME COLUMN note TO status_note",
        "ALTER TABLE runs RENAME COLUMN remark TO user_note",
    )


@migration
def m0008_stored_files(connection: Connection) -> None:
    """Know what stored files take of the disk, and find a model's runs and a run's inputs."""
    _execute(
        connection,
        "CREATE TABLE stored_files (name TEXT PRIMARY KEY, size_bytes BIGINT)",
        "INSERT INTO stored_files (name) SELECT name FROM run_inputs"
        " UNION SELECT poster FROM runs WHERE poster IS NOT NULL",
    )
    _create_indexes(
        connection,
        "stored_files_unmeasured ON stored_files (name) WHERE size_bytes IS NULL",
        "runs_stored ON runs (clip_bytes) WHERE clip_bytes > 0",
        "run_inputs_by_run ON run_inputs (run_id)",
        "runs_by_model_and_age ON runs (owner, model, created_at_ms DESC, id DESC)"
        " WHERE deleted_at_ms IS NULL",
    )
