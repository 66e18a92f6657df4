"""The girl at the desk: tired, her cheek in her hand."""

import numpy as np
from drawing.brush import Canvas

SKIN, SKIN_SHADE = "#f6c9a8", "#e09f83"
HAIR, HAIR_LIGHT = "#40263a", "#7c4a55"
KNIT, KNIT_SHADE, KNIT_LIGHT = "#2f8583", "#1d5a66", "#5bb0a4"


class _Head:
    """Places points of a face on the canvas: the head leans on a hand, so all of it is turned."""

    def __init__(self, cx: float, cy: float, lean: float) -> None:
        self._centre = np.array([cx, cy])
        turn = np.radians(lean)
        self._turn = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])

    def __call__(self, *points: tuple[float, float]) -> list[tuple[float, float]]:
        placed = np.array(points, float) @ self._turn.T + self._centre
        return [(float(x), float(y)) for x, y in placed]


def draw_seated(canvas: Canvas) -> None:
    """Draw her behind the desk, which then hides her lap; her arms come after it."""
    head = _Head(640, 330, 9)
    _hair_behind(canvas, head)
    _body(canvas)
    _face(canvas, head)
    _features(canvas, head)
    _hair_in_front(canvas, head)


def _hair_behind(canvas: Canvas, head: _Head) -> None:
    canvas.fill(
        HAIR,
        canvas.blob(head((-16, -150), (22, -150), (44, -122), (22, -98), (-18, -98), (-40, -122))),
    )
    canvas.shine(HAIR_LIGHT, canvas.curve(head((-26, -128), (-10, -142), (14, -143)), 6) * 0.5)
    back = head(
        (0, -112), (62, -92), (92, -30), (96, 40), (104, 104), (84, 136), (40, 128), (-40, 128),
        (-84, 138), (-106, 106), (-96, 40), (-92, -30), (-62, -92),
    )  # fmt: skip
    canvas.fill(HAIR, canvas.blob(back))


def _body(canvas: Canvas) -> None:
    canvas.fill(SKIN_SHADE, canvas.polygon([(600, 390), (668, 394), (672, 486), (592, 486)]))
    torso = [
        (628, 458), (690, 462), (746, 486), (790, 540), (812, 640), (812, 720), (450, 720),
        (452, 640), (474, 540), (516, 486), (572, 462),
    ]  # fmt: skip
    canvas.fill(KNIT, canvas.blob(torso))
    canvas.shade(
        KNIT_SHADE,
        canvas.blob([(700, 500), (760, 530), (800, 640), (800, 720), (690, 720), (706, 610)]) * 0.6,
    )
    canvas.shade(
        KNIT_SHADE, canvas.blob([(536, 560), (556, 600), (560, 720), (520, 720), (524, 620)]) * 0.6
    )
    knit = np.clip(np.sin(canvas.x * 0.62) * 0.5 + 0.5, 0, 1) * canvas.blob(torso)
    canvas.shade(KNIT_SHADE, knit * 0.13)
    collar = [
        (578, 468),
        (600, 444),
        (634, 456),
        (668, 448),
        (692, 468),
        (672, 492),
        (634, 502),
        (598, 492),
    ]
    canvas.fill(KNIT_LIGHT, canvas.blob(collar))
    canvas.shade(
        KNIT_SHADE,
        canvas.curve([(582, 476), (608, 494), (634, 499), (662, 494), (688, 476)], 4) * 0.5,
    )
    canvas.fill(
        SKIN_SHADE,
        canvas.blob([(602, 440), (636, 446), (668, 442), (660, 466), (634, 478), (610, 466)]),
    )


def _face(canvas: Canvas, head: _Head) -> None:
    for side in (-1, 1):
        canvas.fill(
            SKIN_SHADE,
            canvas.blob(head((side * 78, -8), (side * 92, -4), (side * 92, 18), (side * 80, 28))),
        )
    face = head(
        (0, -96), (50, -84), (78, -40), (80, 8), (68, 52), (38, 88), (0, 102), (-38, 88),
        (-68, 52), (-80, 8), (-78, -40), (-50, -84),
    )  # fmt: skip
    skin = canvas.blob(face)
    canvas.fill(SKIN, skin)
    edge = canvas.blob(
        head((30, -96), (84, -60), (90, 20), (60, 90), (0, 110), (34, 84), (60, 40), (62, -30))
    )
    canvas.shade("#e7a285", edge * skin * 0.55)
    for x in (-46, 46):
        [(cx, cy)] = head((x, 38))
        canvas.fill("#f08f7c", canvas.ellipse(cx, cy, 24, 15, soft=18) * skin * 0.6)


def _features(canvas: Canvas, head: _Head) -> None:
    for side in (-1, 1):
        _eye(canvas, head, side)
        brow = head((side * 18, -27), (side * 34, -33), (side * 54, -25))
        canvas.fill(HAIR, canvas.curve(brow, 5.5))
    canvas.fill(SKIN_SHADE, canvas.curve(head((3, 6), (-7, 30), (4, 34)), 4))
    canvas.fill("#b6544f", canvas.curve(head((-17, 63), (-4, 60), (8, 61), (18, 66)), 5))
    canvas.fill(SKIN_SHADE, canvas.curve(head((-8, 76), (2, 78), (10, 76)), 3))


def _eye(canvas: Canvas, head: _Head, side: int) -> None:
    """Draw an eye half under its heavy lid, with the shadow of a short night below it."""
    at = 36 * side
    white = canvas.blob(head((at - 19, 4), (at, -5), (at + 19, 4), (at + 12, 15), (at - 12, 15)))
    canvas.fill("#fffaf2", white)
    [(cx, cy)] = head((at + 1, 8))
    canvas.fill("#5b3a33", canvas.ellipse(cx, cy, 9.5, 10.5) * white)
    canvas.fill("#2a1820", canvas.ellipse(cx, cy, 5, 6) * white)
    canvas.fill("#ffffff", canvas.ellipse(cx - 3, cy - 2, 2.2, 2.2) * white)
    lid = head((at - 21, 5), (at - 10, -9), (at + 10, -9), (at + 21, 5), (at, 3))
    canvas.fill("#eab393", canvas.blob(lid))
    canvas.fill(
        "#2f1b29", canvas.curve(head((at - 21, 6), (at - 8, 2), (at + 8, 2), (at + 21, 6)), 4.6)
    )
    canvas.fill("#2f1b29", canvas.curve(head((at + 19 * side, 5), (at + 27 * side, 1)), 4))
    canvas.shade("#a8627e", canvas.curve(head((at - 14, 22), (at, 26), (at + 14, 22)), 4) * 0.35)


def _hair_in_front(canvas: Canvas, head: _Head) -> None:
    left = head(
        (6, -104),
        (-46, -98),
        (-84, -56),
        (-96, 10),
        (-94, 70),
        (-84, 96),
        (-78, 40),
        (-70, -8),
        (-40, -46),
        (-4, -72),
    )
    right = head(
        (-6, -104),
        (46, -100),
        (86, -58),
        (98, 8),
        (98, 66),
        (88, 94),
        (80, 38),
        (74, -6),
        (58, -42),
        (26, -66),
        (-2, -74),
    )
    canvas.fill(HAIR, canvas.blob(left))
    canvas.fill(HAIR, canvas.blob(right))
    for points in (
        ((-8, -92), (-46, -74), (-72, -32)),
        ((-26, -96), (-64, -68), (-84, -14)),
        ((18, -90), (54, -66), (76, -24)),
    ):
        canvas.shine(HAIR_LIGHT, canvas.curve(head(*points), 4.5) * 0.45)


def draw_arms(canvas: Canvas) -> None:
    """Draw one arm lying on the desk and the other holding her cheek."""
    _arm_on_desk(canvas)
    _arm_to_chin(canvas)


def _arm_to_chin(canvas: Canvas) -> None:
    canvas.shade("#5f2f38", canvas.ellipse(776, 690, 62, 12, soft=14) * 0.8)
    sleeve = [
        (774, 694),
        (806, 686),
        (818, 656),
        (796, 590),
        (762, 506),
        (722, 446),
        (676, 456),
        (694, 520),
        (712, 600),
        (724, 660),
        (742, 688),
    ]
    canvas.fill(KNIT, canvas.blob(sleeve))
    canvas.shine(
        KNIT_LIGHT, canvas.curve([(692, 478), (712, 552), (730, 630), (744, 668)], 9) * 0.5
    )
    canvas.shade(
        KNIT_SHADE, canvas.curve([(738, 476), (774, 556), (804, 640), (800, 672)], 10) * 0.6
    )
    cuff = [(672, 450), (694, 438), (724, 436), (732, 458), (706, 470), (680, 474)]
    canvas.fill(KNIT_LIGHT, canvas.blob(cuff))
    palm = [
        (680, 448),
        (664, 420),
        (668, 396),
        (690, 380),
        (716, 366),
        (732, 376),
        (730, 410),
        (722, 442),
        (702, 450),
    ]
    canvas.fill(SKIN, canvas.blob(palm))
    fingers = [
        [(712, 408), (724, 372), (728, 336)],
        [(724, 410), (737, 378), (741, 346)],
        [(728, 420), (744, 396), (749, 368)],
    ]
    for finger in fingers:
        canvas.fill(SKIN_SHADE, canvas.curve(finger, 17))
        canvas.fill(SKIN, canvas.curve(finger, 13.5))
    canvas.shade(
        "#d98e77",
        canvas.blob([(700, 448), (724, 440), (734, 400), (742, 400), (736, 440), (716, 456)]) * 0.4,
    )


def _arm_on_desk(canvas: Canvas) -> None:
    sleeve = [
        (476, 560),
        (452, 610),
        (446, 660),
        (470, 686),
        (540, 690),
        (606, 684),
        (610, 652),
        (560, 640),
        (524, 632),
        (528, 590),
        (512, 556),
    ]
    canvas.fill(KNIT, canvas.blob(sleeve))
    canvas.shine(
        KNIT_LIGHT, canvas.curve([(474, 590), (464, 636), (482, 660), (540, 664)], 9) * 0.45
    )
    canvas.shade(KNIT_SHADE, canvas.curve([(470, 682), (540, 688), (604, 680)], 9) * 0.55)
    canvas.fill(KNIT_LIGHT, canvas.blob([(596, 648), (616, 650), (618, 684), (598, 688)]))
    hand = [(614, 654), (648, 650), (684, 660), (696, 674), (676, 684), (640, 686), (614, 682)]
    canvas.fill(SKIN, canvas.blob(hand))
    for y in (664, 673):
        canvas.fill(SKIN_SHADE, canvas.curve([(654, y), (672, y + 1), (688, y + 3)], 2.4))
