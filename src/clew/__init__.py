"""clew: state space models, defined once and seen three ways."""

from clew.version import __version__

__all__ = ["__version__"]
