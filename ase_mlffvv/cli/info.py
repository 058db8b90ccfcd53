"""mlffvv info: describe a model and the data to which it was fitted."""

from __future__ import annotations

import json


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser('info', help='describe a model and the data to which it was fitted')
    p.add_argument('model', nargs='?', help='.vv file or PWMLFF folder (default: the shipped lithium potential)')
    return p


def run(args):
    """Run the command with its parsed arguments."""
    from ..model import find_potential

    potential = find_potential(args.model)
    print(potential)
    print(f'sha256 {potential.digest()}')
    print(json.dumps(potential.card, indent=1, ensure_ascii=False))
