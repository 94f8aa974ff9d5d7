"""The arguments as backends take them: checked, in two dtypes, with groups, and inert beyond the lengths."""

from typing import NamedTuple

import torch
from torch import Tensor

from clew.ops.precision import accumulation_dtype, converted

__all__ = ["Arguments"]


class Arguments(NamedTuple):
    """What ``reference.forward`` explains, in its order."""

    x: Tensor
    dt: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None
    z: Tensor | None
    dt_bias: Tensor | None
    initial_state: Tensor | None

    def checked(self) -> "Arguments":
        """What runs over time in one dtype, all else in that of the accumulation; B and C with groups.

        Raises:
            ValueError: if a shape or dtype does not fit.
        """
        self._check_dtypes()
        self._check_shapes()
        wide = accumulation_dtype(self._asdict())
        narrow = wide
        if wide == torch.float32:
            narrow = self.x.dtype
            for signal in (self.dt, self.B, self.C, self.z):
                narrow = narrow if signal is None else torch.promote_types(narrow, signal.dtype)
        B, C = (matrix.unsqueeze(2) if matrix.ndim == 3 else matrix for matrix in (self.B, self.C))
        return Arguments(
            converted(self.x, narrow),
            converted(self.dt, narrow),
            converted(self.A, wide),
            converted(B, narrow),
            converted(C, narrow),
            None if self.D is None else converted(self.D, wide),
            None if self.z is None else converted(self.z, narrow),
            None if self.dt_bias is None else converted(self.dt_bias, wide),
            None if self.initial_state is None else converted(self.initial_state, wide),
        )

    def inert(self, valid: Tensor, dt_softplus: bool) -> "Arguments":
        """No time passes where ``valid`` (batch, time) is false, and what stands there is not looked at."""
        valid = valid[..., None]
        dt, dt_bias = self.dt, self.dt_bias
        if not dt_softplus and dt_bias is not None:
            dt, dt_bias = dt + dt_bias, None
        return self._replace(
            x=torch.where(valid, self.x, 0),
            dt=torch.where(valid, dt, -torch.inf if dt_softplus else 0),
            B=torch.where(valid[..., None], self.B, 0),
            C=torch.where(valid[..., None], self.C, 0),
            z=None if self.z is None else torch.where(valid, self.z, 0),
            dt_bias=dt_bias,
        )

    def _check_dtypes(self) -> None:
        for name, tensor in self._asdict().items():
            if tensor is not None and not tensor.is_floating_point():
                raise ValueError(f"{name} has dtype {tensor.dtype}; wanted a real floating-point one")

    def _check_shapes(self) -> None:
        x, A, B = self.x, self.A, self.B
        if x.ndim != 3:
            raise ValueError(f"x has shape {tuple(x.shape)}; wanted (batch, time, channel)")
        batch, time, channel = x.shape
        if A.ndim != 2 or A.shape[0] != channel:
            raise ValueError(
                f"A has shape {tuple(A.shape)}; wanted (channel, state) with {channel} channels, as x has"
            )
        state = A.shape[1]
        shared = (batch, time, state)
        if B.shape != shared and (B.ndim != 4 or (*B.shape[:2], B.shape[3]) != shared):
            raise ValueError(
                f"B has shape {tuple(B.shape)}; wanted (batch, time, state) = {shared}, "
                f"or (batch, time, group, state) with the same sizes"
            )
        if B.ndim == 4 and (B.shape[2] == 0 or channel % B.shape[2]):
            raise ValueError(f"B has {B.shape[2]} groups, which do not divide {channel} channels")
        wanted = {
            "dt": x.shape,
            "C": B.shape,
            "D": (channel,),
            "z": x.shape,
            "dt_bias": (channel,),
            "initial_state": (batch, channel, state),
        }
        for name, shape in wanted.items():
            tensor = getattr(self, name)
            if tensor is not None and tensor.shape != shape:
                raise ValueError(f"{name} has shape {tuple(tensor.shape)}; wanted {tuple(shape)}")
