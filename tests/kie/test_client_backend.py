import pytest
from pydantic import ValidationError

from kie_ui.kie.client import Backend, clean_api_key


def test_the_live_backend_needs_only_a_key() -> None:
    """Kie's own hosts are the defaults."""
    backend = Backend(kind="live", api_key="k")
    assert backend.api_base_url == "https://api.kie.ai"
    assert backend.upload_base_url == "https://kieai.redpandaai.co"


def test_addresses_and_key_lose_what_pasting_adds() -> None:
    """Trailing slashes of addresses, and whitespace around addresses and key, mean nothing."""
    backend = Backend(
        kind="demo",
        api_base_url=" http://127.0.0.1:8000// ",
        upload_base_url="http://127.0.0.1:8000/files/",
        api_key="  secret\n",
    )
    assert backend.api_base_url == "http://127.0.0.1:8000"
    assert backend.upload_base_url == "http://127.0.0.1:8000/files"
    assert backend.api_key.get_secret_value() == "secret"


def test_a_backend_never_shows_its_key() -> None:
    """Neither text form of a backend holds the key."""
    backend = Backend(kind="live", api_key="planted-key")
    shown = f"{backend!r} {backend} {backend.model_dump()} {backend.model_dump_json()}"
    assert "planted-key" not in shown


@pytest.mark.parametrize(
    "key", ["", "  ", "in side", "Bearer planted", "schlüssel", "a\x00b", "a\x7f"]
)
def test_a_key_that_cannot_stand_in_a_header_is_refused(key: str) -> None:
    """The refusal is a sentence for a person, and does not repeat the key."""
    with pytest.raises(ValueError, match=r"^The API key .*\.$"):
        clean_api_key(key)
    with pytest.raises(ValidationError) as caught:
        Backend(kind="live", api_key=key)
    (problem,) = caught.value.errors()
    assert problem["msg"].startswith("The API key ")
    assert not key.strip() or key not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["", "api.kie.ai", "ftp://api.kie.ai", "https://", "http://a b"]
)
def test_an_address_that_is_not_on_the_web_is_refused(address: str) -> None:
    """A base address is http or https and names a host."""
    with pytest.raises(ValidationError, match="must start with http"):
        Backend(kind="live", api_base_url=address, api_key="k")


def test_a_backend_does_not_change() -> None:
    """A backend is a value."""
    backend = Backend(kind="live", api_key="k")
    with pytest.raises(ValidationError, match="frozen"):
        backend.kind = "demo"  # type: ignore[misc]  # the very thing that must not work
