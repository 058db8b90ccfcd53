"""Formulas as MathML, which browsers draw themselves, so that the pages need no network."""

from __future__ import annotations

from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging


def convert(self, node, as_block):
    """MathML of a formula; a warning if LaTeX is not understood."""
    text = node.astext()
    try:
        return tex2mathml(text, as_block=as_block)
    except Exception as error:  # MathError, and errors of Python where the input is wrong
        logging.getLogger(__name__).warning('formula %r: %s', text, error, location=node)
        return f'<code>{self.encode(text)}</code>'


def inline(self, node):
    """Write a formula within a line."""
    from docutils.nodes import SkipNode

    self.body.append(convert(self, node, as_block=False))
    raise SkipNode


def display(self, node):
    """Write a formula of its own."""
    from docutils.nodes import SkipNode

    self.body.append(f'<div class="math">{convert(self, node, as_block=True)}</div>')
    raise SkipNode


def setup(app):
    """Register with Sphinx."""
    app.add_html_math_renderer('mathml', (inline, None), (display, None))
    return {'parallel_read_safe': True}
