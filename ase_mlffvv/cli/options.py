"""Options and values that several commands share."""

from __future__ import annotations

import json


def add_model(p):
    """Model, and what evaluates it."""
    p.add_argument('--model', help='.vv file or PWMLFF folder (default: the shipped lithium potential)')
    add_machine(p)


def add_machine(p):
    """What evaluates a model."""
    p.add_argument('--device', default='cpu', help="'cpu' or 'cuda'")
    p.add_argument('--engine', choices=('auto', 'numba', 'torch', 'cuda'), default='auto')
    p.add_argument('--threads', type=int, help='CPU threads (default: all)')


def add_overwrite(p, what):
    """Leave to replace what stands where the output goes."""
    p.add_argument('--overwrite', action='store_true', help=what)


def key_values(words):
    """``['a=1', 'b=[2, 3]', 'c=x']`` as a dict; values are JSON where they can be, text otherwise."""
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
