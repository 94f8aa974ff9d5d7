"""Where an S5 starts: eigenvalues in blocks, and B and C in their eigenvectors' basis.

Oracle: numpy's general eigensolver on HiPPO-LegS's normal part, written here from its definition; the
variances of the paper. Tolerances: TOLERANCES.
"""

import numpy as np
import pytest
import torch

from clew.nn import S5

TOLERANCES = {
    "eigenvalues": 2e-5,  # float32 parameters, exponentiated
    "variance": 0.1,  # relative, of some 10⁴ draws: ten standard deviations
}


def normal_part(order):
    """A + P Pᵀ of HiPPO-LegS: −½ on the diagonal, ∓√((n+½)(m+½)) beside it."""
    root = np.sqrt(np.arange(order) + 0.5)
    lower = np.tril(np.outer(root, root), -1)
    return -0.5 * np.eye(order) - lower + lower.T


@pytest.mark.parametrize("blocks", [1, 4])
def test_eigenvalues_are_those_of_the_normal_part_in_blocks(blocks):
    layer = S5(3, 32, blocks=blocks)
    found = np.sort_complex((-torch.exp(layer.A_log_real) + 1j * layer.A_imag).detach().numpy())
    all_of_them = np.linalg.eigvals(normal_part(32 // blocks))
    above = np.sort_complex(np.tile(all_of_them[all_of_them.imag > 0], blocks))
    np.testing.assert_allclose(np.sort(found.imag), np.sort(above.imag), rtol=TOLERANCES["eigenvalues"])
    np.testing.assert_allclose(found.real, -0.5, rtol=TOLERANCES["eigenvalues"])


def test_b_and_c_start_in_the_basis_of_the_eigenvectors():
    """2 Re(C B) = C₀ (V V* + its conjugate) B₀ = C₀ B₀: 32 products of variance 1/32 · 1/512."""
    layer = S5(512, 32)
    B, C = (torch.view_as_complex(part.detach()) for part in (layer.B, layer.C))
    product = 2 * (C @ B).real
    assert product.var().item() == pytest.approx(1 / 512, rel=TOLERANCES["variance"])


def test_blocks_are_driven_and_read_apart():
    """Each block of B is V* times rows of B₀ of its own: of full variance, and no two blocks alike."""
    layer = S5(512, 32, blocks=4)
    blocks = torch.view_as_complex(layer.B.detach()).reshape(4, 4, 512)
    for block in blocks:
        assert block.abs().square().mean().item() == pytest.approx(1 / 512, rel=TOLERANCES["variance"])
    assert not torch.allclose(blocks[0], blocks[1], atol=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "scann"}, "unknown mode 'scann'; did you mean 'scan'"),
        ({"discretization": "zoo"}, "unknown discretization 'zoo'; did you mean 'zoh'"),
        ({"d_state": 7}, "a multiple of twice the blocks; got d_state=7 and blocks=1"),
        ({"d_state": 8, "blocks": 3}, "a multiple of twice the blocks; got d_state=8 and blocks=3"),
        ({"dt_min": 0.1, "dt_max": 0.01}, "0 < dt_min ≤ dt_max is needed; got dt_min=0.1, dt_max=0.01"),
    ],
)
def test_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        S5(4, **options)
