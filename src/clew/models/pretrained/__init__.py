"""Published checkpoints of language models: found, read and written."""

from clew.models.pretrained.load import load
from clew.models.pretrained.locate import locate
from clew.models.pretrained.save import save

__all__ = ["load", "locate", "save"]
