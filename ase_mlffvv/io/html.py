"""Small tables in HTML, for the rich display of results in notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(rows: Iterable[Sequence], head: Sequence[str] = (), caption: str = '') -> str:
    """An HTML table; all texts are escaped.

    Parameters
    ----------
    rows : sequence of rows
        Cells are numbers or texts; the first of each row is its name.
    head : sequence of str
        Titles of the columns.
    caption : str
        Title of the table.
    """
    lines = ['<table>']
    if caption:
        lines.append(f'<caption style="text-align: left; font-weight: bold">{escape(caption)}</caption>')
    if head:
        lines.append('<thead><tr>' + ''.join(f'<th>{escape(str(title))}</th>' for title in head) + '</tr></thead>')
    lines.append('<tbody>')
    for name, *cells in rows:
        row = ''.join(f'<td style="text-align: left">{escape(str(cell))}</td>' for cell in cells)
        lines.append(f'<tr><th style="text-align: left">{escape(str(name))}</th>{row}</tr>')
    return '\n'.join([*lines, '</tbody></table>'])
