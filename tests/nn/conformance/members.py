"""Who is in the suite, and what each may refuse.

A new mixer brings a file in mixers/ with its published equations and its constructors, and gets every test.
Whatever it cannot do is a row of its EXCEPTIONS, and must raise the error written there, a ValueError unless
torch is asked first.
"""

from tests.nn.conformance.mixers import dss, gru, linear_lmu, lmu, lru, lstm, mamba, mamba2, rnn, s4, s4d, s5

MIXERS = (s4, s4d, dss, rnn, s5, lru, linear_lmu, lmu, gru, lstm, mamba, mamba2)
MEMBERS = tuple(member for mixer in MIXERS for member in mixer.MEMBERS)

# (member, what it does not have): the error, and with it the reason.
EXCEPTIONS = {feature: error for mixer in MIXERS for feature, error in mixer.EXCEPTIONS.items()}


def takes(member, feature):
    """Whether the table leaves ``feature`` to ``member``."""
    return (member.name, feature) not in EXCEPTIONS
