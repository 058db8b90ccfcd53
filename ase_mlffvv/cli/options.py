"""Options and helpers shared by several commands."""

from __future__ import annotations

import json


def add_machine(p):
    """Add the options for the evaluation of a model: device, engine and threads."""
    p.add_argument('--device', default='cpu', metavar='{cpu,cuda}', help='where the model is evaluated (default: cpu)')
    p.add_argument('--engine', choices=('auto', 'numba', 'torch', 'cuda'), default='auto', help='implementation that '
                   'evaluates the model (default: auto)')  # fmt: skip
    p.add_argument('--threads', type=int, help='number of CPU threads (default: all processors)')


def add_overwrite(p, what):
    """Add the option that permits existing output to be replaced; ``what`` is its help text."""
    p.add_argument('--overwrite', action='store_true', help=what)


def key_values(words):
    """Convert ``['a=1', 'b=[2, 3]', 'c=x']`` to a dict; values that are not valid JSON are taken as text."""
    out = {}
    for word in words:
        key, sign, value = word.partition('=')
        if not sign:
            raise ValueError(f"expected KEY=VALUE, got '{word}'")
        try:
            out[key] = json.loads(value)
        except json.JSONDecodeError:
            out[key] = value
    return out
