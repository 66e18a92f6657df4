"""Where a camera looks, in pixels of the picture."""

from __future__ import annotations

from typing import NamedTuple

from kie_ui.simulator.motion import Camera


class View(NamedTuple):
    """The map from a frame's pixels to a picture's: x = a·column + c, y = e·row + f."""

    a: float
    c: float
    e: float
    f: float

    def halved(self) -> View:
        """Return the same map for planes of half the width and height."""
        # Pixel centres lie at j + ½; in the half plane's units both sides shift accordingly.
        return self._replace(
            c=(self.c + 0.5 * (self.a + 1) - 1) / 2, f=(self.f + 0.5 * (self.e + 1) - 1) / 2
        )


def view(camera: Camera, frame: tuple[int, int], picture: tuple[int, int]) -> View:
    """Place the camera over a picture of the frame's proportions; sizes are (width, height).

    However the camera is moved, its whole view lies inside the picture.
    """
    (width, height), (picture_w, picture_h) = frame, picture
    scale = 1 / max(1.0, camera.zoom)
    # First in the frame's own pixels, as if the picture were exactly as large as the frame …
    middle_x = width / 2 * (1 + camera.pan_x * (1 - scale))
    middle_y = height / 2 * (1 + camera.pan_y * (1 - scale))
    # … then in those of the picture, which is larger. Pixel j has its centre at j + ½ in both.
    grow_x, grow_y = picture_w / width, picture_h / height
    a, e = scale * grow_x, scale * grow_y
    c = middle_x * grow_x - 0.5 + a * (0.5 - width / 2)
    f = middle_y * grow_y - 0.5 + e * (0.5 - height / 2)
    return View(a, c, e, f)
