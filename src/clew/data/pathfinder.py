"""Pathfinder: are two circles joined by a dashed path? Pictures read pixel by pixel; generated."""

import numpy as np
import numpy.typing as npt
import torch

from clew.data.dashed_paths import SIDE, draw, pictures
from clew.data.dataset import Dataset, Split
from clew.data.generated import at_least, generated, generator
from clew.data.registry import datasets

__all__ = ["pathfinder"]

MOST_ATTEMPTS = 512


@datasets.register("pathfinder")
def pathfinder(
    dashes: int = 14,
    sequences: int = 1000,
    test_sequences: int = 200,
    validation: float = 0.15,
    seed: int = 0,
) -> Dataset:
    """Are the two circles at the ends of one dashed path, or of two?

    Pictures of 32 × 32 pixels, 0 (black) to 255 (white), read row by row as 1,024 frames of one channel. Two
    paths of ``dashes`` dashes each wind through the picture among shorter ones of a third as many. One circle
    is at the start of a path, the other at the far end of the same path ("connected") or of the other one
    ("apart"), with equal chance. No two dashes of different paths, and none of one path but neighbours, are
    nearer to one another than those within a path; so eyes can tell.

    **As published**: the pictures of the Long Range Arena's Pathfinder, "hard" with 14 dashes ("easy" 6,
    "intermediate" 9), and their sizes: dashes 2 pixels long and half a pixel thick, 2 pixels apart, circles
    of radius 1.5, path starts 7 apart, 20 dashes in shorter paths. The publication's generator works on a
    grid of pixels and ours in the plane, and where a path runs into a dead end ours takes a few dashes back
    and the other begins anew, so the pictures are of the same kind, not the same. There are 200,000 of them
    there; here 14 dashes take about 10 ms a picture. Guessing gives 50%.

    Args:
        dashes: of each of the two long paths, 3 to 14; the others have a third as many.
        sequences: to learn from, of which ``validation`` is held out.
        test_sequences: to test on.
        validation: the share of each class's ``sequences`` held out to stop by.
        seed: of the pictures and that share.

    Raises:
        ValueError: for an option out of range.

    Source: D. Linsley et al., "Learning long-range spatial dependencies with horizontal gated recurrent
    units", NeurIPS 2018, section 3.1; J. Kim et al., "Disentangling neural mechanisms for perceptual
    grouping", ICLR 2020, appendix; Y. Tay et al., "Long Range Arena", ICLR 2021, section 2.2.
    """
    options = {
        "dashes": dashes,
        "sequences": sequences,
        "test_sequences": test_sequences,
        "validation": validation,
        "seed": seed,
    }
    at_least(options, {"dashes": 3, "sequences": 1, "test_sequences": 0, "seed": 0})
    if dashes > 14:
        raise ValueError(f"'dashes' is at most 14, more do not fit into the picture; got {dashes}")
    scenes, pixels = _different(generator("pathfinder", seed), sequences + test_sequences, dashes)
    inputs = torch.from_numpy(pixels).view(len(pixels), -1, 1).float().unbind()
    targets = torch.from_numpy(scenes).long().unbind()
    return generated(
        "pathfinder",
        options,
        Split(inputs[:sequences], targets[:sequences]),
        Split(inputs[sequences:], targets[sequences:]),
        channels=("pixel",),
        classes=("apart", "connected"),
        target="sequence",
        texts=(
            "Pictures of dashed paths and two circles, 32 × 32 pixels read row by row as 1,024 frames of one "
            "channel, 0 (black) to 255 (white): are the circles at the ends of one path?",
            "generated after D. Linsley et al. (2018), Learning long-range spatial dependencies with "
            "horizontal gated recurrent units, https://arxiv.org/abs/1805.08315, and Y. Tay et al. (2021), "
            "Long Range Arena, https://arxiv.org/abs/2011.04006",
        ),
    )


def _different(
    draws: np.random.PCG64, count: int, dashes: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.uint8]]:
    """Whether the circles are connected (picture,), and the pixels (picture, row, column), no two alike."""
    connected = np.empty(0, dtype=np.bool_)
    pixels = np.empty((0, SIDE, SIDE), dtype=np.uint8)
    while len(pixels) < count:
        more = pictures(draws, dashes, min(2 * (count - len(pixels)) + 8, MOST_ATTEMPTS))
        connected = np.concatenate([connected, more.connected])
        pixels = np.concatenate([pixels, draw(more)])
        _, first = np.unique(pixels.reshape(len(pixels), -1), axis=0, return_index=True)
        first.sort()
        connected, pixels = connected[first], pixels[first]
    return connected[:count], pixels[:count]
