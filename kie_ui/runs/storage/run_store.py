"""Runs in a database, SQLite by default: each change is saved, then published."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    Connection,
    Select,
    func,
    insert,
    select,
    tuple_,
    union,
    update,
)

from kie_ui.runs.clock import SYSTEM_CLOCK, Clock
from kie_ui.runs.errors import StoreProblem, UnknownRun, WrongStep
from kie_ui.runs.events import RunEvents
from kie_ui.runs.run import BackendKind, Payer, Run, RunError, Step, checked_id
from kie_ui.runs.storage.database import Database
from kie_ui.runs.storage.migrations import migrate
from kie_ui.runs.storage.search import add_to_index, update_index
from kie_ui.runs.storage.tables import (
    IS_UNDECIDED,
    IS_UNFINISHED,
    NOT_IN_TRASH,
    RUN_COLUMNS,
    RUN_INPUTS,
    RUNS,
    SECRETS,
    SPENT,
    STORED_FILES,
    changed_columns,
    from_row,
    list_runs,
    read_run,
    salvage_runs,
    to_row,
)

T = TypeVar("T")

TRASH_KEPT_MS = 60 * 60 * 1000
"""How long a deleted run can be restored."""

_LINKS_WORK = "It is made and paid for: its links work for a while, and saving it is retried."


class TaskHolder(NamedTuple):
    """An owner who has or had a run of a task, and whose key it was made with."""

    owner: str
    backend: BackendKind
    paid_by: Payer | None


def sqlite_url(path: Path) -> str:
    """Return the address of a SQLite database in a file."""
    return f"sqlite:///{path}"


class RunStore:
    """All runs, of every owner. Its methods raise StoreProblem when the database fails."""

    def __init__(self, url: str, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.events = RunEvents()
        self.clock = clock
        self._database = Database(url)
        self._unsaved: dict[str, Run] = {}
        """The present state of runs that the database does not take for now."""

    async def open(self) -> None:
        """Migrate the database to its present schema, creating it if there is none.

        Damage is found before anything is written.
        """
        at_ms = self.clock.now_ms()

        def work(connection: Connection) -> None:
            migrate(connection, at_ms)
            _number_old_runs(connection)

        await self._database.check()
        await self._database.open(work)

    async def open_read_only(self, reason: str) -> None:
        """Open what can only be read; every write is refused with the reason."""
        await self._database.open_read_only(reason)

    async def close(self) -> None:
        """Finish the writes that are queued, and close the database."""
        await self._database.close()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Do work that only reads."""
        return await self._database.read(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Do work in one transaction."""
        return await self._database.write(work)

    # One run

    async def add(self, run: Run) -> Run:
        """Save a new run."""
        await self.write(lambda connection: _insert(connection, run))
        return self._publish_saved(run)

    async def add_for_task(self, run: Run) -> tuple[Run, bool]:
        """Save a new run of a known task, unless its owner has one of it: then return that.

        The second value says whether the run is new.
        """

        def work(connection: Connection) -> Run:
            known = _run_of_task(connection, run.owner, run.task_id)
            if known is None:
                _insert(connection, run)
            return known or run

        saved = await self.write(work)
        is_new = saved.id == run.id
        return (self._publish_saved(saved) if is_new else saved), is_new

    async def add_in_place_of(self, old_id: str, new: Run) -> Run:
        """Save a new run that a person made from one whose task is unknown, once.

        Raises: UnknownRun; WrongStep if it was sent again before, or its task is known.
        """
        at_ms = self.clock.now_ms()

        def work(connection: Connection) -> Run:
            old = read_run(connection, old_id)
            if old.sent_again_as is not None:
                raise WrongStep("This has already been sent again.")
            if old.task_id is not None:
                raise WrongStep("Its task is known: ask Kie about it again.")
            _insert(connection, new)
            changes = {"sent_again_as": new.id}
            return _change(connection, old_id, changes, at_ms, frozenset({Step.UNKNOWN}))

        self._publish_saved(await self.write(work))
        return self._publish_saved(new)

    async def follow_task(self, run: Run, task_id: str, holder: str) -> Run:
        """Give a run of unknown outcome the id of its task, if none of its owner's runs has it.

        Raises: UnknownRun, WrongStep.
        """
        at_ms = self.clock.now_ms()
        changes = {"step": Step.WAITING, "task_id": task_id, "error": None, "holder": holder}

        def work(connection: Connection) -> Run:
            if _run_of_task(connection, run.owner, task_id) is not None:
                raise WrongStep("Another of your runs already follows this task.")
            return _change(connection, run.id, changes, at_ms, frozenset({Step.UNKNOWN}))

        return self._publish_saved(await self.write(work))

    async def change(
        self, run_id: str, *, only_from: frozenset[Step] | None = None, **changes: Any
    ) -> Run:
        """Change some fields of a run, and return it as it is then.

        Raises: UnknownRun; WrongStep if the run is at none of the steps `only_from`.
        """
        at_ms = self.clock.now_ms()
        changed = await self.write(lambda c: _change(c, run_id, changes, at_ms, only_from))
        return self._publish_saved(changed)

    async def end(self, run_id: str, step: Step, error: RunError, **changes: Any) -> Run:
        """End a run without its result. Raises: UnknownRun, WrongStep."""
        return await self.change(run_id, step=step, error=error, status_note=None, **changes)

    async def set_status_note(self, run: Run, note: str | None) -> Run:
        """Set or clear what a run is waiting for; the same note is not saved again."""
        return run if run.status_note == note else await self.change(run.id, status_note=note)

    async def run(self, run_id: str) -> Run:
        """Return one run. Raises: UnknownRun; StoreProblem for a damaged one."""
        return await self.read(lambda connection: read_run(connection, run_id))

    async def run_of(self, owner: str, run_id: str) -> Run:
        """Return one run of an owner. Raises: UnknownRun, for someone else's too; StoreProblem."""
        return await self.read(lambda connection: _run_of(connection, owner, run_id))

    async def run_of_task(self, owner: str, task_id: str) -> Run | None:
        """Return an owner's run of a task."""
        return await self.read(lambda connection: _run_of_task(connection, owner, task_id))

    async def others_of_task(self, owner: str, task_id: str) -> tuple[TaskHolder, ...]:
        """List who else has, or ever had, a run of a task, deleted or not."""
        query = union(
            *(
                select(table.c.owner, table.c.backend, table.c.paid_by).where(
                    table.c.task_id == task_id, table.c.owner != owner
                )
                for table in (RUNS, SPENT)
            )
        )
        return await self.read(lambda c: tuple(TaskHolder(*row) for row in c.execute(query)))

    # Without saving

    def latest(self, run: Run) -> Run:
        """Return the present state of a saved run, though the database may lag behind."""
        return self._unsaved.get(run.id, run)

    def publish_unsaved(self, run: Run, problem: StoreProblem) -> None:
        """Publish a run that the database does not take, with the reason.

        A result that is made and paid is shown by its links meanwhile.
        """
        if run.result_urls and not run.clips:
            error = RunError(kind="StoreProblem", message=str(problem), advice=_LINKS_WORK)
            run = run.model_copy(
                update={"step": Step.UNFETCHED, "error": error, "status_note": None}
            )
        else:
            run = run.model_copy(update={"status_note": str(problem)})
        self._unsaved[run.id] = run
        self.events.publish(run)

    def _publish_saved(self, run: Run) -> Run:
        self._unsaved.pop(run.id, None)
        self.events.publish(run)
        return run

    # Many runs

    async def runs_of(
        self, owner: str, *, limit: int, before: str | None = None, model: str | None = None
    ) -> tuple[Run, ...]:
        """List an owner's runs, the newest first, from the one after the run `before` on.

        Raises: UnknownRun, for a `before` that is none of the owner's.
        """
        query = _runs_of(owner).limit(limit)
        if model is not None:
            query = query.where(RUNS.c.model == model)

        def work(connection: Connection) -> tuple[Run, ...]:
            if before is None:
                return list_runs(connection, query)
            last = _run_of(connection, owner, before)
            age = tuple_(RUNS.c.created_at_ms, RUNS.c.id)
            return list_runs(connection, query.where(age < (last.created_at_ms, last.id)))

        return await self.read(work)

    async def undecided(self, owner: str, limit: int) -> tuple[Run, ...]:
        """List an owner's runs of unknown outcome that were not sent again, the newest first."""
        query = _runs_of(owner).where(IS_UNDECIDED).limit(limit)
        return await self.read(lambda connection: list_runs(connection, query))

    async def unfinished(self, owner: str | None = None) -> tuple[Run, ...]:
        """List unfinished runs, the oldest first."""
        query = select(*RUN_COLUMNS).where(IS_UNFINISHED).order_by(RUNS.c.created_at_ms)
        if owner is not None:
            query = query.where(RUNS.c.owner == owner)
        found = await self.read(lambda connection: list_runs(connection, query))
        # Not by the query: SQLite would take a longer index for that.
        return tuple(run for run in found if run.deleted_at_ms is None)

    async def salvaged(self, owner: str, limit: int) -> tuple[Run, ...]:
        """List an owner's runs, the newest first, as far as a damaged database still holds them."""
        found = await self.read(salvage_runs)
        theirs = sorted((r for r in found if r.owner == owner), key=lambda r: -r.created_at_ms)
        return tuple(theirs[:limit])

    # Processes that share the database

    async def holders(self) -> frozenset[str | None]:
        """List the processes that hold unfinished runs; None for runs without a holder."""
        query = select(RUNS.c.holder).where(IS_UNFINISHED).distinct()
        return await self.read(lambda connection: frozenset(connection.scalars(query)))

    async def take_over(self, old_holder: str | None, holder: str) -> tuple[Run, ...]:
        """Take every unfinished run from a process that is gone; return them, the oldest first."""
        theirs = (RUNS.c.holder.is_not_distinct_from(old_holder), IS_UNFINISHED)
        query = select(*RUN_COLUMNS).where(*theirs).order_by(RUNS.c.created_at_ms)

        def work(connection: Connection) -> tuple[Run, ...]:
            taken = list_runs(connection, query)
            connection.execute(update(RUNS).where(*theirs).values(holder=holder))
            return tuple(run.model_copy(update={"holder": holder}) for run in taken)

        return await self.write(work)

    async def release(self, holder: str) -> None:
        """Give up every run that a process holds, for another to take over."""
        released = update(RUNS).where(RUNS.c.holder == holder, IS_UNFINISHED).values(holder=None)
        await self.write(lambda connection: connection.execute(released))

    async def changed_by_others(self, holder: str, since_ms: int) -> tuple[Run, ...]:
        """List runs that other processes changed since a time in UTC milliseconds."""
        query = select(*RUN_COLUMNS).where(
            RUNS.c.updated_at_ms >= since_ms, RUNS.c.holder.is_distinct_from(holder)
        )
        return await self.read(lambda connection: list_runs(connection, query))

    async def secret(self, name: str) -> str:
        """Return a secret of this database, created when it is first needed."""

        def work(connection: Connection) -> str:
            query = select(SECRETS.c.value).where(SECRETS.c.name == name)
            saved = connection.scalar(query)
            if saved is not None:
                return str(saved)
            created = secrets.token_hex(32)
            connection.execute(insert(SECRETS).values(name=name, value=created))
            return created

        return await self.write(work)

    # Trash

    async def trash(self, owner: str, run_ids: Iterable[str]) -> tuple[Run, ...]:
        """Move those runs to the trash that have ended, and return them.

        Raises: UnknownRun for an id that is none of the owner's; WrongStep if none has ended.
        """
        at_ms = self.clock.now_ms()

        def work(connection: Connection) -> tuple[Run, ...]:
            found = [r for r in _theirs(connection, owner, run_ids) if r.deleted_at_ms is None]
            ended = [run for run in found if run.is_final]
            if found and not ended:
                raise WrongStep(
                    "A run that is under way cannot be deleted: wait until it ends, or cancel it."
                )
            changes = {"deleted_at_ms": at_ms}
            return tuple(_save(connection, run, run.changed(at_ms, changes)) for run in ended)

        return tuple(map(self._publish_saved, await self.write(work)))

    async def restore(self, owner: str, run_ids: Iterable[str]) -> tuple[Run, ...]:
        """Take runs out of the trash, and return them.

        Raises: UnknownRun for an id that is none of the owner's, or that was deleted too long ago.
        """
        at_ms = self.clock.now_ms()

        def work(connection: Connection) -> tuple[Run, ...]:
            found = [r for r in _theirs(connection, owner, run_ids) if r.deleted_at_ms is not None]
            if any((run.deleted_at_ms or 0) <= at_ms - TRASH_KEPT_MS for run in found):
                raise UnknownRun
            changes = {"deleted_at_ms": None}
            return tuple(_save(connection, run, run.changed(at_ms, changes)) for run in found)

        return tuple(map(self._publish_saved, await self.write(work)))


def _insert(connection: Connection, run: Run) -> None:
    number = _next_number(connection)
    connection.execute(insert(RUNS).values(to_row(run) | {"number": number}))
    _save_beside(connection, number, run)


def _number_old_runs(connection: Connection) -> None:
    """Give numbers to the runs of an older database, the oldest first."""
    unnumbered = select(RUNS.c.id).where(RUNS.c.number.is_(None))
    ids = list(connection.scalars(unnumbered.order_by(RUNS.c.created_at_ms, RUNS.c.id)))
    for run_id in ids:
        for run in list_runs(connection, select(*RUN_COLUMNS).where(RUNS.c.id == run_id)):
            number = _next_number(connection)
            row = to_row(run) | {"number": number}
            connection.execute(update(RUNS).where(RUNS.c.id == run_id).values(row))
            _save_beside(connection, number, run)


def _next_number(connection: Connection) -> int:
    return (connection.scalar(select(func.max(RUNS.c.number))) or 0) + 1


def _save_beside(connection: Connection, number: int, run: Run) -> None:
    """Save what belongs to a new run beside its row."""
    for name in {ref.path for ref in run.files}:
        connection.execute(insert(RUN_INPUTS).values(name=name, run_id=run.id))
        _add_stored_file(connection, name)
    add_to_index(connection, number, run)


def _add_stored_file(connection: Connection, name: str) -> None:
    """Remember a file whose size is to be measured, unless it is known."""
    known = select(STORED_FILES.c.name).where(STORED_FILES.c.name == name)
    if connection.scalar(known) is None:
        connection.execute(insert(STORED_FILES).values(name=name))


def _run_of(connection: Connection, owner: str, run_id: str) -> Run:
    run = read_run(connection, run_id)
    if run.owner != owner:
        raise UnknownRun
    return run


def _run_of_task(connection: Connection, owner: str, task_id: str | None) -> Run | None:
    query = select(*RUN_COLUMNS).where(
        RUNS.c.owner == owner, RUNS.c.task_id == task_id, NOT_IN_TRASH
    )
    found = list_runs(connection, query.limit(1))
    return found[0] if found else None


def _runs_of(owner: str) -> Select[Any]:
    """Return the query of an owner's runs, the newest first."""
    query = select(*RUN_COLUMNS).where(RUNS.c.owner == owner, NOT_IN_TRASH)
    return query.order_by(RUNS.c.created_at_ms.desc(), RUNS.c.id.desc())


def _theirs(connection: Connection, owner: str, run_ids: Iterable[str]) -> list[Run]:
    """Read runs of an owner, in the trash or not. Raises: UnknownRun."""
    ids = [checked_id(run_id) for run_id in dict.fromkeys(run_ids)]
    query = select(*RUN_COLUMNS).where(RUNS.c.id.in_(ids), RUNS.c.owner == owner)
    found = {run.id: run for run in map(from_row, connection.execute(query).mappings())}
    if len(found) < len(ids):
        raise UnknownRun
    return [found[run_id] for run_id in ids]


def _change(
    connection: Connection,
    run_id: str,
    changes: dict[str, Any],
    at_ms: int,
    only_from: frozenset[Step] | None,
) -> Run:
    """Change some fields of a run, and return it as it is then. Raises: UnknownRun, WrongStep."""
    old = read_run(connection, run_id)
    if only_from is not None and old.step not in only_from:
        raise WrongStep(f"This cannot be done with a run that is {old.step.in_words}.")
    return _save(connection, old, old.changed(at_ms, changes))


def _save(connection: Connection, old: Run, new: Run) -> Run:
    """Save a run's new state, and what belongs to it beside its row."""
    changed = changed_columns(old, new)
    if changed:
        connection.execute(update(RUNS).where(RUNS.c.id == new.id).values(changed))
        update_index(connection, old, new)
        if new.poster and new.poster != old.poster:
            _add_stored_file(connection, new.poster)
    return new
