"""Bidirectional mixers: their equations from two recurrences, and what they refuse."""

import torch


def both_ways(forwards, backwards, rest, without_present=False):
    """The sum of two recurrences from rest, the second over the sequence from its end.

    Backwards, the time before a sample is the time to the one after it; before the last there is none, and
    it takes the first one's. ``rest`` makes a state of zeros from the parameters.
    """

    def run(parameters, x, state, dt=None):
        assert state == ()
        zero = tuple(part.expand(len(x), *part.shape) for part in rest(parameters))
        options, turned = {}, {}
        if dt is not None:
            options, turned = {"dt": dt}, {"dt": torch.cat((dt[:, :1], dt[:, 1:].flip(1)), dim=1)}
        y, _ = forwards(parameters, x, zero, **options)
        z, _ = backwards(parameters, x.flip(1), zero, **turned)
        z = z.flip(1)
        if without_present:
            z = torch.cat((z[:, 1:], torch.zeros_like(z[:, :1])), dim=1)
        return y + z, ()

    return run


def own_output(published, output="C", through="D"):
    """The backward branch that shares all with the forward one but its ``output``, and has no ``through``."""

    def run(parameters, x, state, **options):
        own = {**parameters, output: parameters[f"{output}_reverse"]}
        own[through] = torch.zeros_like(parameters[through])
        return published(own, x, state, **options)

    return run


def own_weights(published):
    """The backward branch that shares nothing: its parameters are called ``reverse.…``."""

    def run(parameters, x, state, **options):
        prefix = "reverse."
        own = {
            name.removeprefix(prefix): value for name, value in parameters.items() if name.startswith(prefix)
        }
        return published(own, x, state, **options)

    return run


def refusals(name, kind):
    """The rows of EXCEPTIONS of a bidirectional member."""
    why = f"{kind} with bidirectional=True reads whole sequences from both ends and has no"
    return {(name, feature): f"{why} {feature}: take bidirectional=False" for feature in ("state", "step")}


def no_system(name, kind):
    """The same for what is linear."""
    why = f"{kind} with bidirectional=True reads whole sequences from both ends and has no causal system"
    return {(name, feature): why for feature in ("system", "continuous_system")}
