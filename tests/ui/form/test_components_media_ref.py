import re
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.data_classes import FileData
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import kie_ui.ui
from kie_ui.catalog.values import FileRef, UrlRef
from kie_ui.ui.form.components import (
    UPLOAD_META,
    ApiParameter,
    NotAPicture,
    PictureInput,
    look_at,
    media_ref,
)
from tests.ui.driving import HOSTILE, V1_LITE

PICTURE = V1_LITE.media_parameters[0]


def payload(path: object, **more: Any) -> dict[str, Any]:
    """Make what Gradio hands over for a file."""
    return {"path": path, "meta": dict(UPLOAD_META), **more}


def test_an_uploaded_file_is_taken_with_the_name_its_owner_gave_it(uploaded: Path) -> None:
    """The path is where Gradio put it; the name is for people."""
    ref = media_ref(payload(str(uploaded), orig_name="../my cat.png"))
    assert ref == FileRef(path=str(uploaded), name="my cat.png")


def test_gradios_own_record_of_a_file_is_taken_too(uploaded: Path) -> None:
    """The page hands over a model, a caller a dict: both mean the same."""
    assert media_ref(FileData(path=str(uploaded))) == FileRef(path=str(uploaded), name="given.png")


@pytest.mark.parametrize("path", ["/etc/passwd", "app.py", "~/.ssh/id_ed25519", "", "\0", "/"])
def test_a_file_that_was_not_uploaded_is_refused(uploads: Path, path: str) -> None:
    """No caller can name a file of this computer."""
    with pytest.raises(NotAPicture):
        media_ref(payload(path))


def test_a_way_out_of_the_upload_folder_is_refused(uploads: Path, tmp_path: Path) -> None:
    """Neither dots nor a link lead to a file outside, nor does a folder with a longer name."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    beside = tmp_path / "gradio-beside"
    beside.mkdir()
    (beside / "secret.png").write_bytes(b"secret")
    (uploads / "link.png").symlink_to(secret)
    for path in (uploads / ".." / "secret.png", uploads / "link.png", beside / "secret.png"):
        with pytest.raises(NotAPicture):
            media_ref(payload(str(path)))


@pytest.mark.parametrize(
    "forged",
    [
        {},
        {"path": "PATH"},
        {"path": "PATH", "meta": None},
        {"path": "PATH", "meta": {"_type": "something.else"}},
        {"path": ["PATH"], "meta": UPLOAD_META},
        {"path": None, "url": "https://a.test/b.png", "meta": UPLOAD_META},
        {"kind": "file", "path": "PATH", "name": "b.png"},
        {"kind": "url", "url": "https://a.test/b.png"},
    ],
)
def test_only_gradios_own_kind_of_record_stands_for_a_file(
    uploaded: Path, forged: dict[str, Any]
) -> None:
    """A look-alike of our own references is no reference, even to an uploaded file."""
    given_ = {name: str(uploaded) if value == "PATH" else value for name, value in forged.items()}
    with pytest.raises(NotAPicture):
        media_ref(given_)


@pytest.mark.parametrize("address", ["https://a.test/b.png?c=d#e", "HTTP://A.TEST/b.png"])
@pytest.mark.parametrize("shape", [str, payload])
def test_a_web_address_passes_as_it_is(address: str, shape: Any) -> None:
    """As text or in a record: nothing is fetched, nothing is changed."""
    assert media_ref(shape(address)) == UrlRef(url=address)


@pytest.mark.parametrize(
    "address",
    ["data:image/png;base64,iVBORw0KGgo=", "file:///etc/passwd", "ftp://a.test/b", "//a.test/b",
     "javascript:alert(1)", "https://", "not an address", "/etc/passwd"],
)  # fmt: skip
def test_other_addresses_are_refused(address: str) -> None:
    """Only the web can be read by Kie."""
    with pytest.raises(NotAPicture, match="https://"):
        media_ref(address)


@given(path=st.text())
def test_no_text_names_a_file(path: str) -> None:
    """Whatever text comes as a path, it is refused, or it is a web address."""
    for given_ in (path, payload(path)):
        try:
            ref = media_ref(given_)
        except NotAPicture:
            continue
        assert isinstance(ref, UrlRef)


@pytest.mark.parametrize("make", [PictureInput, lambda: ApiParameter("", {"type": "string"})])
async def test_neither_the_page_nor_the_endpoint_fetches_an_address(make: Any) -> None:
    """Gradio would fetch it into its cache; ours leaves it to the browser, and to Kie."""
    with gr.Blocks(analytics_enabled=False):
        component = make()
    address = "http://127.0.0.1:9/never-asked.png"
    assert await component.async_move_resource_to_block_cache(address) == address


def test_our_components_leave_no_files_beside_the_source() -> None:
    """Gradio writes a stub of every new component class into its package."""
    assert not list(Path(kie_ui.ui.__file__).parent.glob("*.pyi"))


def test_a_picture_is_described_when_it_is_given(uploaded: Path) -> None:
    """Format, pixels and size; a picture that browsers show stays as it is."""
    looked = look_at(PICTURE, FileRef(path=str(uploaded), name="given.png"))
    assert (looked.instead, looked.problem) == (None, None)
    assert looked.facts.startswith("PNG · 96 × 64")


def test_what_browsers_cannot_show_is_shown_as_it_would_be_sent(uploads: Path) -> None:
    """A TIFF appears as what it becomes, in the same folder, and is said to have become it."""
    tiff = uploads / "scan.tiff"
    Image.new("RGB", (80, 60), "teal").save(tiff)
    looked = look_at(PICTURE, FileRef(path=str(tiff), name="scan.tiff"))
    ref = media_ref(looked.instead)
    assert isinstance(ref, FileRef)
    assert Path(ref.path).parent == uploads
    with Image.open(ref.path) as picture:
        assert f"image/{picture.format}".lower() in PICTURE.accepts
        assert picture.size == (80, 60)
    assert re.search("TIFF · 80 × 60 · .*TIFF", looked.facts)


def test_what_is_no_picture_is_said_under_it(uploads: Path) -> None:
    """It is not shown as if it were one."""
    fake = uploads / "cat.png"
    fake.write_text(HOSTILE)
    looked = look_at(PICTURE, FileRef(path=str(fake), name=HOSTILE))
    assert looked.problem
    assert looked.facts == ""
