"""The addresses at which Kie calls back."""

import hashlib
import hmac

CALLBACK_PATH = "/kie-ui/callbacks"


class CallbackAddresses:
    """Where Kie is to call when a task has ended, and whether such a call is genuine.

    The address of each run carries a proof that only this database can make, so a forged call
    costs one comparison. Source: observed live, "Callback".
    """

    def __init__(self, public_url: str, secret: str = "") -> None:
        self._public_url = public_url.rstrip("/")
        self.secret = secret
        """Kept in the database; until it is read no address is genuine."""

    def url(self, run_id: str) -> str | None:
        """Return where Kie shall call about a run; None if this server can't be reached."""
        if not self._public_url:
            return None
        return f"{self._public_url}{CALLBACK_PATH}/{run_id}/{self._proof(run_id)}"

    def is_genuine(self, run_id: str, proof: str) -> bool:
        """Say whether an address was made here."""
        expected = self._proof(run_id).encode()
        return bool(self.secret) and hmac.compare_digest(expected, proof.encode(errors="replace"))

    def _proof(self, run_id: str) -> str:
        key = self.secret.encode()
        return hmac.new(key, run_id.encode(errors="replace"), hashlib.sha256).hexdigest()
