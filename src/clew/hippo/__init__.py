"""HiPPO: systems whose state is an optimal summary of the past, one measure a file."""

from clew.hippo.low_rank import low_rank
from clew.hippo.memory import Memory, MemoryState
from clew.hippo.transition import basis, transition

__all__ = ["Memory", "MemoryState", "basis", "low_rank", "transition"]
