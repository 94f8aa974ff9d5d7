"""Pathfinder.

Oracle: the places of the dashes, joined anew by a union of those whose ends are a gap apart, without what the
generator knows of paths; distances by sampling each dash densely; the drawing against PIL's, 16 times larger.
Tolerances:

| what | bound | why |
| --- | --- | --- |
| places | 1e-9 | float64 of some 30 |
| distances of dashes that are sampled | 0.03 | half the distance of two samples |
| brightness of a pixel, of 255 | mean 3, any 80 | 4 × 4 points in a pixel; PIL draws lines wider by 1 of 8 |
"""

import math

import numpy as np
import pytest
from PIL import Image, ImageDraw

from clew.data import load
from clew.data.dashed_paths import SIDE, Pictures, draw, pictures, short_paths
from clew.data.generated import generator

PLACE, SAMPLED = 1e-9, 0.03
GAP, LENGTH, THICKNESS, RADIUS = 2.0, 2.0, 0.5, 1.5  # Long Range Arena: paddle_margin 1 to each side, …


@pytest.fixture(scope="module", params=[14, 6])
def dashes(request):
    return request.param


@pytest.fixture(scope="module")
def scene(dashes):
    return pictures(generator("pathfinder", 3), dashes, 64)


def _there(scene: Pictures, number: int) -> np.ndarray:
    """The dashes (S, 2, 2) of one picture that are there."""
    found = scene.dashes[number]
    return found[~np.isnan(found[:, 0])].reshape(-1, 2, 2)


def _sampled(dash: np.ndarray) -> np.ndarray:
    return dash[0] + np.linspace(0, 1, 41)[:, None] * (dash[1] - dash[0])


def _components(found: np.ndarray) -> list[int]:
    """A number for each dash, the same for those that a gap joins: the end of one, the start of the next."""
    number = list(range(len(found)))
    for i, one in enumerate(found):
        for j, other in enumerate(found):
            if i != j and np.linalg.norm(one[1] - other[0]) <= GAP + PLACE:
                number = [number[i] if each == number[j] else each for each in number]
    return number


def _marked(found: np.ndarray, circle: np.ndarray) -> int:
    """Which dash begins or ends at the circle."""
    (index,) = {i for i, dash in enumerate(found) if np.abs(dash - circle).max(axis=1).min() < PLACE}
    return index


def test_dashes_are_inside_and_of_one_length(scene):
    there = scene.dashes[~np.isnan(scene.dashes).any(axis=2)]
    assert there.min() >= 2 - PLACE
    assert there.max() <= SIDE - 2 + PLACE
    np.testing.assert_allclose(np.linalg.norm(there[:, 2:] - there[:, :2], axis=1), LENGTH, atol=PLACE)


def test_the_circles_are_connected_by_dashes_or_not(scene, dashes):
    assert len(scene.dashes) > 8
    assert 0 < scene.connected.mean() < 1
    for number in range(len(scene.dashes)):
        found = _there(scene, number)
        component = _components(found)
        many, short = short_paths(dashes)
        sizes = sorted((component.count(each) for each in set(component)), reverse=True)
        assert sizes[:2] == [dashes, dashes]
        assert set(sizes[2:]) <= {short}
        assert len(sizes) - 2 <= many
        ends = [component[_marked(found, circle)] for circle in scene.circles[number]]
        assert all(component.count(each) == dashes for each in ends)
        assert (ends[0] == ends[1]) == scene.connected[number]


def test_strangers_are_farther_apart_than_neighbours(scene):
    for number in range(4):
        found = _there(scene, number)
        points = [_sampled(dash) for dash in found]
        for i, one in enumerate(points):
            for j in range(i):
                apart = np.linalg.norm(one[:, None] - points[j], axis=-1).min()
                neighbours = min(
                    np.linalg.norm(found[i][1] - found[j][0]), np.linalg.norm(found[j][1] - found[i][0])
                )
                if neighbours <= GAP + PLACE:
                    assert apart >= math.sqrt(2) - SAMPLED, "a turn is a right angle at most"
                else:
                    assert apart > GAP + THICKNESS - SAMPLED


def test_paths_begin_seven_pixels_apart(scene, dashes):
    apart = scene.dashes[:, 0, :2] - scene.dashes[:, dashes, :2]
    np.testing.assert_allclose(np.linalg.norm(apart, axis=1), 7, atol=PLACE)


def test_the_drawing(scene):
    scale = 16
    for number, pixels in enumerate(draw(scene)[:8]):
        large = Image.new("L", (SIDE * scale, SIDE * scale))
        pencil = ImageDraw.Draw(large)
        for (y, x), (v, u) in _there(scene, number) * scale:
            pencil.line([(x, y), (u, v)], fill=255, width=int(THICKNESS * scale))
        lines = np.asarray(large, dtype=float).reshape(SIDE, scale, SIDE, scale).mean(axis=(1, 3))
        large.paste(0, (0, 0, *large.size))
        for y, x in scene.circles[number] * scale:
            r = RADIUS * scale
            pencil.ellipse([x - r, y - r, x + r, y + r], fill=255)
        discs = np.asarray(large, dtype=float).reshape(SIDE, scale, SIDE, scale).mean(axis=(1, 3))
        wanted = np.maximum(np.minimum(1.5 * lines, 255), discs)
        off = np.abs(pixels - wanted)
        assert off.mean() < 3
        assert off.max() < 80


def test_pictures_are_read_row_by_row():
    data = load("pathfinder", {"dashes": 6, "sequences": 30, "test_sequences": 10, "validation": 0})
    first = pictures(generator("pathfinder", 0), 6, 2 * 40 + 8)
    pixels = draw(first)
    for number in range(30):
        assert data.train.inputs[number].shape == (1024, 1)
        assert data.train.inputs[number][5 * 32 + 7, 0] == pixels[number, 5, 7]
        assert data.classes[int(data.train.targets[number])] == (
            "connected" if first.connected[number] else "apart"
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dashes": 2}, "'dashes' is at least 3, got 2"),
        ({"dashes": 15}, "'dashes' is at most 14, more do not fit into the picture; got 15"),
        ({"sequences": 0}, "'sequences' is at least 1, got 0"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        load("pathfinder", options)
