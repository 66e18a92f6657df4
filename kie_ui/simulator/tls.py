"""Which hosts are trusted when the simulator itself sends a request."""

from functools import cache
from ssl import SSLContext

import httpx


@cache
def tls_context() -> SSLContext:
    """Load the certificates once: they take longer to load than a request takes to send."""
    return httpx.create_ssl_context()
