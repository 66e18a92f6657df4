"""Telling a client that its task has ended.

Source: Kie documentation, "Callback URL Parameter"; observed live, "Callback" (codes, signature).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from typing import Any
from urllib.parse import urlsplit

import httpx

from kie_ui.simulator.answers import envelope
from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.files import is_loopback

TIMEOUT_S = 10.0
RETRY_AFTER_S = 2.0
FAILED_CODE = 501
_log = logging.getLogger(__name__)


def callback_body(record: dict[str, Any]) -> dict[str, Any]:
    """Wrap a record for a callback: the envelope of a query, with code 501 after a failure."""
    if record["state"] == "fail":
        return envelope(record, code=FAILED_CODE, msg=record["failMsg"])
    return envelope(record, msg="Playground task completed successfully.")


def signature(webhook_key: str, task_id: str, timestamp: int) -> str:
    """Sign a task id and a time in unix seconds: base64 of an HMAC-SHA256."""
    signed = f"{task_id}.{timestamp}".encode()
    return base64.b64encode(hmac.digest(webhook_key.encode(), signed, hashlib.sha256)).decode()


def signed_headers(config: SimulatorConfig, task_id: str) -> dict[str, str]:
    """Return the headers that prove where a callback comes from; none without a webhook key."""
    if config.webhook_key is None:
        return {}
    timestamp = int(config.clock())
    return {
        "X-Webhook-Timestamp": str(timestamp),
        "X-Webhook-Signature": signature(config.webhook_key, task_id, timestamp),
    }


async def deliver(config: SimulatorConfig, url: str, record: dict[str, Any]) -> bool:
    """Send a callback, and once more if it did not arrive; tell whether it did."""
    if not (config.calls_back_anywhere or is_loopback(urlsplit(url).hostname or "")):
        _log.info("callback for %s would leave this machine: not sent", record["taskId"])
        return False
    if await _post(config, url, record):
        return True
    await config.sleep(RETRY_AFTER_S / config.speed)
    return await _post(config, url, record)


async def _post(config: SimulatorConfig, url: str, record: dict[str, Any]) -> bool:
    headers = signed_headers(config, record["taskId"])
    # A proxy cannot reach this machine's own loopback addresses.
    has_proxy = not is_loopback(urlsplit(url).hostname or "")
    try:
        async with httpx.AsyncClient(
            transport=config.transport, timeout=TIMEOUT_S, trust_env=has_proxy
        ) as client:
            response = await client.post(url, json=callback_body(record), headers=headers)
            response.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        _log.info("callback for %s did not arrive: %s", record["taskId"], error)
        return False
    return True
