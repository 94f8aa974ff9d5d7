"""What makes HiPPO matrices normal.

Oracle: the definition (A + P Pᵀ is a multiple of the identity plus a skew-symmetric matrix), and P of the
papers by hand for N = 4. Tolerances: TOLERANCES, relative to the largest entry of A.
"""

import math

import pytest
import torch

from clew.hippo import low_rank, transition

TOLERANCES = {"normal": 1e-14}  # one product and one sum for each entry

IDENTITY = {"legs": -0.5, "legt": 0.0, "fout": 0.0}
RANK = {"legs": 1, "legt": 2, "fout": 1}


@pytest.mark.parametrize("order", [2, 8, 64, 256])
@pytest.mark.parametrize("measure", IDENTITY)
def test_the_sum_is_skew_symmetric_but_for_a_multiple_of_the_identity(measure, order):
    A, _ = transition(measure, order)
    P = low_rank(measure, order)
    normal = A + P @ P.mT
    assert P.shape == (order, RANK[measure])
    symmetric = (normal + normal.mT) / 2
    wanted = IDENTITY[measure] * torch.eye(order, dtype=torch.float64)
    assert (symmetric - wanted).abs().max() <= TOLERANCES["normal"] * A.abs().max()


def test_by_hand():
    two = math.sqrt(2)
    wanted = {
        "legs": [[math.sqrt(0.5), math.sqrt(1.5), math.sqrt(2.5), math.sqrt(3.5)]],
        "legt": [[1, 0, math.sqrt(5), 0], [0, math.sqrt(3), 0, math.sqrt(7)]],
        "fout": [[two, 0, 2, 0]],
    }
    for measure, columns in wanted.items():
        expected = torch.tensor(columns, dtype=torch.float64).mT
        torch.testing.assert_close(low_rank(measure, 4), expected, rtol=TOLERANCES["normal"], atol=0)


def test_a_measure_without_one_is_refused():
    with pytest.raises(ValueError, match="unknown measure 'lagt'; did you mean 'leg"):
        low_rank("lagt", 4)
