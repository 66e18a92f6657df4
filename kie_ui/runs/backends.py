"""Which backend an owner's runs are made with: Kie with a key, or the demo.

Typed keys live here, in memory, and nowhere else.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from pydantic import SecretStr

from kie_ui.kie.backend import Backend, clean_api_key
from kie_ui.runs.run import BackendKind, Payer

DEMO_ACCOUNT = "demo"

DemoFactory = Callable[[], Awaitable[Backend]]
"""Tells the simulator's backend, starting it where that is needed; asked before every use."""

DemoOf = Callable[[Backend, str], Backend]
"""Makes the simulator's backend that of one owner."""

Listener = Callable[[str], None]
"""Is told the owner whose backend changed."""


class Billed(Protocol):
    """What is made with somebody's key, such as a run."""

    @property
    def owner(self) -> str:
        """Whose it is."""

    @property
    def backend(self) -> BackendKind:
        """Whether Kie makes it, or the demo."""

    @property
    def paid_by(self) -> Payer | None:
        """Whose key it is made with; None where that was not kept."""


def account_of(backend: Backend) -> str:
    """Name the account of a backend; see `Backends.account`."""
    key = backend.api_key.get_secret_value()
    return hashlib.sha256(f"{backend.api_base_url} {key}".encode()).hexdigest()[:32]


def _nobody(_owner: str) -> bool:
    return False


class Backends:
    """The demo, the server's own key for those who may use it, and every owner's typed key."""

    def __init__(
        self,
        *,
        demo: DemoFactory,
        demo_of: DemoOf = lambda backend, _owner: backend,
        server: Backend | None = None,
        may_use_server: Callable[[str], bool] = _nobody,
        api_base_url: str = "https://api.kie.ai",
        upload_base_url: str = "https://kieai.redpandaai.co",
    ) -> None:
        self._find_demo = demo
        self._demo_of = demo_of
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
        return self._demo_of(await self._demo_backend(), owner)

    def account(self, owner: str, kind: BackendKind, paid_by: Payer | None = None) -> str | None:
        """Name the account that such runs of this owner go to; None if a key is missing.

        The name tells two keys apart and nothing else: no key can be read from it.
        """
        if kind == "demo":
            return DEMO_ACCOUNT
        backend = self._live_backend(owner, paid_by)
        return None if backend is None else account_of(backend)

    def possible_accounts(self, made: Billed) -> frozenset[str]:
        """Name the accounts with which something may have been made, as far as keys are here."""
        if made.backend == "demo":
            return frozenset({DEMO_ACCOUNT})
        typed = None if made.paid_by == "server" else self._typed.get(made.owner)
        server = None if made.paid_by == "own" else self._server
        return frozenset(account_of(backend) for backend in (typed, server) if backend is not None)

    def payer(self, owner: str, kind: BackendKind) -> Payer | None:
        """Tell whose key this owner's next run of this kind is made with; None without one."""
        if kind == "demo" or self._live_backend(owner) is None:
            return None
        return "own" if owner in self._typed else "server"

    def kind(self, owner: str) -> BackendKind:
        """Tell what this owner's next run is made with: Kie if there is a key, else the demo."""
        return "demo" if self._live_backend(owner) is None else "live"

    def has_own_key(self, owner: str) -> bool:
        """Whether this owner typed a key."""
        return owner in self._typed

    def typed_owners(self) -> tuple[str, ...]:
        """Name the owners who typed a key."""
        return tuple(self._typed)

    def set_key(self, owner: str, key: str) -> None:
        """Take an owner's typed key, in place of an earlier one.

        Raises: ValueError, whose text is a sentence for the person and never repeats the key.
        """
        self._typed[owner] = Backend(
            kind="live",
            api_base_url=self._api_base_url,
            upload_base_url=self._upload_base_url,
            api_key=SecretStr(clean_api_key(key)),
        )
        self._tell(owner)

    def forget_key(self, owner: str) -> None:
        """Forget an owner's typed key, if there is one."""
        if self._typed.pop(owner, None) is not None:
            self._tell(owner)

    def is_in_use(self, backend: Backend) -> bool:
        """Whether anyone's runs are made with this backend."""
        demo = self._demo
        if backend.kind == "demo":
            return demo is not None and backend.api_base_url == demo.api_base_url
        return backend == self._server or backend in self._typed.values()

    def listen(self, listener: Listener) -> None:
        """Have a listener told of every key that is typed or forgotten."""
        self._listeners.append(listener)

    def unlisten(self, listener: Listener) -> None:
        """Tell a listener nothing more; one that was told nothing is no error."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def next_change(self, owner: str) -> asyncio.Event:
        """Return what is set as soon as a key of this owner is typed or forgotten."""
        return self._changes.setdefault(owner, asyncio.Event())

    def _live_backend(self, owner: str, paid_by: Payer | None = None) -> Backend | None:
        typed = self._typed.get(owner)
        if paid_by == "own" or (paid_by is None and typed is not None):
            return typed
        return self._server if self._may_use_server(owner) else None

    async def _demo_backend(self) -> Backend:
        self._demo = await self._find_demo()
        return self._demo

    def _tell(self, owner: str) -> None:
        self._changes.pop(owner, asyncio.Event()).set()
        for listener in tuple(self._listeners):
            listener(owner)
