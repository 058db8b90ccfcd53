"""mlffvv validate: compare properties of lithium with DFT and experiment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .options import MACHINE, add_machine, add_overwrite, key_values, machine, refuse_together


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'validate',
        help='compare properties of lithium with DFT and experiment',
        description='Computes lattices, elastic constants, vacancy, 13 surfaces, adatoms, grain boundaries, phonons, '
        'thermal expansion and the liquid with a model or any ASE calculator. Writes validation.html, a page to '
        'explore, validation.txt, validation.json and validation.png. After Ctrl-C or a crash, repeat the command: '
        'finished properties are kept.',
    )
    p.add_argument('model', nargs='?', help='.vv file or PWMLFF folder (default: the shipped lithium potential)')
    p.add_argument('--calculator', metavar='NAME', help="calculator to use instead of a model, as for 'mlffvv label'")
    p.add_argument('--settings', nargs='+', default=[], metavar='KEY=VALUE', help='settings of that calculator')
    p.add_argument('--only', nargs='+', metavar='GROUP', help='compute only these groups: lattice, elastic, vacancy, '
                   'surfaces, adatoms, boundaries, phonons, expansion, liquid, melting')  # fmt: skip
    p.add_argument('--quick', action='store_true', help='skip molecular dynamics (expansion, liquid)')
    p.add_argument('--melting', action='store_true', help='also compute the melting point, which takes about an hour')
    p.add_argument('--seed', type=int, default=0)
    add_machine(p)
    p.add_argument('-o', '--output', default='validation', help='folder of the results, new or to be continued')
    add_overwrite(p, 'begin anew in a folder that holds properties of another calculator, which are removed, or '
                  'other files')  # fmt: skip
    return p


def run(args):
    """Run the command with its parsed arguments."""
    from ..properties import validate

    refuse_together(args, 'calculator', list(MACHINE), 'they belong to models')
    refuse_together(args, 'quick', ['melting'], 'the melting point needs molecular dynamics')
    if args.calculator:
        if args.model:
            raise ValueError(f"give a model ('{args.model}') or --calculator, not both")
        sys.path.append(os.getcwd())  # so that module:function can be a file of the user
        calculator, settings = args.calculator, key_values(args.settings)
    else:
        from ..calculators import VVCalculator

        if args.settings:
            raise ValueError('--settings are those of --calculator')
        calculator = VVCalculator(args.model, **machine(args))
        settings = None
    result = validate(calculator, args.output, settings=settings, only=args.only, quick=args.quick,
                      melting=args.melting, seed=args.seed, overwrite=args.overwrite)  # fmt: skip
    print(result)
    for kind, name in (('table', 'validation.txt'), ('numbers', 'validation.json'), ('plots', 'validation.png'),
                       ('page', 'validation.html')):  # fmt: skip
        print(f'{kind:9} {Path(args.output) / name}')
