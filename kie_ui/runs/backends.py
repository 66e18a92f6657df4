"""Which backend an owner's runs are made with: Kie with a key, or the demo.

Typed keys live here, in memory, and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pydantic import SecretStr

from kie_ui.kie.backend import Backend, clean_api_key
from kie_ui.runs.run import BackendKind

DemoFactory = Callable[[], Awaitable[Backend]]
"""Starts the simulator and tells its backend."""

Listener = Callable[[str], None]
"""Is told the owner whose backend changed."""


def _nobody(_owner: str) -> bool:
    return False


class Backends:
    """The demo, the server's own key for those who may use it, and every owner's typed key."""

    def __init__(
        self,
        *,
        demo: DemoFactory,
        server: Backend | None = None,
        may_use_server: Callable[[str], bool] = _nobody,
        api_base_url: str = "https://api.kie.ai",
        upload_base_url: str = "https://kieai.redpandaai.co",
    ) -> None:
        self._start_demo = demo
        self._demo: Backend | None = None
        self._demo_lock = asyncio.Lock()
        self._server = server
        self._may_use_server = may_use_server
        self._api_base_url = api_base_url
        self._upload_base_url = upload_base_url
        self._typed: dict[str, Backend] = {}
        self._listeners: list[Listener] = []
        self._changes: dict[str, asyncio.Event] = {}

    async def backend(self, owner: str, kind: BackendKind) -> Backend | None:
        """Return what an owner's runs of this kind are made with; None if a key is missing."""
        return await self._demo_backend() if kind == "demo" else self._live_backend(owner)

    def kind(self, owner: str) -> BackendKind:
        """Tell what this owner's next run is made with: Kie if there is a key, else the demo."""
        return "demo" if self._live_backend(owner) is None else "live"

    def has_own_key(self, owner: str) -> bool:
        """Whether this owner typed a key."""
        return owner in self._typed

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
        return backend in (self._demo, self._server) or backend in self._typed.values()

    def listen(self, listener: Listener) -> None:
        """Have a listener told of every key that is typed or forgotten."""
        self._listeners.append(listener)

    def unlisten(self, listener: Listener) -> None:
        """Tell a listener nothing more."""
        self._listeners.remove(listener)

    def next_change(self, owner: str) -> asyncio.Event:
        """Return what is set as soon as a key of this owner is typed or forgotten."""
        return self._changes.setdefault(owner, asyncio.Event())

    def _live_backend(self, owner: str) -> Backend | None:
        typed = self._typed.get(owner)
        if typed is None and self._server is not None and self._may_use_server(owner):
            return self._server
        return typed

    async def _demo_backend(self) -> Backend:
        async with self._demo_lock:
            if self._demo is None:
                self._demo = await self._start_demo()
            return self._demo

    def _tell(self, owner: str) -> None:
        self._changes.pop(owner, asyncio.Event()).set()
        for listener in tuple(self._listeners):
            listener(owner)
