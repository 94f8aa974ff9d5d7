"""The state after the last sample: the last inputs of the sequence that ran last."""

import torch
from torch import Tensor

__all__ = ["final_state"]


def final_state(
    x: Tensor, weight: Tensor, initial_state: Tensor | None, reset: Tensor | None, lengths: Tensor | None
) -> Tensor:
    """The width − 1 inputs before the end of each row, in fresh memory; differentiable.

    Args:
        x: (batch, time, channel).
        weight: only its width and dtype, which is the state's, matter.
        initial_state: (batch, width − 1, channel), the inputs before the first, or None for zero.
        reset: (batch, time) bool or None: where inputs before the sample count as zero.
        lengths: (batch,): where each row ends; None for after its last sample.
    """
    batch, time, channel = x.shape
    past = weight.shape[1] - 1
    if initial_state is None:
        initial_state = weight.new_zeros((batch, past, channel))
    if lengths is None:
        ends = torch.full((batch,), time, device=x.device)
        kept = x[:, max(time - past, 0) :].to(weight.dtype)
        state = torch.cat((initial_state[:, time:], kept), dim=1)
    else:
        ends = lengths.clamp(0, time).long()
        places = ends[:, None] + torch.arange(past, device=x.device)
        inputs = torch.cat((initial_state, x.to(weight.dtype)), dim=1)
        state = inputs.gather(1, places[..., None].expand(-1, -1, channel))
    if reset is None or time == 0:
        return state
    steps = torch.arange(time, device=x.device)
    begin = torch.where(reset & (steps < ends[:, None]), steps, -past).amax(1)
    times = ends[:, None] - past + torch.arange(past, device=x.device)
    return torch.where((times >= begin[:, None])[..., None], state, 0)
