"""The sections of a report: each measures, finds its words, and has its figure drawn."""

from clew.train.report.sections.confusion import confusion
from clew.train.report.sections.cost import cost
from clew.train.report.sections.dynamics import dynamics
from clew.train.report.sections.learning import learning
from clew.train.report.sections.posterior import posterior
from clew.train.report.sections.predicted import predicted
from clew.train.report.sections.text import text_learning, text_samples
from clew.train.report.sections.views import views

__all__ = [
    "confusion",
    "cost",
    "dynamics",
    "learning",
    "posterior",
    "predicted",
    "text_learning",
    "text_samples",
    "views",
]
