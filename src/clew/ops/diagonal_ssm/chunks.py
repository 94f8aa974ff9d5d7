"""How rows of samples are cut into chunks of equal size, and put together again."""

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Chunks"]


@dataclass(frozen=True)
class Chunks:
    """Where each sample of (batch, time) goes in (batch, chunk, size).

    A row is cut every ``size`` samples from its beginning, or, if it is packed, from the beginning of each of
    its sequences; what is left of a chunk is zero. Chunks go from left to right and so do samples in a chunk.

    Attributes:
        time: samples a row.
        size: samples a chunk.
        count: chunks a row.
        last: (batch,), which chunk holds the row's last valid sample.
        rest: (batch,), how many valid samples that chunk has.
        valid: (batch, time) bool, whether a sample counts; None if all do.
        places: (batch, time), chunk · size + place in the chunk, of packed rows; else None.
        continues: (batch, chunk) bool, whether a chunk goes on with the sequence of the chunk before it, in
            packed rows; else None, and all do.
    """

    time: int
    size: int
    count: int
    last: Tensor
    rest: Tensor
    valid: Tensor | None
    places: Tensor | None
    continues: Tensor | None

    @classmethod
    def of(cls, x: Tensor, size: int, reset: Tensor | None = None, lengths: Tensor | None = None) -> "Chunks":
        """The chunks of the rows of ``x`` (batch, time, ...).

        Args:
            x: only its shape and device matter.
            size: samples a chunk.
            reset: (batch, time) bool: where a new sequence begins, in packed rows.
            lengths: (batch,): samples from here on do not count.
        """
        batch, time = x.shape[:2]
        steps = torch.arange(time, device=x.device)
        valid = None
        if lengths is None:
            ends = torch.full((batch,), time, device=x.device)
        else:
            ends = lengths.clamp(0, time).long()
            valid = steps < ends[:, None]
        if reset is None:
            last = (ends - 1).clamp(min=0) // size
            return cls(time, size, -(-time // size), last, ends - last * size, valid, None, None)
        place_in_sequence = steps - torch.where(reset, steps, 0).cummax(1).values
        begins = place_in_sequence % size == 0
        chunk = begins.cumsum(1) - 1
        last = chunk.gather(1, (ends - 1).clamp(min=0)[:, None])[:, 0]
        count = int(last.max()) + 1 if batch else 1
        places = chunk * size + place_in_sequence % size
        rest = torch.where(ends > 0, (places.gather(1, (ends - 1).clamp(min=0)[:, None])[:, 0] % size) + 1, 0)
        counts = begins if valid is None else begins & valid
        continues = torch.zeros(batch, count + 1, dtype=torch.bool, device=x.device)
        continues.scatter_(1, torch.where(counts, chunk, count), place_in_sequence > 0)
        return cls(time, size, count, last, rest, valid, places, continues[:, :count])

    def split(self, x: Tensor) -> Tensor:
        """(batch, time, channel) cut up: (channel, batch, chunk, size)."""
        batch, time, channel = x.shape
        if self.valid is not None:
            x = torch.where(self.valid[..., None], x, 0)
        room = self.count * self.size
        if self.places is None:
            x = torch.nn.functional.pad(x, (0, 0, 0, room - time))
        else:
            # Samples that do not count may lie beyond the last chunk: they go to a place that is dropped.
            places = (
                self.places.clamp(max=room) if self.valid is None else self.places.where(self.valid, room)
            )
            packed = x.new_zeros(batch, room + 1, channel)
            x = packed.scatter_(1, places[..., None].expand_as(x), x)[:, :room]
        # As a transposition of two axes, which torch does block by block.
        return (
            x.reshape(batch * room, channel).t().contiguous().reshape(channel, batch, self.count, self.size)
        )

    def join(self, chunks: Tensor) -> Tensor:
        """(channel, batch, chunk, size) put together: (batch, time, channel), zero beyond the lengths."""
        channel, batch = chunks.shape[:2]
        x = chunks.reshape(channel, -1).t().contiguous().reshape(batch, self.count * self.size, channel)
        if self.places is None:
            x = x[:, : self.time]
        else:
            places = self.places.clamp(max=x.shape[1] - 1)
            x = x.gather(1, places[..., None].expand(-1, -1, channel))
        return x if self.valid is None else torch.where(self.valid[..., None], x, 0)

    def take_last(self, chunks: Tensor) -> Tensor:
        """Each row's last chunk: (channel, batch, ...) of (channel, batch, chunk, ...)."""
        return chunks[:, torch.arange(chunks.shape[1], device=chunks.device), self.last]

    def add_to_last(self, chunks: Tensor, values: Tensor) -> None:
        """Add (channel, batch, ...) to each row's last chunk, in place."""
        chunks[:, torch.arange(chunks.shape[1], device=chunks.device), self.last] += values

    def to_right(self, chunk: Tensor) -> Tensor:
        """The valid samples of last chunks (channel, batch, size), moved to the right end."""
        return self._shift(chunk, self.rest - self.size)

    def to_left(self, chunk: Tensor) -> Tensor:
        """The reverse of :meth:`to_right`."""
        return self._shift(chunk, self.size - self.rest)

    def _shift(self, chunk: Tensor, by: Tensor) -> Tensor:
        """chunk[..., j + by], zero where that is outside."""
        source = torch.arange(self.size, device=chunk.device) + by[:, None]
        moved = chunk.gather(2, source.clamp(0, self.size - 1).expand_as(chunk))
        return torch.where((source >= 0) & (source < self.size), moved, 0)
