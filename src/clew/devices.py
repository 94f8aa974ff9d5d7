"""The device that a name stands for here."""

import torch

from clew.errors import unknown_name

__all__ = ["DEVICES", "check_device", "device_of"]

DEVICES = ("auto", "cpu", "cuda")


def check_device(name: str) -> None:
    """Refuse a name that is none of ``DEVICES``.

    Raises:
        ValueError: with the nearest right one.
    """
    if name not in DEVICES:
        raise unknown_name("device", str(name), DEVICES)


def device_of(name: str) -> torch.device:
    """The device to compute on.

    Args:
        name: ``"auto"`` for a GPU where there is one, ``"cpu"`` or ``"cuda"``.

    Raises:
        ValueError: for another name, or for ``"cuda"`` where there is none.

    >>> device_of("cpu")
    device(type='cpu')
    """
    check_device(name)
    cuda = torch.cuda.is_available()
    if name == "cuda" and not cuda:
        raise ValueError("device is 'cuda', and torch finds none here: take 'cpu' or 'auto'")
    return torch.device("cpu" if name == "cpu" or not cuda else "cuda")
