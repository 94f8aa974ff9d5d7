"""Complex arithmetic on pairs of real tensors.

ORACLE: torch's own complex arithmetic in complex128; Python's complex numbers where squares overflow.
TOLERANCES: 1e-14 relative, a handful of roundings of float64.
"""

import torch

from clew.maths import pairs

TOLERANCE = {"rtol": 1e-14, "atol": 1e-14}


def test_arithmetic() -> None:
    left, right = torch.randn(2, 7, dtype=torch.complex128)
    as_pair = torch.view_as_real(left).unbind(-1), torch.view_as_real(right).unbind(-1)
    torch.testing.assert_close(torch.complex(*pairs.multiply(*as_pair)), left * right, **TOLERANCE)
    torch.testing.assert_close(torch.complex(*pairs.divide(*as_pair)), left / right, **TOLERANCE)
    torch.testing.assert_close(torch.complex(*pairs.exp(as_pair[0])), left.exp(), **TOLERANCE)


def test_division_by_what_has_no_square() -> None:
    numerator, denominator = complex(1e200, -3e200), complex(2e250, 1e250)
    parts = [[torch.tensor([part], dtype=torch.float64) for part in (z.real, z.imag)]
             for z in (numerator, denominator)]  # fmt: skip
    quotient = pairs.divide((parts[0][0], parts[0][1]), (parts[1][0], parts[1][1]))
    expected = numerator / denominator
    assert abs(complex(quotient[0].item(), quotient[1].item()) - expected) <= 1e-14 * abs(expected)


def test_gradients() -> None:
    arguments = tuple(torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in range(4))
    assert torch.autograd.gradcheck(lambda a, b, c, d: pairs.divide((a, b), (c, d)), arguments)
    assert torch.autograd.gradcheck(lambda a, b, c, d: pairs.multiply((a, b), (c, d)), arguments)
    assert torch.autograd.gradcheck(lambda a, b: pairs.exp((a, b)), arguments[:2])
