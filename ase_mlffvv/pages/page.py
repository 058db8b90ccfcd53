"""A page: headings, text, tables, pictures, charts and views of atoms, in one HTML file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from ..io.files import save_text

if TYPE_CHECKING:
    from typing import Any

    from .atoms import AtomsView


TEMPLATES = Path(__file__).with_name('templates')


@dataclass
class Page:
    """A page, which is written as one file that opens without a network and without a server.

    Text is escaped: it may hold any characters. Tables can be sorted by each column. Charts need Bokeh and JavaScript;
    pictures and tables do not.

    Parameters
    ----------
    title : str
    lead : str
        One or two sentences below the title: what was done, with what, and what came out.
    """

    title: str
    lead: str = ''
    parts: list = field(default_factory=list)
    _charts: list = field(default_factory=list)

    def heading(self, text: str) -> None:
        """Begin a section, which the table of contents lists."""
        self.parts.append({'kind': 'heading', 'text': text, 'id': f'section-{len(self.parts)}'})

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self.parts.append({'kind': 'text', 'text': text})

    def items(self, lines: Sequence[str]) -> None:
        """Add a short list; for more than a few lines use a table."""
        self.parts.append({'kind': 'items', 'lines': list(lines)})

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]], caption: str = '') -> None:
        """Add a table that a click on the head of a column sorts.

        Parameters
        ----------
        columns : sequence of str
            Heads, with units.
        rows : sequence of sequences
            Cells, text or numbers. A pair (text, number) shows the text and is sorted by the number.
        caption : str
        """
        rows = [[cell if isinstance(cell, tuple) else (cell, None) for cell in row] for row in rows]
        if any(len(row) != len(columns) for row in rows):
            raise ValueError(f'each row must have {len(columns)} cells, got {sorted({len(row) for row in rows})}')
        self.parts.append({'kind': 'table', 'columns': list(columns), 'rows': rows, 'caption': caption})

    def picture(self, picture: Any, alt: str, caption: str = '') -> None:
        """Add a picture.

        Parameters
        ----------
        picture : path, bytes, or matplotlib figure
            PNG file, its content, or a figure to draw.
        alt : str
            What is seen, in words, for readers who do not see it.
        caption : str
        """
        if not alt.strip():
            raise ValueError('a picture needs an alternative text that says what is seen')
        code = base64.b64encode(png(picture)).decode()
        self.parts.append({'kind': 'picture', 'data': code, 'alt': alt, 'caption': caption})

    def charts(self, figures: Sequence[Any], alts: Sequence[str]) -> None:
        """Add charts side by side, or below each other where the page is narrow.

        Parameters
        ----------
        figures : sequence of bokeh figures
            For example from :func:`.linked_charts`.
        alts : sequence of str
            What each chart shows, in words; see :meth:`.Panel.describe`.
        """
        if len(figures) != len(alts) or not all(alt.strip() for alt in alts):
            raise ValueError(f'each of the {len(figures)} charts needs an alternative text, got {len(alts)}')
        first = len(self._charts)
        self._charts += figures
        self.parts.append({'kind': 'charts', 'charts': list(enumerate(alts, first))})

    def atoms(self, view: AtomsView, alt: str) -> None:
        """Add a view of atoms, to turn, with a slider for frames and a choice of colours."""
        self.parts.append({'kind': 'atoms', 'view': view, 'alt': alt, 'id': f'atoms-{len(self.parts)}'})

    def render(self) -> str:
        """The page as HTML."""
        script, library = '', ''
        divs: Sequence[str] = ()
        if self._charts:
            from bokeh.embed import components
            from bokeh.resources import Resources

            library = Resources(mode='inline', components=['bokeh']).render_js()
            script, divs = components(self._charts)
        return environment().get_template('page.html').render(page=self, script=script, divs=divs, library=library)

    def save(self, path: str | Path) -> None:
        """Write the page to a file, completely or not at all."""
        save_text(path, self.render())


@lru_cache
def environment() -> Any:
    """Jinja2 environment of the templates; all values are escaped, and unknown names are errors."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True)  # fmt: skip


def png(picture):
    """Content of a PNG file, from a path, bytes, or a matplotlib figure."""
    if isinstance(picture, bytes):
        return picture
    if hasattr(picture, 'savefig'):
        out = BytesIO()
        picture.savefig(out, format='png')
        return out.getvalue()
    return Path(picture).read_bytes()
