"""Who may sign in, where a server is told users: `KIE_UI_USERS`, behind Gradio's own login."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr
from starlette.requests import HTTPConnection, cookie_parser
from starlette.types import Scope

MAX_IN_LINE = 5
"""Tries for one name that wait at the same time."""
REFUSED_S = 1.0
"""How long a wrong password takes: trying many of them is no fun."""


class Users:
    """The users of this server. Passwords are compared in constant time, and kept as hashes."""

    def __init__(self, passwords: Mapping[str, SecretStr], *, refused_s: float = REFUSED_S) -> None:
        self._salt = secrets.token_bytes(32)
        self._nobody = secrets.token_bytes(32)
        self._refused_s = refused_s
        self._tries: dict[str, asyncio.Semaphore] = {}
        self._in_line: Counter[str] = Counter()
        self._hashes = {
            name: self._hash(password.get_secret_value()) for name, password in passwords.items()
        }

    def __bool__(self) -> bool:
        return bool(self._hashes)

    async def admit(self, name: str, password: str) -> bool:
        """Tell whether this is a user and their password; a wrong one is told a little later.

        Tries for one name take turns, so that many at once are no faster; of too many in line the
        rest is refused unseen.
        """
        known = self._hashes.get(name, self._nobody)
        whose = name if name in self._hashes else ""
        if self._in_line[whose] >= MAX_IN_LINE:
            return False
        self._in_line[whose] += 1
        try:
            async with self._tries.setdefault(whose, asyncio.Semaphore()):
                if hmac.compare_digest(known, self._hash(password)):
                    return True
                await asyncio.sleep(self._refused_s)
                return False
        finally:
            self._in_line[whose] -= 1

    def signed_in(self, scope: Scope) -> str | None:
        """Name the user whose request this is, as Gradio's login knows them."""
        app: Any = scope.get("app")
        tokens: Mapping[str, str] = getattr(app, "tokens", {})
        cookies = cookie_parser(HTTPConnection(scope).headers.get("cookie", ""))
        for kind in ("access-token", "access-token-unsecure"):
            name = tokens.get(cookies.get(f"{kind}-{getattr(app, 'cookie_id', '')}", ""))
            if name in self._hashes:
                return name
        return None

    def _hash(self, password: str) -> bytes:
        return hmac.new(self._salt, password.encode(errors="replace"), hashlib.sha256).digest()
