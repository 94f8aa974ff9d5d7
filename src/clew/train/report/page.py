"""The report as one HTML file that needs nothing but itself: no script, no font, no address."""

import base64
import struct
from collections.abc import Sequence
from html import escape

from clew.train.report.section import Picture, Section, Table

__all__ = ["render"]

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --page: #f4f6fa; --ink: #1d2433; --muted: #566074;
  --line: #dfe3eb; --accent: #0b62a3; }
@media (prefers-color-scheme: dark) { :root { --paper: #161b26; --page: #0e121a; --ink: #e6e9f0;
  --muted: #a3adbf; --line: #2a3140; --accent: #79c3f2; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
main, header, footer { max-width: 50rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 2.5rem; }
h1 { font-size: clamp(1.6rem, 5vw, 2.3rem); line-height: 1.15; margin: 0 0 .6rem; letter-spacing: -.02em; }
h2 { font-size: 1.3rem; margin: 0 0 .4rem; letter-spacing: -.01em; }
p { margin: 0 0 .8rem; }
.lead { font-size: 1.1rem; color: var(--muted); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .6rem;
  margin: 1.4rem 0; }
.facts div { background: var(--paper); border: 1px solid var(--line); border-radius: .6rem;
  padding: .6rem .8rem; }
.facts dt { color: var(--muted); font-size: .82rem; }
.facts dd { margin: 0; font-weight: 650; font-size: 1.1rem; overflow-wrap: anywhere; }
.facts small { display: block; font-weight: 400; font-size: .82rem; color: var(--muted); }
nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; list-style: none; padding: 0;
  margin: 0 0 1.6rem; }
a { color: var(--accent); }
section { background: var(--paper); border: 1px solid var(--line); border-radius: .9rem; padding: 1.2rem;
  margin: 0 0 1.4rem; scroll-margin-top: 1rem; }
section > :last-child { margin-bottom: 0; }
.scroll { overflow-x: auto; margin: .8rem 0; }
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
figure { margin: 0; }
img { display: block; width: 100%; min-width: 30rem; height: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .93rem; }
caption { text-align: left; color: var(--muted); padding-bottom: .3rem; }
th, td { text-align: right; padding: .3rem .7rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
.how, .method { color: var(--muted); }
.method { font-size: .88rem; }
figcaption { color: var(--muted); font-size: .88rem; margin-top: .8rem; }
pre { font: .88rem/1.45 ui-monospace, "Liberation Mono", Menlo, monospace; white-space: pre-wrap;
  overflow-wrap: anywhere; margin: .2rem 0 .8rem; }
footer { color: var(--muted); font-size: .9rem; padding-bottom: 3rem; }
code { font: .92em ui-monospace, "Liberation Mono", Menlo, monospace; overflow-wrap: anywhere; }
@media print { body { background: none; } section { break-inside: avoid; } nav { display: none; } }
"""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What a browser may load for the page: nothing that the page does not contain."""


def render(
    title: str,
    lead: str,
    facts: Sequence[tuple[str, str, str]],
    sections: Sequence[Section],
    notes: Sequence[str],
) -> str:
    """The whole page.

    Args:
        title: the heading.
        lead: what the run is, for somebody who has not seen one.
        facts: (name, value, remark) of each number at the head; a remark may be empty.
        sections: in the order in which they are read.
        notes: paragraphs at the foot.

    Returns:
        HTML5, all of it escaped where it comes from data.
    """
    index = "".join(f'<li><a href="#{escape(part.key)}">{escape(part.title)}</a></li>' for part in sections)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
<p class="lead">{escape(lead)}</p>
<dl class="facts">{"".join(_fact(*fact) for fact in facts)}</dl>
<nav aria-label="Sections"><ul>{index}</ul></nav>
</header>
<main>
{"".join(_section(part) for part in sections)}</main>
<footer>{"".join(f"<p>{escape(note)}</p>" for note in notes)}</footer>
</body>
</html>
"""


def _fact(name: str, value: str, remark: str) -> str:
    """One number of the head."""
    small = f"<small>{escape(remark)}</small>" if remark else ""
    return f"<div><dt>{escape(name)}</dt><dd>{escape(value)}{small}</dd></div>"


def _section(part: Section) -> str:
    """One section: what was found, how to read the figure, the figure, the table, the method."""
    lines = [f'<section id="{escape(part.key)}" aria-labelledby="{escape(part.key)}-title">']
    lines.append(f'<h2 id="{escape(part.key)}-title">{escape(part.title)}</h2>')
    if part.finding:
        lines.append(f"<p>{escape(part.finding)}</p>")
    lines.append(f'<p class="how">{escape(part.reading)}</p>')
    if part.picture:
        lines.append(_picture(part.picture, part.title))
    if part.table:
        lines.append(_table(part.table))
    lines += [_text(*text) for text in part.texts]
    if part.method:
        lines.append(f'<p class="method">{escape(part.method)}</p>')
    return "\n".join([*lines, "</section>\n"])


def _picture(picture: Picture, title: str) -> str:
    """Both themes of a figure, inside the page; it scrolls sideways where the screen is narrow."""
    width, height = struct.unpack(">II", picture.light[16:24])  # the IHDR chunk: PNG specification, 11.2.2
    return (
        f'<div class="scroll" role="group" tabindex="0" aria-label="{escape(title)}, figure">'
        "<figure><picture>"
        f'<source media="(prefers-color-scheme: dark)" srcset="{_inline(picture.dark)}">'
        f'<img src="{_inline(picture.light)}" width="{width}" height="{height}" alt="{escape(picture.alt)}">'
        "</picture></figure></div>"
    )


def _inline(png: bytes) -> str:
    """A PNG file as an address that contains it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _table(table: Table) -> str:
    """A table that scrolls sideways where the screen is narrow."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.header)
    rows = "".join(_row(row) for row in table.rows)
    return (
        f'<div class="scroll" role="group" tabindex="0" aria-label="{escape(table.caption)}"><table>'
        f"<caption>{escape(table.caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _text(caption: str, text: str) -> str:
    """A passage, its line breaks and spaces as they are."""
    return f"<figure><figcaption>{escape(caption)}</figcaption><pre>{escape(text)}</pre></figure>"


def _row(row: tuple[str, ...]) -> str:
    """One row of a table."""
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
    return f'<tr><th scope="row">{escape(row[0])}</th>{cells}</tr>'
