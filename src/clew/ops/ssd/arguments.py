"""The arguments as they are given, and as backends take them: with step sizes, inert beyond the lengths."""

from typing import NamedTuple

import torch
from torch import Tensor

from clew.maths.softplus import softplus
from clew.ops.precision import accumulation_dtype

__all__ = ["Arguments", "Prepared"]


class Prepared(NamedTuple):
    """What ``reference.forward`` explains, in its order."""

    x: Tensor
    delta: Tensor
    exponent: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None
    initial_state: Tensor | None


class Arguments(NamedTuple):
    """The arguments of :func:`clew.ops.ssd`."""

    x: Tensor
    dt: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None
    dt_bias: Tensor | None
    initial_state: Tensor | None

    def prepared(self, valid: Tensor | None, dt_softplus: bool) -> Prepared:
        """The step sizes and exponents; x, B and C in one dtype, all else in that of the accumulation.

        Where ``valid`` (batch, time) is false no time passes, and nothing that stands there is looked at.
        """
        wide = accumulation_dtype(self._asdict())
        narrow = wide
        if wide == torch.float32:
            narrow = torch.promote_types(torch.promote_types(self.x.dtype, self.B.dtype), self.C.dtype)
        x, B, C = (signal.to(narrow) for signal in (self.x, self.B, self.C))
        delta = self.dt.to(wide)
        if valid is not None:  # before the softplus for its derivative's sake, and again behind it
            delta = torch.where(valid[..., None], delta, 0)
        delta = delta if self.dt_bias is None else delta + self.dt_bias.to(wide)
        delta = softplus(delta) if dt_softplus else delta
        if valid is not None:
            delta = torch.where(valid[..., None], delta, 0)
            x, B, C = (torch.where(valid[..., None, None], signal, 0) for signal in (x, B, C))
        return Prepared(
            x,
            delta,
            delta * self.A.to(wide),
            B,
            C,
            None if self.D is None else self.D.to(wide),
            None if self.initial_state is None else self.initial_state.to(wide),
        )

    def check(self) -> None:
        """Raise a ValueError unless all shapes fit and all tensors are real."""
        for name, tensor in self._asdict().items():
            if tensor is not None and not tensor.is_floating_point():
                raise ValueError(f"{name} has dtype {tensor.dtype}; wanted a real floating-point one")
        if self.x.ndim != 4:
            raise ValueError(f"x has shape {tuple(self.x.shape)}; wanted (batch, time, head, head_dim)")
        batch, time, head, head_dim = self.x.shape
        if self.B.ndim != 4 or self.B.shape[:2] != (batch, time):
            raise ValueError(
                f"B has shape {tuple(self.B.shape)}; wanted (batch, time, group, state) with the sizes "
                f"{(batch, time)} of x"
            )
        group, state = self.B.shape[2:]
        if group == 0 or head % group:
            raise ValueError(f"B has {group} groups, which do not divide {head} heads")
        wanted = {
            "dt": (batch, time, head),
            "A": (head,),
            "C": (batch, time, group, state),
            "D": (head,),
            "dt_bias": (head,),
            "initial_state": (batch, head, head_dim, state),
        }
        for name, shape in wanted.items():
            tensor = getattr(self, name)
            if tensor is not None and tensor.shape != shape:
                raise ValueError(f"{name} has shape {tuple(tensor.shape)}; wanted {shape}")
