"""The device that a name stands for here."""

import torch

from clew.errors import unknown_name

__all__ = ["device_of"]


def device_of(name: str) -> torch.device:
    """The device to compute on.

    Args:
        name: ``"auto"`` for a GPU where there is one, ``"cpu"`` or ``"cuda"``.

    Raises:
        ValueError: for another name, or for ``"cuda"`` where there is none.

    >>> device_of("cpu")
    device(type='cpu')
    """
    if name not in ("auto", "cpu", "cuda"):
        raise unknown_name("device", name, ("auto", "cpu", "cuda"))
    cuda = torch.cuda.is_available()
    if name == "cuda" and not cuda:
        raise ValueError("device is 'cuda', and torch finds none here: take 'cpu' or 'auto'")
    return torch.device("cpu" if name == "cpu" or not cuda else "cuda")
