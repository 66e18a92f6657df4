"""The callbacks that tell a client its task has ended.

Source: Kie documentation, "Callback URL Parameter"; observed live, "Callback" (codes, signature).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from typing import Any
from urllib.parse import unquote_to_bytes

import httpx

from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.files import is_loopback, tls_context
from kie_ui.simulator.responses import envelope

TIMEOUT_S = 10.0
RETRY_AFTER_S = 2.0
MAX_CONNECTIONS = 100
"""At the same time; further callbacks wait for one to be free."""
KEEP_ALIVE_S = 1.0
"""Shorter than servers keep idle connections, so that none is used while it is being closed."""
FAILED_CODE = 501
_log = logging.getLogger(__name__)


def signature(webhook_key: str, task_id: str, timestamp: int) -> str:
    """Sign a task id and a time in unix seconds: base64 of an HMAC-SHA256."""
    signed = f"{task_id}.{timestamp}".encode()
    return base64.b64encode(hmac.digest(webhook_key.encode(), signed, hashlib.sha256)).decode()


def signed_headers(config: SimulatorConfig, task_id: str) -> dict[str, str]:
    """Return the headers that prove the origin of a callback; none without a webhook key."""
    if config.webhook_key is None:
        return {}
    timestamp = int(config.clock())
    return {
        "X-Webhook-Timestamp": str(timestamp),
        "X-Webhook-Signature": signature(config.webhook_key, task_id, timestamp),
    }


def may_be_called(config: SimulatorConfig, url: str) -> bool:
    """Tell whether the config lets a callback go to this address."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    if config.calls_back_anywhere or is_loopback(address.host):
        return True
    return any(_is_below(address, httpx.URL(prefix)) for prefix in config.callback_prefixes)


def _is_below(address: httpx.URL, prefix: httpx.URL) -> bool:
    """Whether an address is at a prefix or below it: whole hosts, whole path segments.

    Parsed by the library that sends the request, so that both see the same host.
    """
    if (address.scheme, address.netloc) != (prefix.scheme, prefix.netloc):
        return False
    segments, wanted = _segments(address), _segments(prefix)
    # A receiver that decodes such a segment first might read several, or a step up.
    if any(each == b".." or b"/" in each or b"\\" in each for each in segments):
        return False
    return segments[: len(wanted)] == wanted


def _segments(url: httpx.URL) -> list[bytes]:
    """Split a path; a slash at its end adds no segment."""
    path = url.raw_path.partition(b"?")[0].removeprefix(b"/").removesuffix(b"/")
    return [unquote_to_bytes(part) for part in path.split(b"/")] if path else []


class Callbacks:
    """Sends callbacks, many at a time over few connections."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._config = config
        self._clients: dict[bool, httpx.AsyncClient] = {}
        """By whether they may go through a proxy; made when first needed."""

    async def deliver(self, url: str, record: dict[str, Any]) -> bool:
        """Send a callback, and again if it did not arrive; return whether it did."""
        if not may_be_called(self._config, url):
            _log.info("callback for %s may not go to its address: not sent", record["taskId"])
            return False
        if await self._post(url, record):
            return True
        await self._config.sleep(RETRY_AFTER_S / self._config.speed)
        return await self._post(url, record)

    async def aclose(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()

    async def _post(self, url: str, record: dict[str, Any]) -> bool:
        headers = signed_headers(self._config, record["taskId"])
        # The envelope of a query, with code 501 after a failure.
        code, msg = 200, "Playground task completed successfully."
        if record["state"] == "fail":
            code, msg = FAILED_CODE, record["failMsg"]
        body = envelope(record, code=code, msg=msg)
        try:
            # A proxy cannot reach this machine's own loopback addresses.
            client = self._client(may_use_proxy=not is_loopback(httpx.URL(url).host))
            response = await client.post(url, json=body, headers=headers)
            response.raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            _log.info("callback for %s did not arrive: %s", record["taskId"], error)
            return False
        return True

    def _client(self, *, may_use_proxy: bool) -> httpx.AsyncClient:
        if may_use_proxy not in self._clients:
            self._clients[may_use_proxy] = httpx.AsyncClient(
                transport=self._config.transport,
                verify=tls_context(),
                timeout=httpx.Timeout(TIMEOUT_S, pool=None),
                limits=httpx.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEP_ALIVE_S),
                trust_env=may_use_proxy,
            )
        return self._clients[may_use_proxy]
