"""Dashed paths that wind through a square without touching: what is where in Pathfinder's pictures.

Legend: B pictures, S dashes of a picture; a dash is (start y, start x, end y, end x), in pixels, y downwards.
A place without a dash is NaN.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from clew.data.generated import uniform

__all__ = ["SIDE", "Pictures", "draw", "pictures", "short_paths"]

Reals = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

SIDE = 32
LENGTH, THICKNESS = 2.0, 0.5
MARGIN = 1.0
GAP = 2 * MARGIN
"""Between the dashes of a path, along it."""
CLEARANCE = GAP + THICKNESS
"""Between all others, at least: more than between those."""
BORDER = 1.0 + MARGIN
START_DISTANCE = 7.0
CONTINUITY = 1.0
RADIUS = 1.5
SHORT_DASHES = 20
CONTRAST = 1.5
TURNS, TRIES, PATH_TRIES = 16, 8, 5
ROUNDS, TAKEN_BACK = 60, 2
SUBPIXELS = 4


class Pictures(NamedTuple):
    """What is in B pictures.

    Attributes:
        dashes: (B, S, 4): those of the first long path, of the second, and of each short one, in order.
        circles: (B, 2, 2): the centres (y, x).
        connected: (B,) bool: whether the circles are at the ends of one path.
    """

    dashes: Reals
    circles: Reals
    connected: Truths


def short_paths(dashes: int) -> tuple[int, int]:
    """How many short paths there are at most beside long ones of ``dashes``, and of how many dashes."""
    length = dashes // 3
    return SHORT_DASHES // length, length


def pictures(draws: np.random.PCG64, dashes: int, attempts: int) -> Pictures:
    """The pictures that come of ``attempts`` beginnings: none of those where a long path ran into a dead end.

    Args:
        draws: where the randomness is from.
        dashes: of each long path.
        attempts: how many to begin.
    """
    many, short = short_paths(dashes)
    canvas = np.full((attempts, 2 * dashes + many * short, 4), np.nan)
    slots = np.arange(2 * dashes).reshape(2, dashes)
    middle = 2 * START_DISTANCE
    first = middle + uniform(draws, attempts, 2) * (SIDE - 2 * middle)
    second = first + START_DISTANCE * _direction(2 * np.pi * uniform(draws, attempts))
    for slot, start in zip(slots[:, 0], (first, second), strict=True):
        angle = 2 * np.pi * uniform(draws, len(canvas))
        canvas[:, slot] = _dash(start, angle)
    both = [_free(canvas, canvas[:, path[:1]], path[:1])[:, 0] for path in slots]
    canvas = canvas[both[0] & both[1]]
    canvas = _grow(draws, canvas, slots.T.ravel())
    for number in range(many):
        _add_short(draws, canvas, 2 * dashes + number * short, short)
    circles, connected = _mark(draws, canvas[:, slots[:, 0], :2], canvas[:, slots[:, -1], 2:])
    return Pictures(canvas, circles, connected)


def _grow(draws: np.random.PCG64, canvas: Reals, order: Whole) -> Reals:
    """The pictures (B, S, 4) with two whole paths, from those with the first two dashes of ``order``.

    The paths take turns. Where one runs into a dead end, the last dashes of both are taken back.
    """
    placed = np.full(len(canvas), 2)
    for _ in range(ROUNDS):
        growing = np.flatnonzero(placed < len(order))
        if not len(growing):
            break
        step = placed[growing]
        last = order[step - 2]
        found = _extend(draws, canvas[growing], canvas[growing, last], last)
        canvas[growing, order[step]] = found
        stuck = np.isnan(found[:, 0])
        placed[growing[~stuck]] += 1
        dead, step = growing[stuck], step[stuck]
        for _ in range(TAKEN_BACK):
            step = np.maximum(step - 1, 1)
            canvas[dead[step > 1], order[step[step > 1]]] = np.nan
        placed[dead] = np.maximum(step, 2)
    whole: Reals = canvas[placed == len(order)]
    return whole


def _mark(draws: np.random.PCG64, starts: Reals, ends: Reals) -> tuple[Reals, Truths]:
    """Circles at the start of one of two paths and at the end of one; starts, ends (B, 2, 2)."""
    every = np.arange(len(starts))
    path = (uniform(draws, len(starts)) < 0.5).astype(int)
    connected = uniform(draws, len(starts)) < 0.5
    return np.stack(
        [starts[every, path], ends[every, np.where(connected, path, 1 - path)]], axis=1
    ), connected


def _add_short(draws: np.random.PCG64, canvas: Reals, slot: int, length: int) -> None:
    """Write one more path into each of the B pictures, where a few tries find a place for it."""
    pending = np.arange(len(canvas))
    for _ in range(PATH_TRIES):
        found = canvas[pending]
        found[:, slot] = _begin(draws, found)
        for step in range(slot + 1, slot + length):
            before = np.full(len(found), step - 1)
            found[:, step] = _extend(draws, found, found[:, step - 1], before)
        whole = ~np.isnan(found[:, slot : slot + length]).any(axis=(1, 2))
        canvas[pending[whole]] = found[whole]
        pending = pending[~whole]


def _begin(draws: np.random.PCG64, canvas: Reals) -> Reals:
    """A first dash anywhere, (B, 4); NaN where no try found a place."""
    starts = BORDER + uniform(draws, len(canvas), TRIES, 2) * (SIDE - 2 * BORDER)
    tried = _dash(starts, 2 * np.pi * uniform(draws, len(canvas), TRIES))
    return _chosen(tried, _free(canvas, tried).astype(np.float64), np.zeros(len(canvas)))


def _extend(draws: np.random.PCG64, canvas: Reals, last: Reals, slot: Whole) -> Reals:
    """The dash that goes on from ``last`` (B, 4), which is at ``slot`` (B,); NaN where there is no place.

    It turns by an angle about the middle of the gap, by at most a right angle, with a density ∝
    cos²(continuity · angle) among those that lead to a place.
    """
    angle = np.arctan2(last[:, 2] - last[:, 0], last[:, 3] - last[:, 1])
    pivot = last[:, 2:] + MARGIN * _direction(angle)
    turns = ((np.arange(TURNS) + uniform(draws, len(last), 1)) / TURNS - 0.5) * np.pi / CONTINUITY
    angles = angle[:, None] + turns
    tried = _dash(pivot[:, None] + MARGIN * _direction(angles), angles)
    weights = np.cos(CONTINUITY * turns) ** 2 * _free(canvas, tried, slot)
    return _chosen(tried, weights, uniform(draws, len(last)))


def _chosen(tried: Reals, weights: Reals, share: Reals) -> Reals:
    """Of dashes ``tried`` (B, tries, 4) the one at ``share`` (B,) of the sum of weights; NaN if that is 0."""
    sums = np.cumsum(weights, axis=1)
    picked = np.minimum((sums <= (share * sums[:, -1])[:, None]).sum(axis=1), tried.shape[1] - 1)
    result: Reals = tried[np.arange(len(tried)), picked]
    result[sums[:, -1] == 0] = np.nan
    return result


def _direction(angle: Reals) -> Reals:
    """(…, 2): the unit vectors (y, x)."""
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1)


def _dash(start: Reals, angle: Reals) -> Reals:
    return np.concatenate([start, start + LENGTH * _direction(angle)], axis=-1)


def _free(canvas: Reals, tried: Reals, neighbour: Whole | None = None) -> Truths:
    """Which dashes (B, tries, 4) are inside the border and clear of all in their picture but ``neighbour``.

    Of two dashes that cross, an end of one is within half a dash of the other: distances of ends do.
    """
    free: Truths = np.all((tried >= BORDER) & (tried <= SIDE - BORDER), axis=-1)
    middles, others = (tried[..., :2] + tried[..., 2:]) / 2, (canvas[..., :2] + canvas[..., 2:]) / 2
    centre = middles.mean(axis=1, keepdims=True)
    reach = CLEARANCE + LENGTH + np.linalg.norm(middles - centre, axis=-1).max(axis=1)
    near = np.linalg.norm(others - centre, axis=-1) < reach[:, None]
    if neighbour is not None:
        near[np.arange(len(near)), neighbour] = False
    picture, slot = np.nonzero(near)
    if not len(picture):
        return free
    ours, theirs = tried[picture], canvas[picture, slot][:, None]
    distance = np.minimum.reduce(
        [
            _squared_distance(ours[..., :2], theirs),
            _squared_distance(ours[..., 2:], theirs),
            _squared_distance(theirs[..., :2], ours),
            _squared_distance(theirs[..., 2:], ours),
        ]
    )
    firsts = np.flatnonzero(np.diff(picture, prepend=-1))
    free[picture[firsts]] &= np.minimum.reduceat(distance, firsts) > CLEARANCE**2
    return free


def _squared_distance(point: Reals, dash: Reals) -> Reals:
    """From points (…, 2) to dashes (…, 4)."""
    along, across = _seen_from(dash, point)
    past = along - np.clip(along, 0, LENGTH)
    squared: Reals = past * past + across * across
    return squared


def _inside(point: Reals, dash: Reals) -> Truths:
    """Whether points (…, 2) are in dashes (…, 4), which end squarely."""
    along, across = _seen_from(dash, point)
    inside: Truths = (np.abs(across) <= THICKNESS / 2) & (along >= 0) & (along <= LENGTH)
    return inside


def _seen_from(dash: Reals, point: Reals) -> tuple[Reals, Reals]:
    """How far points (…, 2) are along dashes (…, 4), from their start, and to the side."""
    y, x = point[..., 0] - dash[..., 0], point[..., 1] - dash[..., 1]
    unit_y, unit_x = ((dash[..., 2 + axis] - dash[..., axis]) / LENGTH for axis in (0, 1))
    return y * unit_y + x * unit_x, y * unit_x - x * unit_y


def draw(scene: Pictures) -> npt.NDArray[np.uint8]:
    """The pictures, (B, SIDE, SIDE), 0 to 255: how much of each pixel is covered, dashes times 1.5."""
    canvas = np.zeros((len(scene.dashes), SIDE, SIDE))
    for slot in range(scene.dashes.shape[1]):
        there = np.flatnonzero(~np.isnan(scene.dashes[:, slot, 0]))
        dash = scene.dashes[there, slot]
        rows, columns, points = _around((dash[:, :2] + dash[:, 2:]) / 2)
        covered = _inside(points, dash[:, None, None, None]).mean(axis=-1)
        pixel = there[:, None, None], rows, columns
        canvas[pixel] = np.maximum(canvas[pixel], np.minimum(CONTRAST * covered, 1))
    for number in range(2):
        circle = scene.circles[:, number]
        rows, columns, points = _around(circle)
        away = points - circle[:, None, None, None]
        covered = ((away**2).sum(axis=-1) <= RADIUS**2).mean(axis=-1)
        pixel = np.arange(len(canvas))[:, None, None], rows, columns
        canvas[pixel] = np.maximum(canvas[pixel], covered)
    return np.round(255 * canvas).astype(np.uint8)


def _around(middle: Reals) -> tuple[Whole, Whole, Reals]:
    """The 5 × 5 pixels about (B, 2): rows (B, 5, 1), columns (B, 1, 5), points (B, 5, 5, point, 2)."""
    corner = np.clip(np.floor(middle).astype(np.int64) - 2, 0, SIDE - 5)
    rows = corner[:, 0, None, None] + np.arange(5)[:, None]
    columns = corner[:, 1, None, None] + np.arange(5)
    inside = (np.arange(SUBPIXELS) + 0.5) / SUBPIXELS
    y, x = (each.ravel() for each in np.meshgrid(inside, inside))
    points = np.stack(np.broadcast_arrays(rows[..., None] + y, columns[..., None] + x), axis=-1)
    return rows, columns, points
