"""HiPPO: systems whose state is an optimal summary of the past, one measure a file."""

from clew.hippo.transition import transition

__all__ = ["transition"]
