"""mlffvv info: what a model is and what it was fitted to."""

from __future__ import annotations

import json


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser('info', help='what a model is and what it was fitted to')
    p.add_argument('model', nargs='?', help='.vv file or PWMLFF folder (default: the shipped lithium potential)')
    return p


def run(args):
    """Do what the arguments say."""
    from ..model import find_potential

    potential = find_potential(args.model)
    print(potential)
    print(f'sha256 {potential.digest()}')
    print(json.dumps(potential.card, indent=1, ensure_ascii=False))
