"""Layers that read a sequence from both ends: what ``bidirectional=True`` means, and what it costs.

Such a layer is the sum of a branch that runs forwards and one that runs backwards in time, over each row, or
each segment of a row, alone. It must have the whole sequence: it has no step, no state, no chunks, and every
output depends on every sample.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from clew.nn.mixer import Mixer
from clew.nn.padding import zero_padding

__all__ = ["NO_STATE", "Run", "both_ways", "check_one_way"]

Run = Callable[[Tensor, Tensor | None, Tensor | None, bool], tuple[Tensor, Any]]
"""x (batch, time, channel), segments and dt, both (batch, time) or ``None``, and whether this is the backward
branch, to y (batch, time, channel) and a state that is not used. It starts from rest."""

NO_STATE: Any = ()
"""What a layer that reads both ways returns in the place of a state."""


def check_one_way(layer: Mixer[Any, Any], what: str) -> None:
    """Refuse what only a layer that runs forwards in time has.

    Args:
        layer: any.
        what: what is asked of it, such as ``"step"``.

    Raises:
        ValueError: if the layer is bidirectional.
    """
    if layer.bidirectional:
        raise ValueError(
            f"{type(layer).__name__} with bidirectional=True reads whole sequences from both ends and has no "
            f"{what}: take bidirectional=False"
        )


def both_ways(
    run: Run,
    x: Tensor,
    dtype: torch.dtype,
    *,
    lengths: Tensor | None = None,
    segments: Tensor | None = None,
    dt: Tensor | None = None,
    without_present: bool = False,
) -> Tensor:
    """The sum of two runs, the second of which is given every sequence from its end to its beginning.

    A row begins, backwards, at its last valid sample, and each segment is reversed in itself. With ``dt`` a
    run goes from a sample to the next one of its own direction in the time that lies between them; the
    first of either direction, which has none before it, takes the ``dt`` of the sequence's first sample.

    Args:
        run: called once for each direction, with rows of the same lengths.
        x: (batch, time, channel).
        dtype: what the branches compute and are summed in.
        lengths: (batch,), as :meth:`clew.nn.Mixer.forward` has it, and the next two.
        segments: (batch, time).
        dt: (batch, time).
        without_present: the backward branch at sample k is what it was after sample k + 1, and zero at a
            sequence's last: it does not see the present, which the forward branch sees already.

    Returns:
        (batch, time, channel) in the dtype of ``x``, zero past ``lengths``.
    """
    if x.numel() == 0:
        return x
    u = zero_padding(x, lengths).to(dtype)
    order = _reversal(x, lengths)
    goes_on = _goes_on(x, lengths, segments)
    gaps = None if dt is None else torch.where(goes_on, _shifted(dt), _first(dt, segments))
    turned, turned_gaps = (None if part is None else part.gather(1, order) for part in (segments, gaps))
    y = _reordered(run(_reordered(u, order), turned, turned_gaps, True)[0], order)
    if without_present:
        y = torch.where(goes_on[..., None], _shifted(y), 0.0)
    return zero_padding(run(u, segments, dt, False)[0] + y, lengths).to(x.dtype)


def _reversal(x: Tensor, lengths: Tensor | None) -> Tensor:
    """(batch, time): which sample comes k-th from a row's last valid one; padding stays where it is."""
    batch, time, _ = x.shape
    k = torch.arange(time, device=x.device).expand(batch, time)
    ends = time if lengths is None else lengths[:, None].long()
    return torch.where(k < ends, ends - 1 - k, k)


def _reordered(x: Tensor, order: Tensor) -> Tensor:
    return x.gather(1, order[..., None].expand_as(x))


def _goes_on(x: Tensor, lengths: Tensor | None, segments: Tensor | None) -> Tensor:
    """(batch, time) bool: whether the next sample belongs to the same sequence."""
    batch, time, _ = x.shape
    after = torch.arange(1, time + 1, device=x.device).expand(batch, time)
    goes_on = after < (time if lengths is None else lengths[:, None])
    return goes_on if segments is None else goes_on & (_shifted(segments) == segments)


def _shifted(x: Tensor) -> Tensor:
    """``x`` (batch, time, ...) of the next sample; anything at the last."""
    return torch.cat((x[:, 1:], x[:, :1]), dim=1)


def _first(dt: Tensor, segments: Tensor | None) -> Tensor:
    """(batch, time) or (batch, 1): ``dt`` at the first sample of each sample's sequence."""
    if segments is None:
        return dt[:, :1]
    starts = pad(segments[:, 1:] != segments[:, :-1], (1, 0), value=True)
    k = torch.arange(dt.shape[1], device=dt.device)
    return dt.gather(1, torch.where(starts, k, 0).cummax(dim=1).values)
