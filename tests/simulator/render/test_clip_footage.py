from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kie_ui.media.probe import probe_sound, probe_video
from kie_ui.simulator.render.clip import pass_on, probe_footage, render_clip
from kie_ui.simulator.render.picture import BrokenInput
from kie_ui.simulator.render.requests import MAX_DURATION_S, MAX_FOOTAGE_S, ClipRequest, Placeholder
from kie_ui.simulator.render.sound import write_sound


def render(folder: Path, **fields: Any) -> Path:
    """Render a small clip."""
    usual: dict[str, Any] = {
        "start": Placeholder(text="a boat at sea", seed=1),
        "duration_s": 1.0,
        "short_side_px": 96,
        "seed": 3,
    }
    output = folder / "made.mp4"
    render_clip(ClipRequest(**{**usual, **fields}), output)
    return output


def test_a_clip_can_start_from_nothing_but_a_prompt(tmp_path: Path) -> None:
    """Its placeholder has the requested proportions, 16:9 where none are requested."""
    info = probe_video(render(tmp_path))
    assert (info.width_px, info.height_px, info.duration_s) == (170, 96, 1.0)
    info = probe_video(render(tmp_path, aspect=9 / 16))
    assert (info.width_px, info.height_px) == (96, 170)


def test_a_requested_shape_goes_before_that_of_the_picture(
    tmp_path: Path, picture_path: Path
) -> None:
    """The picture fills the frame and is cut."""
    info = probe_video(render(tmp_path, start=picture_path, aspect=1.0))
    assert (info.width_px, info.height_px) == (96, 96)


def test_footage_is_passed_on(tmp_path: Path, silent_clip: Path) -> None:
    """Its frames are seen at its own size and length, and marked."""
    info = probe_video(render(tmp_path, footage=silent_clip, duration_s=None, short_side_px=None))
    facts = probe_footage(silent_clip)
    assert (info.width_px, info.height_px) == (facts.width_px, facts.height_px)
    assert info.duration_s == pytest.approx(facts.duration_s, abs=0.05)


def test_footage_is_enlarged_by_a_factor(tmp_path: Path, silent_clip: Path) -> None:
    """An upscaler makes it larger."""
    clip = render(tmp_path, footage=silent_clip, short_side_px=None, factor=2.0, duration_s=0.5)
    assert probe_video(clip).width_px == 2 * probe_footage(silent_clip).width_px


@pytest.mark.parametrize(
    ("requested", "side_px"),
    [({}, 720), ({"short_side_px": 1000}, 1000), ({"factor": 1.25}, 1080)],
    ids=["nothing", "a resolution", "to be enlarged"],
)
def test_large_footage_is_made_smaller_unless_a_size_is_requested(
    tmp_path: Path, requested: dict[str, Any], side_px: int
) -> None:
    """Nobody waits for pixels that nobody requested."""
    source = render(tmp_path, duration_s=0.1, short_side_px=1080, is_camera_fixed=True)
    footage = source.rename(tmp_path / "large.mp4")
    request = {"footage": footage, "duration_s": 0.1, "short_side_px": None, **requested}
    assert probe_video(render(tmp_path, **request)).height_px == side_px


def test_long_footage_is_passed_on_in_part(tmp_path: Path) -> None:
    """Unless a duration is requested, there is an early end to it."""
    source = render(tmp_path, duration_s=17, short_side_px=16, is_camera_fixed=True)
    footage = source.rename(tmp_path / "long.mp4")
    clip = render(tmp_path, footage=footage, duration_s=None)
    assert probe_video(clip).duration_s == MAX_FOOTAGE_S
    assert probe_video(render(tmp_path, footage=footage, duration_s=16)).duration_s == 16


def test_short_footage_starts_again(tmp_path: Path, silent_clip: Path) -> None:
    """A clip has exactly the requested duration, and the requested shape."""
    clip = render(tmp_path, footage=silent_clip, duration_s=2.5, short_side_px=64, aspect=1.0)
    info = probe_video(clip)
    assert (info.width_px, info.height_px, info.duration_s) == (64, 64, 2.5)


def test_frames_are_passed_on_in_their_order(silent_clip: Path) -> None:
    """The same footage gives the same frames, and they are not all one."""
    info = probe_footage(silent_clip)
    size = (info.width_px, info.height_px)
    one, other = (
        [frame.to_ndarray(format="gray").tobytes() for frame in pass_on(silent_clip, size, 12)]
        for _ in range(2)
    )
    assert one == other
    assert len(set(one)) > 6


def test_a_sound_is_heard_in_the_clip(tmp_path: Path, picture_path: Path) -> None:
    """A picture that is given a sound lasts as long as that."""
    sound = tmp_path / "sound.wav"
    write_sound(np.full((1, 24_000), 0.3, np.float32), 16_000, sound, "wav")
    clip = render(tmp_path, start=picture_path, sound=sound, duration_s=None)
    assert probe_video(clip).duration_s == pytest.approx(1.5, abs=0.05)
    assert probe_sound(clip).duration_s == pytest.approx(1.5, abs=0.1)


def test_tones_are_heard_only_where_sound_is_wanted(tmp_path: Path, silent_clip: Path) -> None:
    """Clips are silent unless requested otherwise, and footage without sound stays so."""
    assert not probe_video(render(tmp_path)).has_audio
    assert probe_video(render(tmp_path, has_tones=True)).has_audio
    assert not probe_video(render(tmp_path, footage=silent_clip, has_tones=True)).has_audio


def test_a_long_sound_does_not_make_an_endless_clip(tmp_path: Path) -> None:
    """There is an end to what is rendered."""
    sound = tmp_path / "long.wav"
    write_sound(np.zeros((1, 8_000 * 90), np.float32), 8_000, sound, "wav")
    clip = render(tmp_path, sound=sound, duration_s=None, short_side_px=16, is_camera_fixed=True)
    assert probe_video(clip).duration_s == MAX_DURATION_S


def test_broken_footage_says_so(tmp_path: Path) -> None:
    """What cannot be read is refused in words for people."""
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    with pytest.raises(BrokenInput, match="The video"):
        render(tmp_path, footage=broken)
