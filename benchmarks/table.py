"""The page of results, from what was measured."""

from typing import Any

__all__ = ["write"]

MAIN, KEPT = "as it comes", "heap kept"

HEAD = """# Benchmarks

Written by `make bench` (folder `benchmarks/`), which runs every contender and clew in turns in one process,
after checking that they compute the same. A ratio is the median over rounds of a contender's time divided by
clew's in the same round: how many times as fast clew is; its quartiles follow in brackets. "Heap kept" is the
same with an allocator told to keep the memory it has, which large temporary arrays profit from. A blank was
not measured; the reason stands below the table.
"""


def write(found: dict[str, Any]) -> str:
    """The page in Markdown; ``found`` holds, for each setting, what :mod:`benchmarks.run` printed."""
    parts = [HEAD, _machine(found[MAIN]), _table(found), _memory(found[MAIN]), _growth(found)]
    parts += [_lower(found, name) for name in found if name not in (MAIN, KEPT)]
    return "\n".join(part for part in parts if part)


def _machine(main: dict[str, Any]) -> str:
    facts = ", ".join(f"{key} {value}" for key, value in main["machine"].items())
    return f"Measured on: {facts}.\n"


def _table(found: dict[str, Any]) -> str:
    kept = {
        (row["name"], row["size"], timing["name"]): timing
        for row in found[KEPT]["rows"]
        for timing in row["timings"]
    }
    lines = [
        "| work | size | contender | ms | ratio | ratio, heap kept |",
        "| --- | --- | --- | ---: | ---: | ---: |",
    ]
    reasons: dict[str, str] = {}
    for row in found[MAIN]["rows"]:
        for timing in row["timings"]:
            other = kept[row["name"], row["size"], timing["name"]]
            cells = (
                row["name"],
                row["size"],
                timing["name"],
                _milliseconds(timing),
                _ratio(timing),
                _ratio(other),
            )
            lines.append(f"| {' | '.join(cells)} |")
            if timing["reason"]:
                reasons[f"{timing['name']}, {row['name']}, {row['size']}"] = timing["reason"]
    lines.append("")
    lines += [f"- {name}: {reason}." for name, reason in reasons.items()]
    return "\n".join(lines) + "\n"


def _milliseconds(timing: dict[str, Any]) -> str:
    return "" if timing["seconds"] is None else f"{1e3 * timing['seconds']:,.1f}"


def _ratio(timing: dict[str, Any]) -> str:
    if timing["ratio"] is None or timing["name"] == "clew":
        return ""
    low, high = timing["quartiles"]
    return f"{timing['ratio']:.2f} ({low:.2f}–{high:.2f})"


def _memory(main: dict[str, Any]) -> str:
    if not main.get("memory"):
        return ""
    extra, own = main["memory"]["extra"], main["memory"]["own"]
    return (
        "Selective scan forward and backward at 1 × 16,384 × 256, N = 16, in a fresh process: the peak "
        f"rises by {extra / 2**20:,.0f} MiB, of which inputs, output and the gradients of all are "
        f"{own / 2**20:,.0f} MiB ({extra / own - 1:+.0%}).\n"
    )


def _growth(found: dict[str, Any]) -> str:
    if "growth" not in found[MAIN]:
        return ""
    lines = [
        "## Growth with the length",
        "",
        "Forward and backward at 64 channels, batch 1. Own bytes are those of inputs, output and gradients.",
        "",
        "| work | samples | ns a sample | heap kept | own bytes a sample | besides |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for point, kept in zip(found[MAIN]["growth"], found[KEPT]["growth"], strict=True):
        own, extra = (f"{point[key]:,.0f}" if point[key] is not None else "" for key in ("own", "extra"))
        times = f"{point['nanoseconds']:,.0f} | {kept['nanoseconds']:,.0f}"
        lines.append(f"| {point['work']} | {point['length']:,} | {times} | {own} | {extra} |")
    return "\n".join(lines) + "\n"


def _lower(found: dict[str, Any], setting: str) -> str:
    """The table of clew with fewer instructions beside the best: one after the other, not in turns."""
    best = {(row["name"], row["size"]): row["timings"][0]["seconds"] for row in found[MAIN]["rows"]}
    instructions = found[MAIN]["machine"]["instructions"]
    lines = [
        f"## Instructions: {setting} beside {instructions}",
        "",
        f"| work | size | {instructions}, ms | {setting}, ms | ratio |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for row in found[setting]["rows"]:
        own, seconds = row["timings"][0]["seconds"], best[row["name"], row["size"]]
        numbers = f"{1e3 * seconds:,.1f} | {1e3 * own:,.1f} | {own / seconds:.2f}"
        lines.append(f"| {row['name']} | {row['size']} | {numbers} |")
    return "\n".join(lines) + "\n"
