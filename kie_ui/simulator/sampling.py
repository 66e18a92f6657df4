"""Sampling planes between their pixels: exact to a fraction of a pixel, and fast.

It works on blocks of rows that stay in a processor's own cache, in whole numbers, and blends
linearly.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kie_ui.simulator.warp import View

Plane = NDArray[np.uint8]

_BORDER = 1
"""Pixels repeated around a plane, so that its outermost pixels have neighbours too."""


class Sampler:
    """Shows planes of one size to a camera: sampled first down, then across.

    Values are kept times 128 in 16 bits, which video levels, at most 240, leave room for.
    """

    _BITS = np.int16(7)
    _UNIT = 128
    _HALF = np.int16(64)
    _BLOCK_PIXELS = 1 << 16

    def __init__(self, planes: tuple[Plane, ...], frame: tuple[int, int]) -> None:
        self._width, self._height = frame
        bordered = [np.pad(plane, _BORDER, mode="edge").astype(np.int16) for plane in planes]
        self._upper = [plane[:-1] * np.int16(self._UNIT) + self._HALF for plane in bordered]
        self._downward = [np.diff(plane, axis=0) for plane in bordered]
        rows, picture_width = _rows(frame, self._BLOCK_PIXELS), bordered[0].shape[1]
        self._mixed = np.empty((rows, picture_width), np.int16)
        self._upper_rows = np.empty((rows, picture_width), np.int16)
        self._rightward = np.empty((rows, picture_width - 1), np.int16)
        self._left = np.empty((rows, self._width), np.int16)
        self._step = np.empty((rows, self._width), np.int16)

    def sample(self, seen: View, out: tuple[Plane, ...]) -> None:
        """Fill a frame's planes with what is seen of the picture's."""
        column, right = self._places(seen.a, seen.c, self._width)
        row, below = self._places(seen.e, seen.f, self._height)
        for block in _blocks(self._height, self._mixed.shape[0]):
            for number, plane in enumerate(out):
                self._mix_rows(number, row[block], below[block, None])
                self._mix_columns(column, right, plane[block])

    def _places(
        self, scale: float, offset: float, count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
        """Return the whole pixels before some positions, and how far beyond them these lie."""
        positions = (np.arange(count) * scale + offset + _BORDER) * self._UNIT
        fixed = np.rint(positions).astype(np.int64)
        return fixed // self._UNIT, (fixed % self._UNIT).astype(np.int16)

    def _mix_rows(self, number: int, row: NDArray[np.int64], below: NDArray[np.int16]) -> None:
        mixed, upper = self._mixed[: len(row)], self._upper_rows[: len(row)]
        np.take(self._downward[number], row, axis=0, out=mixed, mode="clip")
        np.take(self._upper[number], row, axis=0, out=upper, mode="clip")
        mixed *= below
        mixed += upper

    def _mix_columns(self, column: NDArray[np.int64], right: NDArray[np.int16], out: Plane) -> None:
        mixed, rightward = self._mixed[: len(out)], self._rightward[: len(out)]
        left, step = self._left[: len(out)], self._step[: len(out)]
        whole = np.right_shift(mixed, self._BITS, out=self._upper_rows[: len(out)])
        np.subtract(whole[:, 1:], whole[:, :-1], out=rightward)
        np.take(mixed, column, axis=1, out=left, mode="clip")
        np.take(rightward, column, axis=1, out=step, mode="clip")
        step *= right
        step += left
        step >>= self._BITS
        np.copyto(out, step, casting="unsafe")


def _rows(frame: tuple[int, int], block_pixels: int) -> int:
    width, height = frame
    return max(1, min(height, block_pixels // width))


def _blocks(height: int, rows: int) -> Iterator[slice]:
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))
