"""A bidirectional mixer's whole sequence as two scans, one from each end."""

from typing import Any

from torch import Tensor, nn
from torch.nn.functional import pad

from clew.export.centred import Centred
from clew.export.directions import directions
from clew.export.scanned import Scanned
from clew.nn import Mamba, Mamba2, Mixer
from clew.nn.both_ways import NO_STATE, both_ways

__all__ = ["BothDirections"]


class BothDirections(nn.Module):
    """Stands in a block for its bidirectional mixer: the sum of two branches, each :class:`Scanned`.

    Args:
        mixer: what is replaced.

    Raises:
        ValueError: for a layer whose branches are not known.
    """

    def __init__(self, mixer: Mixer[Any, Any]) -> None:
        super().__init__()
        branches = directions(mixer)
        self.forwards, self.backwards = _branch(branches.forwards), _branch(branches.backwards)
        self.without_present = branches.without_present

    def forward(
        self,
        x: Tensor,
        state: tuple[Tensor, ...] | None,
        *,
        lengths: Tensor,
        segments: Tensor | None,
        dt: Tensor | None,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """As :meth:`Scanned.forward`, of whole sequences alone; the state returned is none."""
        assert state is None

        def directed(
            x: Tensor, segments: Tensor | None, dt: Tensor | None, backwards: bool
        ) -> tuple[Tensor, tuple[Tensor, ...]]:
            branch = self.backwards if backwards else self.forwards
            if isinstance(branch.mixer, Centred):
                x = branch.mixer.with_neighbours(x, lengths)
            y, after = branch(x, None, lengths=lengths, segments=segments, dt=dt)
            if backwards and self.without_present:
                # Each output one sample later, in its own direction. both_ways would do it with a slice of
                # time − 1 samples, on which torch.export puts a condition.
                y = pad(y, (0, 0, 1, 0))[:, : x.shape[1]]
            return y, after

        dtype = x.dtype  # the parameters' too, so that of the state
        return both_ways(directed, x, dtype, lengths=lengths, segments=segments, dt=dt), NO_STATE


def _branch(mixer: Mixer[Any, Any]) -> Scanned:
    sees_both_sides = isinstance(mixer, Mamba | Mamba2) and mixer.conv_padding == "same" and mixer.d_conv > 1
    return Scanned(Centred(mixer) if sees_both_sides else mixer)  # type: ignore[arg-type] # it has the step
