"""The accounts that runs go to: whose key, which client, and what is left on them.

An account is Kie's, with a typed key or the server's, or the demo's. Typed keys are here, in
memory, and nowhere else.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import SecretStr

from kie_ui.background import BackgroundTasks
from kie_ui.kie.client import Backend, KieClient, clean_api_key
from kie_ui.kie.errors import KieError
from kie_ui.runs.clock import SYSTEM_CLOCK, Clock
from kie_ui.runs.errors import RunsProblem
from kie_ui.runs.run import BackendKind, Payer, Run
from kie_ui.runs.storage.run_store import RunStore, TaskHolder

log = logging.getLogger(__name__)

DEMO_ACCOUNT = "demo"

DemoFactory = Callable[[], Awaitable[Backend]]
"""Returns the simulator's backend, starting it if need be; called before every use."""

DemoForOwner = Callable[[Backend, str], Backend]
"""Makes the simulator's backend that of one owner."""

Listener = Callable[[str], None]
"""Is called with the owner whose backend changed."""


def account_of(backend: Backend) -> str:
    """Name the account of a backend; see `Backends.account`."""
    key = backend.api_key.get_secret_value()
    return hashlib.sha256(f"{backend.api_base_url} {key}".encode()).hexdigest()[:32]


class Backends:
    """The demo, the server's own key for those who may use it, and every owner's typed key."""

    def __init__(
        self,
        *,
        demo: DemoFactory,
        demo_for_owner: DemoForOwner = lambda backend, _owner: backend,
        server: Backend | None = None,
        may_use_server: Callable[[str], bool] = lambda _owner: False,
        api_base_url: str = "https://api.kie.ai",
        upload_base_url: str = "https://kieai.redpandaai.co",
    ) -> None:
        self._find_demo = demo
        self._demo_for_owner = demo_for_owner
        self._demo: Backend | None = None
        self._server = server
        self._may_use_server = may_use_server
        self._api_base_url = api_base_url
        self._upload_base_url = upload_base_url
        self._typed: dict[str, Backend] = {}
        self._listeners: list[Listener] = []
        self._changes: dict[str, asyncio.Event] = {}

    async def backend(
        self, owner: str, kind: BackendKind, paid_by: Payer | None = None
    ) -> Backend | None:
        """Return what an owner's runs of this kind are made with; None if a key is missing.

        What is `paid_by` one key is never made with another; where that is open, it is the key
        that the owner's next run would be made with.
        """
        if kind != "demo":
            return self._live_backend(owner, paid_by)
        self._demo = await self._find_demo()
        return self._demo_for_owner(self._demo, owner)

    def account(self, owner: str, kind: BackendKind, paid_by: Payer | None = None) -> str | None:
        """Name the account that such runs of this owner go to; None if a key is missing.

        The name only distinguishes two keys: no key can be read from it.
        """
        if kind == "demo":
            return DEMO_ACCOUNT
        backend = self._live_backend(owner, paid_by)
        return None if backend is None else account_of(backend)

    def possible_accounts(
        self, owner: str, kind: BackendKind, paid_by: Payer | None
    ) -> frozenset[str]:
        """Name the accounts that an earlier run may have gone to, as far as keys are here."""
        if kind == "demo":
            return frozenset({DEMO_ACCOUNT})
        typed = None if paid_by == "server" else self._typed.get(owner)
        server = None if paid_by == "own" else self._server
        return frozenset(account_of(backend) for backend in (typed, server) if backend is not None)

    def payer(self, owner: str, kind: BackendKind) -> Payer | None:
        """Return whose key this owner's next run of this kind is made with; None without one."""
        if kind == "demo" or self._live_backend(owner) is None:
            return None
        return "own" if owner in self._typed else "server"

    def kind(self, owner: str) -> BackendKind:
        """Return what this owner's next run is made with: Kie if there is a key, else the demo."""
        return "demo" if self._live_backend(owner) is None else "live"

    def has_own_key(self, owner: str) -> bool:
        """Whether this owner typed a key."""
        return owner in self._typed

    def typed_owners(self) -> tuple[str, ...]:
        """Name the owners who typed a key."""
        return tuple(self._typed)

    def live(self, key: str) -> Backend:
        """Return Kie with a typed key, without taking it. Raises: ValueError, as `set_key`."""
        return Backend(
            kind="live",
            api_base_url=self._api_base_url,
            upload_base_url=self._upload_base_url,
            api_key=SecretStr(clean_api_key(key)),
        )

    def set_key(self, owner: str, key: str) -> None:
        """Take an owner's typed key, in place of an earlier one.

        Raises: ValueError, whose text is a sentence for the person and never repeats the key.
        """
        self._typed[owner] = self.live(key)
        self._notify(owner)

    def forget_key(self, owner: str) -> None:
        """Forget an owner's typed key, if there is one."""
        if self._typed.pop(owner, None) is not None:
            self._notify(owner)

    def is_in_use(self, backend: Backend) -> bool:
        """Whether anyone's runs are made with this backend."""
        demo = self._demo
        if backend.kind == "demo":
            return demo is not None and backend.api_base_url == demo.api_base_url
        return backend == self._server or backend in self._typed.values()

    def listen(self, listener: Listener) -> None:
        """Call a listener whenever a key is typed or forgotten."""
        self._listeners.append(listener)

    def unlisten(self, listener: Listener) -> None:
        """Stop calling a listener; an unknown one is not an error."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def next_change(self, owner: str) -> asyncio.Event:
        """Return an event that is set once a key of this owner is typed or forgotten."""
        return self._changes.setdefault(owner, asyncio.Event())

    def _live_backend(self, owner: str, paid_by: Payer | None = None) -> Backend | None:
        typed = self._typed.get(owner)
        if paid_by == "own" or (paid_by is None and typed is not None):
            return typed
        return self._server if self._may_use_server(owner) else None

    def _notify(self, owner: str) -> None:
        self._changes.pop(owner, asyncio.Event()).set()
        for listener in tuple(self._listeners):
            listener(owner)


OpenClient = Callable[[Backend], KieClient]

IDLE_S = 600.0
"""Seconds after which the client of a backend that is not used is closed."""


@dataclass
class _SharedClient:
    client: KieClient
    users: int = 0
    used_s: float = 0.0
    is_retired: bool = False


class Clients:
    """Open clients by backend. One whose key is replaced finishes what it is doing, then closes."""

    def __init__(self, open_client: OpenClient = KieClient, clock: Clock = SYSTEM_CLOCK) -> None:
        self._open_client = open_client
        self._clock = clock
        self._held: dict[Backend, _SharedClient] = {}

    @asynccontextmanager
    async def client(self, backend: Backend) -> AsyncIterator[KieClient]:
        """Lend the backend's client for as long as the block lasts."""
        if backend not in self._held:
            await self.retire(self._was_used_lately)
        if (held := self._held.get(backend)) is None:
            held = self._held[backend] = _SharedClient(self._open_client(backend))
        held.users += 1
        try:
            yield held.client
        finally:
            held.users -= 1
            held.used_s = self._clock.steady_s()
            if held.is_retired and held.users == 0:
                await held.client.aclose()

    async def retire(self, is_in_use: Callable[[Backend], bool]) -> None:
        """Close the clients of backends that are no longer in use, each after its last user."""
        unused = [backend for backend in self._held if not is_in_use(backend)]
        for held in [self._held.pop(backend) for backend in unused]:
            held.is_retired = True
            if held.users == 0:
                await held.client.aclose()

    async def close(self) -> None:
        """Close every client that nobody uses, and the others after their last user."""
        await self.retire(lambda _backend: False)

    def _was_used_lately(self, backend: Backend) -> bool:
        held = self._held[backend]
        return held.users > 0 or self._clock.steady_s() - held.used_s < IDLE_S


KEY_GONE = "The key is gone: enter it again to continue this run."

SERVER_KEY_GONE = "The server's key, which pays for this run, is gone: this run waits for it."


def key_gone(run: Run) -> str:
    """Say what a run waits for whose key is missing."""
    return SERVER_KEY_GONE if run.paid_by == "server" else KEY_GONE


class Access:
    """Lends the client of a run's own backend: a run continues with the one it started with.

    That holds for the key too: who pays is fixed when a run is submitted, see `Run.paid_by`.
    """

    def __init__(self, backends: Backends, clients: Clients, store: RunStore) -> None:
        self.backends = backends
        self._clients = clients
        self._store = store

    @asynccontextmanager
    async def client(self, run: Run) -> AsyncIterator[KieClient | None]:
        """Lend the run's client, or None if its key is missing."""
        backend = await self.backend(run)
        if backend is None:
            yield None
            return
        async with self._clients.client(backend) as client:
            yield client

    def account(self, run: Run) -> str | None:
        """Name the account that a run goes to; None if its key is missing."""
        return self.backends.account(run.owner, run.backend, run.paid_by)

    def may_share_account(self, run: Run, other: TaskHolder) -> bool:
        """Whether another run of a task may have been made with the account of a run."""
        return self.account(run) in self.backends.possible_accounts(*other)

    async def wait_for_account(self, run: Run) -> str:
        """Name a run's account; if its key is missing, say so and wait until it is entered."""
        while (account := self.account(run)) is None:
            change = self.backends.next_change(run.owner)
            run = await self._store.set_status_note(run, key_gone(run))
            await change.wait()
        if run.status_note == key_gone(run):
            await self._store.set_status_note(run, None)
        return account

    @asynccontextmanager
    async def wait_for_client(self, run: Run) -> AsyncIterator[KieClient]:
        """Lend the run's client; if its key is missing, say so and wait until it is entered."""
        while (backend := await self.backend(run)) is None:
            await self.wait_for_account(run)
        async with self._clients.client(backend) as client:
            yield client

    async def backend(self, run: Run) -> Backend | None:
        """Return what a run is made with, or None if its key is missing."""
        return await self.backends.backend(run.owner, run.backend, run.paid_by)


SHARED_S = 3.0
"""Seconds for which a balance just read is given to others who ask."""

GATHER_S = 0.3
"""How long a question waits for other runs of its account to end."""


class _Question(NamedTuple):
    at_s: float
    answer: asyncio.Task[float | KieError]


class Balances:
    """Asks for balances; those who ask about one account together share one answer."""

    def __init__(self, clients: Clients, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clients = clients
        self._clock = clock
        self._questions: dict[str, _Question] = {}
        """The latest of each account."""
        self._tasks = BackgroundTasks()

    async def read(self, backend: Backend, *, max_age_s: float = SHARED_S) -> float:
        """Return an account's balance in credits, at most so many seconds old. Raises: KieError.

        An age of 0 always asks Kie.
        """
        now_s = self._clock.steady_s()
        questions = self._questions.items()
        self._questions = {name: q for name, q in questions if now_s - q.at_s < SHARED_S}
        account = account_of(backend)
        question = self._questions.get(account)
        if question is None or now_s - question.at_s >= max_age_s:
            answer = self._tasks.spawn(self._ask(backend), name="balance")
            question = self._questions[account] = _Question(now_s, answer)
        balance = await asyncio.shield(question.answer)
        if isinstance(balance, KieError):
            raise balance
        return balance

    async def stop(self) -> None:
        """Stop asking."""
        await self._tasks.stop()

    async def _ask(self, backend: Backend) -> float | KieError:
        try:
            async with self._clients.client(backend) as client:
                return await client.credit()
        except KieError as error:
            return error


class BalanceNotes:
    """Notes the balance on runs that have ended; failing to is not an error."""

    def __init__(self, store: RunStore, access: Access, balances: Balances) -> None:
        self._store = store
        self._access = access
        self._balances = balances
        self._gathered: dict[str, list[Run]] = {}
        self._tasks = BackgroundTasks()

    def note(self, run: Run) -> None:
        """Note the balance on a run in a moment; runs that end together share one question."""
        account = self._access.account(run)
        if account is None:
            return
        if account not in self._gathered:
            self._gathered[account] = []
            self._tasks.spawn(self._note_gathered(account), name="balance of ended runs")
        self._gathered[account].append(run)

    async def stop(self) -> None:
        """Stop noting balances."""
        await self._tasks.stop()

    async def _note_gathered(self, account: str) -> None:
        await self._store.clock.sleep(GATHER_S)
        runs = self._gathered.pop(account)
        backend = await self._access.backend(runs[0])
        if backend is None:
            return
        try:
            balance = await self._balances.read(backend, max_age_s=0)
            await asyncio.gather(*(self._store.change(r.id, balance_after=balance) for r in runs))
        except (KieError, RunsProblem) as problem:
            log.warning("The balance after %s run(s) is not known: %s", len(runs), problem)
