"""What survives a restart: accounts, tasks and files, in one SQLite database.

Every change is one transaction, so that a process that dies at any moment leaves either the
old state or the new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    create_engine,
    delete,
    event,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.schema import CreateColumn

State = Literal["waiting", "queuing", "generating", "success", "fail"]
FINAL_STATES: tuple[State, ...] = ("success", "fail")

_tables = MetaData()
_accounts = Table(
    "accounts",
    _tables,
    Column("account", String(64), primary_key=True),
    Column("credits", Float, nullable=False),
)
_tasks = Table(
    "tasks",
    _tables,
    Column("task_id", String(64), primary_key=True),
    Column("account", String(64), nullable=False),
    Column("model", Text, nullable=False),
    Column("request", JSON, nullable=False),
    Column("values", JSON, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("credits", Float, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("callback_url", Text),
    Column("forced_outcome", JSON, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("completed_ms", BigInteger),
    Column("fail_code", String(32)),
    Column("fail_msg", Text),
    Column("is_reported", Boolean, nullable=False),
    Column("plan", JSON),
    Column("result_files", JSON, nullable=False, server_default="[]"),
    Column("result_object", JSON),
)
_files = Table(
    "files",
    _tables,
    Column("file_id", String(64), primary_key=True),
    Column("account", String(64), nullable=False),
    Column("path", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("mime", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("stored_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    UniqueConstraint("account", "path", "name"),
)
# Built once: building a statement costs more than SQLite takes to carry it out.
_TASK_WITH_ID = select(_tasks).where(_tasks.c.task_id == bindparam("id"))
_FILE_WITH_ID = select(_files).where(_files.c.file_id == bindparam("id"))
_CHANGE_TASK = update(_tasks).where(_tasks.c.task_id == bindparam("id"))
_END_TASK = _CHANGE_TASK.where(_tasks.c.state.not_in(FINAL_STATES))
_OPEN_ACCOUNT = sqlite_insert(_accounts).on_conflict_do_nothing()
_CHARGE = (
    update(_accounts)
    .where((_accounts.c.account == bindparam("id")) & (_accounts.c.credits >= bindparam("amount")))
    .values(credits=_accounts.c.credits - bindparam("amount"))
)


class InsufficientCredits(Exception):
    """The balance is below the price of the run."""


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """One task. Times are unix milliseconds."""

    task_id: str
    account: str
    model: str
    request: dict[str, Any]
    """The complete body of the create."""
    values: dict[str, Any]
    """The checked input, completed with the documented defaults."""
    seed: int
    credits: float
    base_url: str
    """The address that the create was sent to; a callback has no request to learn it from."""
    callback_url: str | None
    forced_outcome: dict[str, Any]
    """What goes wrong with it; see `faults.ForcedOutcome`."""
    state: State
    created_ms: int
    updated_ms: int
    completed_ms: int | None = None
    fail_code: str | None = None
    fail_msg: str | None = None
    is_reported: bool = False
    """Whether its callback was delivered, or given up."""
    plan: dict[str, Any] | None = None
    """What it shall make; see `plan.RenderPlan`."""
    result_files: list[str] = field(default_factory=list)
    """The ids of the results, in their order."""
    result_object: Any = None
    """The JSON object that a model of text answered."""


@dataclass(frozen=True, kw_only=True)
class FileRow:
    """One file. Its address contains the unguessable `file_id`. Times are unix ms."""

    file_id: str
    account: str
    path: str
    name: str
    mime: str
    size: int
    stored_ms: int
    expires_ms: int


class Store:
    """Reads and writes the database of a data folder; both are created if needed."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        path = data_dir / "simulator.sqlite3"
        self._engine = create_engine(f"sqlite:///{path}")
        event.listen(self._engine, "connect", _use_write_ahead_log)
        _tables.create_all(self._engine)
        _upgrade(self._engine)

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def balance(self, account: str, *, initial_credits: float) -> float:
        """Return an account's credits; an unknown account is opened with `initial_credits`."""
        with self._engine.begin() as connection:
            _open_account(connection, account, initial_credits)
            query = select(_accounts.c.credits).where(_accounts.c.account == account)
            return float(connection.execute(query).scalar_one())

    def reset_balances(self) -> None:
        """Forget every balance, so that no demo is without credits for good."""
        with self._engine.begin() as connection:
            connection.execute(delete(_accounts))

    def add_task(self, task: TaskRow, *, initial_credits: float) -> None:
        """Insert a new task and charge its price to the account, both or neither.

        Raises: InsufficientCredits.
        """
        with self._engine.begin() as connection:
            _open_account(connection, task.account, initial_credits)
            if not _charge(connection, task.account, task.credits):
                raise InsufficientCredits
            connection.execute(insert(_tasks), vars(task))

    def task(self, task_id: str) -> TaskRow | None:
        """Return a task, or None."""
        with self._engine.connect() as connection:
            row = connection.execute(_TASK_WITH_ID, {"id": task_id}).mappings().first()
        return None if row is None else TaskRow(**row)

    def unfinished_tasks(self) -> list[TaskRow]:
        """Return tasks that have not ended, and those whose callback was not delivered."""
        is_under_way = _tasks.c.state.not_in(FINAL_STATES)
        is_unreported = _tasks.c.callback_url.is_not(None) & _tasks.c.is_reported.is_(False)
        query = select(_tasks).where(is_under_way | is_unreported).order_by(_tasks.c.created_ms)
        with self._engine.connect() as connection:
            return [TaskRow(**row) for row in connection.execute(query).mappings()]

    def move_task(self, task_id: str, state: State, now_ms: int) -> None:
        """Put a task into its next state."""
        self._update_task(task_id, state=state, updated_ms=now_ms)

    def mark_reported(self, task_id: str) -> None:
        """Note that the callback of a task was delivered, or given up."""
        self._update_task(task_id, is_reported=True)

    def finish_task(
        self, task_id: str, results: Sequence[FileRow], answer: Any, now_ms: int
    ) -> None:
        """End a task in `success` and insert the rows of its results, all or nothing."""
        ending = {"result_files": [file.file_id for file in results], "result_object": answer}
        with self._engine.begin() as connection:
            if results:
                connection.execute(insert(_files), [vars(file) for file in results])
            _end(connection, task_id, now_ms, state="success", **ending)

    def fail_task(self, task: TaskRow, code: str, msg: str, now_ms: int) -> None:
        """End a task in `fail` and refund its price, both or neither."""
        with self._engine.begin() as connection:
            ending = {"state": "fail", "fail_code": code, "fail_msg": msg}
            if _end(connection, task.task_id, now_ms, **ending):
                _charge(connection, task.account, -task.credits)

    def put_file(self, file: FileRow) -> FileRow:
        """Insert or update a file's row; one of the same account, path and name keeps its id."""
        statement = sqlite_insert(_files).values(**vars(file))
        changing = ("mime", "size", "stored_ms", "expires_ms")
        statement = statement.on_conflict_do_update(
            index_elements=["account", "path", "name"],
            set_={column: statement.excluded[column] for column in changing},
        )
        with self._engine.begin() as connection:
            row = connection.execute(statement.returning(*_files.columns)).mappings().one()
        return FileRow(**row)

    def file(self, file_id: str) -> FileRow | None:
        """Return a file's row, or None."""
        with self._engine.connect() as connection:
            row = connection.execute(_FILE_WITH_ID, {"id": file_id}).mappings().first()
        return None if row is None else FileRow(**row)

    def file_ids(self, *, alive_at_ms: int) -> frozenset[str]:
        """Return the ids of the files that have not expired."""
        query = select(_files.c.file_id).where(_files.c.expires_ms > alive_at_ms)
        with self._engine.connect() as connection:
            return frozenset(connection.execute(query).scalars())

    def _update_task(self, task_id: str, **changes: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(_CHANGE_TASK, {"id": task_id, **changes})


def _use_write_ahead_log(connection: Any, _record: object) -> None:
    """Let a commit survive the end of the process without waiting for the disk each time."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()


_COPY_ONLY_RESULT = """
    UPDATE tasks SET result_files = json_array(result_file)
    WHERE result_file IS NOT NULL AND result_files = '[]'
"""


def _upgrade(engine: Engine) -> None:
    """Bring the tasks of an older simulator up to date; at first, each had one clip."""
    present = {column["name"] for column in inspect(engine).get_columns(_tasks.name)}
    with engine.begin() as connection:
        if "fate" in present:
            connection.execute(text("ALTER TABLE tasks RENAME COLUMN fate TO forced_outcome"))
            present.add("forced_outcome")
        for column in _tasks.columns:
            if column.name not in present:
                definition = CreateColumn(column).compile(engine)
                connection.execute(text(f"ALTER TABLE tasks ADD COLUMN {definition}"))
        if "result_file" in present and "result_files" not in present:
            connection.execute(text(_COPY_ONLY_RESULT))


def _open_account(connection: Connection, account: str, initial_credits: float) -> None:
    connection.execute(_OPEN_ACCOUNT, {"account": account, "credits": initial_credits})


def _charge(connection: Connection, account: str, amount: float) -> bool:
    """Take credits from an account, if it has them; a negative amount is a refund."""
    return connection.execute(_CHARGE, {"id": account, "amount": amount}).rowcount == 1


def _end(connection: Connection, task_id: str, now_ms: int, **changes: Any) -> bool:
    """End a task that has not ended yet; return whether it had not."""
    times = {"updated_ms": now_ms, "completed_ms": now_ms}
    return connection.execute(_END_TASK, {"id": task_id, **times, **changes}).rowcount == 1
