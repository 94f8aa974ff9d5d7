"""Blocks one after another."""

from collections.abc import Iterable

from torch import Tensor, nn

from clew.nn.block import Block

__all__ = ["Backbone"]

States = tuple[tuple[Tensor, ...], ...]


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
        widths = {block.mixer.d_model for block in self.blocks}  # type: ignore[union-attr]
        if len(widths) != 1:
            raise ValueError(
                f"a backbone needs blocks of one number of channels, got {sorted(map(str, widths)) or 'none'}"
            )
        (self.d_model,) = widths

    def forward(
        self,
        x: Tensor,
        state: States | None = None,
        *,
        lengths: Tensor | None = None,
        segments: Tensor | None = None,
        dt: Tensor | None = None,
    ) -> tuple[Tensor, States]:
        """Run over a whole sequence; see :meth:`clew.nn.Mixer.forward`. Every block gets the same time axis."""
        states = []
        for block, block_state in zip(self.blocks, self._checked(state), strict=True):
            x, after = block(x, block_state, lengths=lengths, segments=segments, dt=dt)
            states.append(after)
        return x, tuple(states)

    def step(
        self, x_k: Tensor, state: States, *, dt: Tensor | None = None, constants: States | None = None
    ) -> tuple[Tensor, States]:
        """Run over one sample; see :meth:`clew.nn.Mixer.step`."""
        states = []
        every_constants = self._checked(constants)
        for block, block_state, block_constants in zip(
            self.blocks, self._checked(state), every_constants, strict=True
        ):
            x_k, after = block.step(x_k, block_state, dt=dt, constants=block_constants)  # type: ignore[operator]
            states.append(after)
        return x_k, tuple(states)

    def constants(self) -> States:
        """What the blocks' steps compute from the parameters alone."""
        return tuple(block.constants() for block in self.blocks)  # type: ignore[operator]

    def initial_state(self, batch_size: int) -> States:
        """The blocks' states before the first sample."""
        return tuple(block.initial_state(batch_size) for block in self.blocks)  # type: ignore[operator]

    def _checked(self, given: States | None) -> States | tuple[None, ...]:
        if given is None:
            return (None,) * len(self.blocks)
        if len(given) != len(self.blocks):
            raise ValueError(
                f"the backbone has {len(self.blocks)} blocks, got {len(given)} states or constants"
            )
        return given
