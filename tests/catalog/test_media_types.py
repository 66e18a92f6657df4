"""The one table of media types: every way through it leads back."""

import pytest

from kie_ui.catalog.media_types import (
    MEDIA_TYPES,
    OCTET_STREAM,
    SHOWN_IN_BROWSERS,
    canonical_mime,
    guess_mime,
    is_accepted,
    kind_of,
    mime_of_suffix,
    name_of,
    suffix_of,
)


def test_every_suffix_leads_back_to_its_type() -> None:
    """What was kept under a suffix is uploaded as what it is."""
    for known in MEDIA_TYPES:
        assert {mime_of_suffix(suffix.upper()) for suffix in known.suffixes} == {known.mime}
        assert suffix_of(known.mime) == known.suffixes[0]
    assert mime_of_suffix(".xyz") is suffix_of("model/xyz") is name_of("model/xyz") is None


def test_no_spelling_and_no_suffix_is_in_the_table_twice() -> None:
    """A table with two answers would give one of them by chance."""
    mimes = [mime for known in MEDIA_TYPES for mime in (known.mime, *known.aliases)]
    suffixes = [suffix for known in MEDIA_TYPES for suffix in known.suffixes]
    assert len(set(mimes)) == len(mimes)
    assert len(set(suffixes)) == len(suffixes)
    assert {known.mime for known in MEDIA_TYPES} >= SHOWN_IN_BROWSERS


@pytest.mark.parametrize(
    ("spelling", "mime"),
    [(" Audio/X-WAV", "audio/wav"), ("image/heif", "image/heic"), ("model/xyz", "model/xyz")],
)
def test_other_spellings_of_a_type_are_understood(spelling: str, mime: str) -> None:
    """Services and browsers spell types as they like."""
    assert canonical_mime(spelling) == mime
    assert name_of(spelling) == name_of(mime)


@pytest.mark.parametrize(
    ("name", "mime"),
    [
        ("a.b/clip.MOV", "video/quicktime"),
        ("sound.wav", "audio/wav"),
        ("page.html", "text/html"),
        ("mp4", OCTET_STREAM),
        ("file.unheard", OCTET_STREAM),
    ],
)
def test_a_name_suggests_a_type(name: str, mime: str) -> None:
    """The table comes first; what it does not list may still be known to Python."""
    assert guess_mime(name) == mime


def test_kinds_follow_from_types_and_from_ranges() -> None:
    """What is neither picture, video nor sound is a file."""
    mimes = ("Image/PNG", "video/*", "audio/mpeg", "text/plain", "*/*")
    assert [kind_of(mime) for mime in mimes] == ["image", "video", "audio", "file", "file"]


@pytest.mark.parametrize(
    ("mime", "accepts", "accepted"),
    [
        ("image/jpeg", ["image/jpg"], True),
        ("image/jpeg", ["image/*"], True),
        ("application/pdf", ["*/*"], True),
        ("video/mp4", ["image/*", "video/quicktime"], False),
    ],
)
def test_a_list_of_types_may_hold_ranges(mime: str, accepts: list[str], *, accepted: bool) -> None:
    """Documentation names types, other spellings of them, and whole families."""
    assert is_accepted(mime, accepts) is accepted
