"""Sampling planes between their pixels: exact to a fraction of a pixel, and fast.

Two ways, because most clips do not roll the camera and need only the cheaper one. Both work on
blocks of rows that stay in a processor's own cache, in whole numbers, and blend linearly.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
Affine = tuple[float, float, float, float, float, float]
"""From a frame's pixel (row i, column j) to a picture's: x = a·j + b·i + c, y = d·j + e·i + f."""

_BORDER = 1
"""Pixels repeated around a plane, so that its outermost pixels have neighbours too."""


class LevelSampler:
    """Samples planes of one size for a camera that is not rolled: first down, then across.

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

    def sample(
        self, across: tuple[float, float], down: tuple[float, float], out: tuple[Plane, ...]
    ) -> None:
        """Fill a frame's planes. `across` holds a and c of x = a·j + c, `down` e and f of y."""
        column, right = self._places(*across, self._width)
        row, below = self._places(*down, self._height)
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


class RolledSampler:
    """Samples planes of one size under any affine map.

    Each pixel of a frame lies between four of the picture. Those are packed into one 32-bit number
    beforehand, so that one gather fetches all four and two multiplications on lanes blend them.
    """

    _LANES = np.uint32(0x00FF00FF)
    _BYTE = np.uint32(8)
    _BLOCK_PIXELS = 1 << 15
    _UNIT = 1 << 16
    _FILL_UP = np.uint32(255 << 16)
    """Makes up for the two truncations of a blend; leaves a value that is not blended as it is."""

    def __init__(self, planes: tuple[Plane, ...], frame: tuple[int, int]) -> None:
        self._width, self._height = frame
        packed = [_packed(plane) for plane in planes]
        self._stride = np.int32(packed[0].shape[1])
        self._pixels = [each.ravel() for each in packed]
        block = (_rows(frame, self._BLOCK_PIXELS), self._width)
        self._index = np.empty(block, np.int64)
        self._fetched, self._other = np.empty(block, np.uint32), np.empty(block, np.uint32)
        self._x, self._y = np.empty(block, np.int32), np.empty(block, np.int32)
        self._right, self._below = np.empty(block, np.uint32), np.empty(block, np.uint32)

    def sample(self, seen: Affine, out: tuple[Plane, ...]) -> None:
        """Fill a frame's planes."""
        a, b, c, d, e, f = seen
        columns = np.arange(self._width, dtype=np.float64)
        rows = np.arange(self._height, dtype=np.float64)[:, None]
        x_of_column, x_of_row = self._fixed(a * columns + c + _BORDER), self._fixed(b * rows)
        y_of_column, y_of_row = self._fixed(d * columns), self._fixed(e * rows + f + _BORDER)
        for block in _blocks(self._height, len(self._index)):
            count = block.stop - block.start
            x = np.add(x_of_column, x_of_row[block], out=self._x[:count])
            y = np.add(y_of_column, y_of_row[block], out=self._y[:count])
            self._sample_block(x, y, tuple(plane[block] for plane in out))

    def _sample_block(
        self, x: NDArray[np.int32], y: NDArray[np.int32], out: tuple[Plane, ...]
    ) -> None:
        index, fetched = self._index[: len(x)], self._fetched[: len(x)]
        right = np.right_shift(x.view(np.uint32), self._BYTE, out=self._right[: len(x)])
        right &= np.uint32(255)
        below = np.right_shift(y.view(np.uint32), self._BYTE, out=self._below[: len(y)])
        below &= np.uint32(255)
        x >>= 16
        y >>= 16
        y *= self._stride
        np.add(y, x, out=index)
        below *= np.uint32(0xFFFF0001)  # below in the low lane, what is left to 256 in the high
        below += np.uint32(256 << 16)
        for pixels, plane in zip(self._pixels, out, strict=True):
            np.take(pixels, index, out=fetched, mode="clip")
            self._blend(fetched, right, below)
            np.copyto(plane, fetched, casting="unsafe")

    def _blend(
        self, fetched: NDArray[np.uint32], right: NDArray[np.uint32], below: NDArray[np.uint32]
    ) -> None:
        """Blend packed fours: left with right in both rows at once, then upper with lower row."""
        other = np.right_shift(fetched, self._BYTE, out=self._other[: len(fetched)])
        other &= self._LANES  # the right pixels of both rows
        fetched &= self._LANES  # the left ones
        other -= fetched
        other *= right
        fetched <<= self._BYTE
        fetched += other
        fetched >>= self._BYTE
        fetched &= self._LANES  # upper row in the low lane, lower row in the high one
        fetched *= below
        fetched += self._FILL_UP
        fetched >>= np.uint32(24)

    def _fixed(self, positions: NDArray[np.float64]) -> NDArray[np.int32]:
        return np.rint(positions * self._UNIT).astype(np.int32)


def _packed(plane: Plane) -> NDArray[np.uint32]:
    """Pack every pixel with its right, lower and lower right neighbour."""
    bordered = np.pad(plane, _BORDER, mode="edge").astype(np.uint32)
    upper = bordered[:-1, :-1] | bordered[:-1, 1:] << np.uint32(8)
    lower = bordered[1:, :-1] | bordered[1:, 1:] << np.uint32(8)
    return np.ascontiguousarray(upper | lower << np.uint32(16))


def _rows(frame: tuple[int, int], block_pixels: int) -> int:
    width, height = frame
    return max(1, min(height, block_pixels // width))


def _blocks(height: int, rows: int) -> Iterator[slice]:
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))
