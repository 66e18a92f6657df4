"""The database's schema, as the statements that lead to it.

A migration that has been released is never edited: what is wrong with it is put right by the next.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

MIGRATIONS = {
    # One column a fact. What has parts of its own is kept as JSON text, so that one damaged value
    # costs its own run and not the whole list.
    "m0001_runs": """
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
        );
    """,
    # An owner's list, and the runs to resume, are cheap to find among very many.
    "m0002_indexes": """
        CREATE INDEX runs_by_owner ON runs (owner, created_at_ms DESC, id DESC);
        CREATE INDEX runs_unfinished ON runs (created_at_ms)
            WHERE step NOT IN ('done', 'failed', 'unknown');
    """,
    # Several processes share the runs: each run is held by one of them.
    "m0003_holders": """
        ALTER TABLE runs ADD COLUMN holder TEXT;
        ALTER TABLE runs ADD COLUMN sent_again_as TEXT;
        ALTER TABLE runs ADD COLUMN is_tracked BOOLEAN NOT NULL DEFAULT FALSE;
        DROP INDEX runs_unfinished;
        CREATE INDEX runs_unfinished ON runs (created_at_ms)
            WHERE step NOT IN ('done', 'failed', 'cancelled', 'unknown');
        CREATE INDEX runs_by_update ON runs (updated_at_ms);
        CREATE INDEX runs_by_task ON runs (owner, task_id);
    """,
    # Creates are counted by account, across processes and restarts.
    "m0004_budget_and_secrets": """
        CREATE TABLE creates (account VARCHAR(32) NOT NULL, at_ms BIGINT NOT NULL);
        CREATE TABLE secrets (name VARCHAR(32) PRIMARY KEY, value TEXT NOT NULL);
        CREATE INDEX creates_by_account ON creates (account, at_ms);
    """,
    # The runs of each visitor that the server's key pays for.
    "m0005_counted_runs": """
        CREATE TABLE counted_runs
            (run_id VARCHAR(32) PRIMARY KEY, owner TEXT NOT NULL, day BIGINT NOT NULL);
        CREATE INDEX counted_runs_by_day ON counted_runs (day, owner);
    """,
    # Any of very many runs is found at once: by words, model, state and mark. `number` counts
    # everyone's runs in the order in which they came; the index of words calls a run by it. Runs
    # that have none yet are given theirs when the store opens.
    # Words come ready-made, see `search`: the tokenizer only splits them. An index for every length
    # of a word's beginning makes a search as one types as quick as one for a word.
    "m0006_history": """
        ALTER TABLE runs ADD COLUMN paid_by TEXT;
        ALTER TABLE runs ADD COLUMN is_favourite BOOLEAN NOT NULL DEFAULT FALSE;
        ALTER TABLE runs ADD COLUMN remark TEXT NOT NULL DEFAULT '';
        ALTER TABLE runs ADD COLUMN poster TEXT;
        ALTER TABLE runs ADD COLUMN deleted_at_ms BIGINT;
        ALTER TABLE runs ADD COLUMN number BIGINT;
        ALTER TABLE runs ADD COLUMN setting TEXT;
        ALTER TABLE runs ADD COLUMN took_ms BIGINT;
        ALTER TABLE runs ADD COLUMN clip_bytes BIGINT NOT NULL DEFAULT 0;
        DROP INDEX runs_by_task;
        DROP INDEX runs_unfinished;
        CREATE TABLE run_inputs
            (name TEXT NOT NULL, run_id VARCHAR(32) NOT NULL, PRIMARY KEY (name, run_id));
        CREATE TABLE spent (owner TEXT NOT NULL, backend TEXT NOT NULL, paid_by TEXT,
            model TEXT NOT NULL, step TEXT NOT NULL, credits_used DOUBLE PRECISION,
            task_id TEXT, created_at_ms BIGINT NOT NULL);
        CREATE INDEX runs_by_task ON runs (task_id, owner);
        CREATE INDEX runs_unfinished ON runs (owner, created_at_ms)
            WHERE step NOT IN ('done', 'failed', 'cancelled', 'unknown');
        CREATE INDEX runs_undecided ON runs (owner, created_at_ms DESC, id DESC)
            WHERE step = 'unknown' AND sent_again_as IS NULL AND deleted_at_ms IS NULL;
        CREATE INDEX runs_by_number ON runs (number);
        CREATE INDEX runs_in_history ON runs (owner, number) WHERE deleted_at_ms IS NULL;
        CREATE INDEX runs_by_model ON runs (owner, model, number) WHERE deleted_at_ms IS NULL;
        CREATE INDEX runs_by_step ON runs (owner, step, number) WHERE deleted_at_ms IS NULL;
        CREATE INDEX runs_favourite ON runs (owner, number)
            WHERE is_favourite AND deleted_at_ms IS NULL;
        CREATE INDEX runs_in_bin ON runs (deleted_at_ms) WHERE deleted_at_ms IS NOT NULL;
        CREATE INDEX runs_on_disk ON runs (number) WHERE clip_bytes > 0 AND NOT is_favourite;
        CREATE INDEX runs_by_setting ON runs (owner, backend, model, setting, number, took_ms);
        CREATE INDEX runs_spent ON runs
            (owner, backend, created_at_ms, model, step, credits_used);
        CREATE INDEX spent_by_owner ON spent (owner, backend, created_at_ms);
        CREATE INDEX spent_by_task ON spent (task_id);
        CREATE VIRTUAL TABLE run_words USING fts5 (words, tokenize = 'ascii', detail = none,
            columnsize = 0, prefix = '12 13 14 15 16 17 18 19 20 21 22 23 24 25 26');
    """,
    # The two notes of a run are named by whose they are.
    "m0007_notes": """
        ALTER TABLE runs RENAME COLUMN note TO status_note;
        ALTER TABLE runs RENAME COLUMN remark TO user_note;
    """,
    # Known: what stored files take of the disk; cheap to find: a model's runs and a run's inputs.
    "m0008_stored_files": """
        CREATE TABLE stored_files (name TEXT PRIMARY KEY, size_bytes BIGINT);
        INSERT INTO stored_files (name) SELECT name FROM run_inputs
            UNION SELECT poster FROM runs WHERE poster IS NOT NULL;
        CREATE INDEX stored_files_unmeasured ON stored_files (name) WHERE size_bytes IS NULL;
        CREATE INDEX runs_stored ON runs (clip_bytes) WHERE clip_bytes > 0;
        CREATE INDEX run_inputs_by_run ON run_inputs (run_id);
        CREATE INDEX runs_by_model_and_age ON runs (owner, model, created_at_ms DESC, id DESC)
            WHERE deleted_at_ms IS NULL;
    """,
    # No question is answered by these.
    "m0009_unused_indexes": """
        DROP INDEX runs_by_step;
        DROP INDEX runs_favourite;
    """,
}
"""The statements of each migration by its name, in the order in which they are applied."""

_CREATE_MIGRATIONS = (
    "CREATE TABLE IF NOT EXISTS migrations"
    " (name VARCHAR(100) PRIMARY KEY, applied_at_ms BIGINT NOT NULL)"
)


def migrate(connection: Connection, at_ms: int) -> tuple[str, ...]:
    """Apply what this database lacks, within the caller's transaction, and return the names."""
    connection.execute(text(_CREATE_MIGRATIONS))
    applied = set(connection.scalars(text("SELECT name FROM migrations")))
    missing = tuple(name for name in MIGRATIONS if name not in applied)
    note = text("INSERT INTO migrations (name, applied_at_ms) VALUES (:name, :at_ms)")
    for name in missing:
        for statement in MIGRATIONS[name].strip().rstrip(";").split(";"):
            if connection.dialect.name == "sqlite" or "VIRTUAL" not in statement:
                connection.execute(text(statement))
        connection.execute(note, {"name": name, "at_ms": at_ms})
    return missing
