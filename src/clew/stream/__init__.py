"""Live sessions of a trained model: one sample in, one prediction out, in constant memory."""

from clew.stream.pipe import serve
from clew.stream.session import Estimate, Position, Prediction, Session, open
from clew.stream.signals import Signals

__all__ = ["Estimate", "Position", "Prediction", "Session", "Signals", "open", "serve"]
