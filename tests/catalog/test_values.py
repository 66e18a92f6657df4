from __future__ import annotations

import pytest
from hypothesis import given
from pydantic import TypeAdapter, ValidationError

from kie_ui.catalog.values import (
    MAX_URL_LENGTH,
    FileRef,
    MediaRef,
    UrlRef,
    as_media,
    is_web_address,
)
from tests.catalog.strategies import addresses, any_json, any_text

REF: TypeAdapter[MediaRef] = TypeAdapter(MediaRef)
FILE = {"kind": "file", "path": "/etc/hostname", "name": "cat.png"}


@pytest.mark.parametrize(
    "address",
    [
        "https://pictures.example/cat.png",
        "http://pictures.example",
        "HTTPS://PICTURES.EXAMPLE/CAT.PNG",
        "http://localhost:7860/cat.png",
        "http://127.0.0.1/",
        "http://[::1]:8000/cat.png",
        "https://name:word@pictures.example/cat.png",
        "https://bücher.example/Straße/貓😀.png",
        "https://pictures.example/a%20b.png?size=1&x='y'#top",
        "http://pictures.example:65535/",
    ],
)
def test_web_addresses_are_recognised(address: str) -> None:
    """Whatever has http or https and a host is a web address, in any case and script."""
    assert is_web_address(address)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cat.png",
        "/home/ada/cat.png",
        "C:\\cat.png",
        "pictures.example/cat.png",
        "//pictures.example/cat.png",
        "ftp://pictures.example/cat.png",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "https:",
        "https://",
        "https:///cat.png",
        "https://:443/cat.png",
        "https://?x=1",
        "http://[::1/cat.png",
        "http://[cat]/",
        "http://pictures.example:65536/",
        "http://pictures.example:port/",
        "http://pictures.example:-1/",
        "https://pictures%2eexample/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.a]/",
        "http://300.1.1.1/",
        "https://☃.example/",
    ],
)
def test_other_text_is_no_web_address(text: str) -> None:
    """Paths, other schemes, and addresses without a host that can be looked up, or with no port."""
    assert not is_web_address(text)


@pytest.mark.parametrize("character", [" ", "\n", "\t", "\xa0", "\u2028", "\x00", "\x7f", "\ud83d"])
@pytest.mark.parametrize("place", ["{}https://a.example/", "https://a{}.example/", "https://a/b{}"])
def test_blanks_and_unprintables_are_refused_anywhere(place: str, character: str) -> None:
    """What a parser would drop in silence, or a request can't carry, makes no web address."""
    assert not is_web_address(place.format(character))


def test_the_longest_address_is_taken_and_no_longer_one() -> None:
    """The limit of length holds exactly."""
    longest = "https://a.example/".ljust(MAX_URL_LENGTH, "a")

    assert is_web_address(longest)
    assert not is_web_address(longest + "a")


@given(any_text)
def test_no_text_breaks_the_recognition(text: str) -> None:
    """Any text is a web address or not, and `UrlRef` agrees."""
    if is_web_address(text):
        assert UrlRef(url=text).url == text
    elif not is_web_address(text.strip()):
        with pytest.raises(ValidationError):
            UrlRef(url=text)


def test_blanks_around_a_pasted_address_are_dropped() -> None:
    """A reference holds the address without what came along in the clipboard."""
    assert UrlRef(url=" https://a.example/cat.png\n").url == "https://a.example/cat.png"


@given(addresses)
def test_a_bare_address_becomes_a_reference(address: str) -> None:
    """A string among media is read as a web address."""
    assert REF.validate_python(as_media(address)) == UrlRef(url=address)


def test_references_pass_as_they_are() -> None:
    """What code made of a file or an address stays the same object."""
    file, url = FileRef(path="inputs/a.png", name="a.png"), UrlRef(url="https://a.example/")

    assert as_media(file) is file
    assert as_media(url) is url


@given(any_json.filter(lambda value: not isinstance(value, str)))
def test_data_never_becomes_a_reference_to_a_file(data: object) -> None:
    """A dict from outside names no file of this machine, whatever it looks like."""
    with pytest.raises(ValidationError):
        REF.validate_python(as_media(data))
    with pytest.raises(ValidationError):
        REF.validate_python(as_media(FILE))


def test_stored_references_are_read_back() -> None:
    """A reference written as JSON by us is the same one when it is read again."""
    file = FileRef(path="inputs/ab/ab.png", name="Ä cat.png")

    assert REF.validate_json(REF.dump_json(file)) == file


def test_a_file_name_can_always_be_written_down() -> None:
    """Half a surrogate pair in a name, which no JSON can hold as UTF-8, becomes a question mark."""
    ref = FileRef(path="inputs/ab.png", name="cat\udcff.png")

    assert ref.name == "cat?.png"
    assert REF.dump_json(ref).decode().count("cat?.png") == 1
