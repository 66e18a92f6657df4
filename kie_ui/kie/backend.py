"""Where requests go, and the key that they carry."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator
from pydantic_core import PydanticCustomError

from kie_ui.catalog.values import is_web_address


def clean_api_key(text: str) -> str:
    """Return a pasted key without surrounding whitespace, fit for a request header.

    Raises: ValueError, whose text is a sentence for the person and never repeats the key.
    """
    key = text.strip()
    if not key:
        raise ValueError("The API key is empty.")
    if any(character.isspace() for character in key):
        raise ValueError("The API key has a space inside. Paste the key alone, without “Bearer”.")
    if not (key.isascii() and key.isprintable()):
        raise ValueError("The API key has a character that no key can have. Copy it once more.")
    return key


class Backend(BaseModel):
    """An API base, an upload base and a key: Kie itself, or a simulator that speaks its protocol.

    Raises: pydantic.ValidationError, each of whose messages is a sentence for the person.
    Source: Kie documentation, Authentication; the upload host is observed on the live service.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    kind: Literal["live", "demo"]
    api_base_url: str = "https://api.kie.ai"
    upload_base_url: str = "https://kieai.redpandaai.co"
    api_key: SecretStr

    @field_validator("api_base_url", "upload_base_url")
    @classmethod
    def _without_trailing_slash(cls, text: str) -> str:
        address = text.strip().rstrip("/")
        if not is_web_address(address):
            raise PydanticCustomError(
                "base_url", "A base address must start with http:// or https:// and name a host."
            )
        return address

    @field_validator("api_key")
    @classmethod
    def _fit_for_a_header(cls, key: SecretStr) -> SecretStr:
        try:
            return SecretStr(clean_api_key(key.get_secret_value()))
        except ValueError as exc:
            # A custom error keeps pydantic from putting "Value error, " before the sentence.
            raise PydanticCustomError("api_key", "{sentence}", {"sentence": str(exc)}) from None
