"""The online memory: a few numbers, updated at each sample, from which the past can be drawn again."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, final

import torch
from torch import Tensor

from clew.errors import unknown_name
from clew.hippo.measures import measure_of
from clew.hippo.steps import scaled_matrices, scaled_step
from clew.hippo.transition import basis
from clew.maths.discretize import discretize
from clew.ops import matrix_scan
from clew.systems.arrays import ArrayLike, as_tensor

__all__ = ["Memory", "MemoryState"]

# Matrices that differ from sample to sample are formed for so many entries at a time: 4 MB in float64, which
# stay in the cache.
BLOCK_ENTRIES = 1 << 19


class MemoryState(NamedTuple):
    """What a memory carries from one sample to the next.

    Attributes:
        coefficients: (..., N) float64.
        time: since the first sample began, in samples: (), or (...) where ``dt`` differs within the batch;
            float64. The scaled measure divides by it.
    """

    coefficients: Tensor
    time: Tensor


@final
@dataclass(frozen=True, eq=False)
class Memory:
    """An online projection of a signal on the basis functions of a measure, N numbers at any time.

    The signal is f(t) = x[k] over the interval that *ends* at sample k, the first of which begins at t = 0.
    Before that it is 0, except for ``legs``, which remembers nothing but (0, t). Sample k is therefore found
    again in the middle of its interval: ``at = (k + 1/2) / L`` of L samples.

    Args:
        measure: ``"legs"``, ``"legt"``, ``"fout"``, ``"chebt"`` or ``"lagt"``; see
            :func:`clew.hippo.transition`.
        order: N, the number of coefficients, at least 1; even for ``fout``.
        window: of all but ``legs``, which has none: how far back the memory goes, in samples (``lagt``: its
            unit of time s, so for β = 1 the time in which the weight e^{−s} decays to 1/e). Need not be
            whole.
        method: ``"zoh"``, exact for the f above, or ``"bilinear"``.
        alpha: of ``lagt`` alone: α, 0 unless given.
        beta: of ``lagt`` alone: β, 1 unless given.

    Raises:
        ValueError: for an unknown measure or method, a parameter out of range, or one that the measure does
            not have.

    >>> memory = Memory("legt", order=24, window=100)
    >>> signal = torch.sin(torch.arange(500) * 0.1)
    >>> coefficients = memory.project(signal)
    >>> coefficients.shape
    torch.Size([500, 24])
    >>> at = (torch.arange(100) + 0.5) / 100
    >>> past = memory.reconstruct(coefficients[-1], at)
    >>> bool((past - signal[-100:]).abs().max() < 0.01)
    True

    Source: Gu et al., "HiPPO: recurrent memory with optimal polynomial projections" (2020), algorithm 1 and
    theorems 1 and 2.
    """

    measure: str
    order: int
    window: float | None = None
    method: Literal["zoh", "bilinear"] = "zoh"
    alpha: float | None = None
    beta: float | None = None

    def __post_init__(self) -> None:
        measure_of(self.measure, self.order, self.alpha, self.beta).matrices(self.order)
        if self.method not in ("zoh", "bilinear"):
            raise unknown_name("method", self.method, ("bilinear", "zoh"))
        if self.measure == "legs":
            if self.window is not None:
                raise ValueError(
                    "'legs' remembers everything since the start and has no window: leave it out"
                )
        elif self.window is None or not 0.0 < self.window < float("inf"):
            raise ValueError(
                f"{self.measure!r} needs window=, how many samples it goes back, a positive number; "
                f"got {self.window!r}"
            )

    def run(
        self, signal: ArrayLike, state: MemoryState | None = None, *, dt: ArrayLike = 1.0
    ) -> tuple[Tensor, MemoryState]:
        """The coefficients after each sample, in parallel over time, and the state after the last one.

        Args:
            signal: (..., L), real.
            state: what an earlier ``run`` or ``step`` gave; the start unless given.
            dt: the time that each sample stands for, in units of a sample: a number, or (..., L), broadcast
                against the signal. Positive. Irregular sampling, or another rate.

        Returns:
            Coefficients (..., L, N), computed in float64 and cast to the signal's dtype, and the state, whose
            coefficients stay float64. Differentiable in signal, state and dt.

        Raises:
            ValueError: for a signal that is not real or has no axis, and a ``dt`` that is not positive and
                finite or does not broadcast.
        """
        samples, dtype = _real("signal", signal)
        if not samples.ndim:
            raise ValueError("signal must be (..., L), got a number: step takes single samples")
        steps = _steps(dt, samples)
        start = self._start(samples[..., 0] if samples.shape[-1] else samples.sum(-1), state)
        coefficients, time = start
        shared = self._matrices(steps, time) if self.window is not None and not steps.ndim else None
        length = samples.shape[-1]
        block = length if shared else max(1, BLOCK_ENTRIES // self.order**2)
        found = [samples.new_zeros(*coefficients.shape[:-1], 0, self.order)]
        for first in range(0, length, max(1, block)):
            part = samples[..., first : first + block]
            during = steps.expand(part.shape[-1]) if not steps.ndim else steps[..., first : first + block]
            end = time[..., None] + during.cumsum(-1)
            A_bar, B_bar = shared or self._matrices(during, end - during)
            states, coefficients = matrix_scan(A_bar, part[..., None] * B_bar, initial_state=coefficients)
            found.append(states)
            time = end[..., -1]
        return torch.cat(found, dim=-2).to(dtype), MemoryState(coefficients, time)

    def project(self, signal: ArrayLike, *, dt: ArrayLike = 1.0) -> Tensor:
        """What is remembered after each sample: (..., L) to (..., L, N). :meth:`run` from the start."""
        return self.run(signal, dt=dt)[0]

    def step(
        self, x_k: ArrayLike, state: MemoryState | None = None, *, dt: ArrayLike = 1.0
    ) -> tuple[Tensor, MemoryState]:
        """One sample: what :meth:`run` gives for it, in memory and time that do not grow.

        Args:
            x_k: (...), real.
            state: what was before; the start unless given.
            dt: the time that the sample stands for, in units of a sample: a number or (...).

        Returns:
            Coefficients (..., N) in the dtype of ``x_k``, and the state.

        Raises:
            ValueError: as :meth:`run` does.
        """
        sample, dtype = _real("x_k", x_k)
        duration = _steps(dt, sample)
        coefficients, time = self._start(sample, state)
        end = time + duration
        if self.window is None:
            coefficients = scaled_step(coefficients, sample, time, end, self.method)
        else:
            whole = isinstance(dt, int | float) and dt == 1
            A_bar, B_bar = self._whole_step if whole else self._matrices(duration, time)
            A_bar, B_bar = A_bar.to(sample.device), B_bar.to(sample.device)
            coefficients = (A_bar @ coefficients[..., None])[..., 0] + B_bar * sample[..., None]
        return coefficients.to(dtype), MemoryState(coefficients, end)

    def reconstruct(self, coefficients: ArrayLike, at: ArrayLike) -> Tensor:
        """The remembered past, Σ c_n g_n(at).

        Args:
            coefficients: (..., N), of one moment.
            at: (M,): 1 is now, 0 the oldest moment of the window (``legs``: the start; ``lagt``: one
                ``window`` ago, and negative is older still).

        Returns:
            (..., M), in the dtype of the coefficients.

        Raises:
            ValueError: for shapes that do not fit and moments outside the window.
        """
        remembered, dtype = _real("coefficients", coefficients)
        if not remembered.ndim or remembered.shape[-1] != self.order:
            raise ValueError(f"coefficients must be (..., {self.order}), got {tuple(remembered.shape)}")
        moments = as_tensor("at", at, torch.float64, remembered.device)
        if moments.ndim != 1:
            raise ValueError(f"at must be (M,), got shape {tuple(moments.shape)}")
        functions = basis(self.measure, self.order, moments, alpha=self.alpha, beta=self.beta)
        return (remembered @ functions.mT).to(dtype)

    @cached_property
    def _continuous(self) -> tuple[Tensor, Tensor]:
        """A (N, N) and B (N, 1) per sample: the measure's own, divided by the window."""
        A, B = measure_of(self.measure, self.order, self.alpha, self.beta).matrices(self.order)
        return A / (self.window or 1.0), B / (self.window or 1.0)

    @cached_property
    def _whole_step(self) -> tuple[Tensor, Tensor]:
        """Ā and B̄ of a sliding memory over one sample."""
        return self._matrices(torch.ones((), dtype=torch.float64), torch.zeros((), dtype=torch.float64))

    def _matrices(self, during: Tensor, since: Tensor) -> tuple[Tensor, Tensor]:
        """Ā (..., N, N) and B̄ (..., N) of the steps from ``since`` to ``since + during``."""
        if self.window is None:
            return scaled_matrices(self.order, since, since + during, self.method)
        A, B = (each.to(during.device) for each in self._continuous)
        A_bar, B_bar = discretize(A, B, during, self.method)
        return A_bar, B_bar[..., 0]

    def _start(self, sample: Tensor, state: MemoryState | None) -> MemoryState:
        """The state before ``sample`` (...), of its leading dims."""
        if state is None:
            return MemoryState(sample.new_zeros(*sample.shape, self.order), sample.new_zeros(()))
        coefficients, time = (each.to(torch.float64) for each in state)
        if not coefficients.ndim or coefficients.shape[-1] != self.order:
            raise ValueError(
                f"the state has {tuple(coefficients.shape)} coefficients, not (..., {self.order})"
            )
        try:
            return MemoryState(coefficients.expand(*sample.shape, self.order), time)
        except RuntimeError:
            raise ValueError(
                f"a state of {tuple(coefficients.shape)} does not go with samples of {tuple(sample.shape)}"
            ) from None


def _real(name: str, value: ArrayLike) -> tuple[Tensor, torch.dtype]:
    """``value`` in float64, and the dtype to give back."""
    device = value.device if isinstance(value, Tensor) else torch.device("cpu")
    tensor = as_tensor(name, value, torch.float64, device)
    if tensor.is_complex():
        raise ValueError(f"{name} must be real, got {tensor.dtype}")
    return tensor.to(torch.float64), tensor.dtype


def _steps(dt: ArrayLike, samples: Tensor) -> Tensor:
    """``dt`` in float64: (), or of dims that broadcast to those of ``samples``, time as long as theirs."""
    steps = as_tensor("dt", dt, torch.float64, samples.device)
    if steps.is_complex() or not (torch.isfinite(steps) & (steps > 0)).all():
        raise ValueError("dt must be positive and finite")
    steps = steps.to(torch.float64)
    if not steps.ndim:
        return steps
    try:
        torch.broadcast_to(steps, samples.shape)
    except RuntimeError:
        raise ValueError(
            f"dt is {tuple(steps.shape)}, which does not broadcast to the samples {tuple(samples.shape)}"
        ) from None
    return steps.expand(*steps.shape[:-1], samples.shape[-1]) if samples.ndim else steps
