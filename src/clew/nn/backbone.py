"""Blocks one after another."""

from collections.abc import Iterable, Sequence
from typing import Self, cast

from torch import Tensor, nn

from clew.nn.block import Block
from clew.nn.resampling import check_factor

__all__ = ["Backbone"]

States = Sequence[tuple[Tensor, ...]]


class Backbone(nn.Module):
    """Blocks one after another; its state is the tuple of theirs.

    Args:
        blocks: all of the same number of channels.

    Raises:
        ValueError: if there is none, or their channels differ.
    """

    def __init__(self, blocks: Iterable[Block]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        widths = sorted({block.mixer.d_model for block in self._blocks()})
        if len(widths) != 1:
            raise ValueError(
                f"a backbone needs blocks of one number of channels; got {widths or 'no block at all'}"
            )
        self.d_model = widths[0]

    def forward(
        self,
        x: Tensor,
        state: States | None = None,
        *,
        lengths: Tensor | None = None,
        segments: Tensor | None = None,
        dt: Tensor | None = None,
    ) -> tuple[Tensor, States]:
        """Run over a whole sequence, as :meth:`clew.nn.Mixer.forward` does."""
        states = []
        for block, before in zip(self._blocks(), self._each("states", state), strict=True):
            x, after = block(x, before, lengths=lengths, segments=segments, dt=dt)
            states.append(after)
        return x, tuple(states)

    def step(
        self, x_k: Tensor, state: States, *, dt: Tensor | None = None, constants: States | None = None
    ) -> tuple[Tensor, States]:
        """Run over one sample, as :meth:`clew.nn.Mixer.step` does."""
        if state is None:
            raise ValueError(
                "state is the states of the blocks, one after another; got None: start with "
                f"initial_state({len(x_k)}), then hand on what forward and step return"
            )
        given = zip(self._each("states", state), self._each("constants", constants), strict=True)
        states = []
        for block, (before, known) in zip(self._blocks(), given, strict=True):
            assert before is not None  # only constants may be left out
            x_k, after = block.step(x_k, before, dt=dt, constants=known)
            states.append(after)
        return x_k, tuple(states)

    def resample(self, factor: float) -> Self:
        """A copy for samples ``factor`` times as far apart: each block's mixer resampled.

        Args:
            factor: as in :meth:`clew.nn.Mixer.resample`.

        Raises:
            ValueError: if ``factor`` is not positive and finite, or naming the layers that cannot be
                resampled, and why.
        """
        check_factor(factor)
        blocks, without = [], []
        for number, block in enumerate(self._blocks(), start=1):
            try:
                blocks.append(block.resample(factor))
            except ValueError as reason:
                without.append(f"layer {number}: {reason}")
        if without:
            raise ValueError(f"cannot resample the model ({'; '.join(without)})")
        return type(self)(blocks).train(self.training)

    def constants(self) -> States:
        """What the blocks' steps compute from the parameters alone."""
        return tuple(block.constants() for block in self._blocks())

    def initial_state(self, batch_size: int) -> States:
        """The blocks' states before the first sample."""
        return tuple(block.initial_state(batch_size) for block in self._blocks())

    def _blocks(self) -> tuple[Block, ...]:
        return cast(tuple[Block, ...], tuple(self.blocks))

    def _each(self, what: str, given: States | None) -> States | tuple[None, ...]:
        if given is None:
            return (None,) * len(self.blocks)
        if len(given) != len(self.blocks):
            raise ValueError(f"the backbone has {len(self.blocks)} blocks; got {what} for {len(given)}")
        return given
