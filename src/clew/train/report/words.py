"""Numbers as a reader wants them: percent, seconds, bytes, counts."""

import math

__all__ = ["count", "duration", "in_percent", "memory", "samples", "small"]


def in_percent(share: float) -> str:
    """A share between 0 and 1.

    >>> in_percent(0.98108)
    '98.1%'
    """
    return f"{100 * share:.1f}%"


def duration(seconds: float) -> str:
    """A time span in the unit that suits it.

    >>> duration(0.000123), duration(0.5), duration(4.93), duration(754)
    ('123 µs', '500 ms', '4.9 s', '12 min 34 s')
    """
    if seconds >= 60:
        minutes, rest = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{1e3 * seconds:.3g} ms" if seconds >= 1e-3 else f"{1e6 * seconds:.3g} µs"


def memory(size: float) -> str:
    """A number of bytes in powers of 1024.

    >>> memory(800), memory(33_800), memory(12_345_678)
    ('800 B', '33.0 KiB', '11.8 MiB')
    """
    if size < 1024:
        return f"{size:.0f} B"
    for unit in ("KiB", "MiB"):
        size /= 1024
        if size < 1024:
            return f"{size:.1f} {unit}"
    return f"{size / 1024:.1f} GiB"


def count(number: int, noun: str) -> str:
    """A number of things.

    >>> count(1, "epoch"), count(2000, "sample")
    ('1 epoch', '2,000 samples')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def samples(span: float) -> str:
    """A time constant, in samples.

    >>> samples(0.034), samples(42.2), samples(1825.3), samples(math.inf)
    ('0.034', '42', '1,825', 'no end')
    """
    if math.isinf(span):
        return "no end"
    return f"{span:,.0f}" if span >= 10 else f"{span:.2g}"


def small(number: float) -> str:
    """A rounding error with two digits.

    >>> small(3.123e-7), small(0.0)
    ('3.1e-07', '0')
    """
    return f"{number:.1e}" if number else "0"
