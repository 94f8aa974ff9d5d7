"""A mixer's whole sequence as a scan over its step: the one way that every mixer can be exported."""

from typing import Any

import torch
from torch import Tensor, nn
from torch._higher_order_ops.scan import scan

from clew.export.constants import Constants
from clew.nn import Mixer

__all__ = ["Scanned"]


class Scanned(nn.Module):
    """Stands in a block for its mixer, and runs over time as torch's ``scan`` of the mixer's ``step``.

    The fast ways of ``Mixer.forward`` are operations of clew's own and complex numbers, which no other
    program knows. The contract has a step in real tensors for every mixer, and torch's ``scan`` exports with
    a length that stays free: to ONNX as the operator Scan, whose body is the step.

    Args:
        mixer: what is replaced, of one direction. What its step computes from the parameters alone is
            computed here, once.
    """

    def __init__(self, mixer: Mixer[Any, Any]) -> None:
        super().__init__()
        self.mixer = mixer
        self.constants = Constants(mixer.constants())

    def forward(
        self,
        x: Tensor,
        state: tuple[Tensor, ...] | None,
        *,
        lengths: Tensor,
        segments: Tensor | None,
        dt: Tensor | None,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """As :meth:`clew.nn.Mixer.forward`, with ``lengths`` and without ``segments`` and ``dt``.

        Outputs past a row's length are of no meaning: the block sets them to zero.
        """
        assert segments is None
        assert dt is None
        before = self.mixer.initial_state(x.shape[0]) if state is None else state
        kind, constants = type(before), self.constants()

        def advance(state: list[Tensor], sample: tuple[Tensor, Tensor]) -> tuple[list[Tensor], Tensor]:
            position, x_k = sample
            y_k, after = self.mixer.step(x_k, kind(*state), constants=constants)
            inside = position < lengths
            kept = [
                torch.where(inside.view(-1, *(1,) * (new.dim() - 1)), new, old)
                for new, old in zip(after, state, strict=True)
            ]
            # A copy: scan refuses an output that shares memory with another, as y and h of a GRU do.
            return kept, y_k.clone()

        positions = torch.arange(x.shape[1], device=x.device)
        final, y = scan(advance, list(before), (positions, x.transpose(0, 1)))
        return y.transpose(0, 1), kind(*final)

    def initial_state(self, batch_size: int) -> tuple[Tensor, ...]:
        """The mixer's state before the first sample."""
        state: tuple[Tensor, ...] = self.mixer.initial_state(batch_size)
        return state
