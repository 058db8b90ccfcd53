"""mlffvv validate: properties of lithium beside DFT and experiment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .options import add_machine, add_overwrite, key_values


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'validate',
        help='properties of lithium beside DFT and experiment',
        description='Lattices, elastic constants, vacancy, 13 surfaces, adatoms, grain boundaries, phonons, thermal '
        'expansion and liquid, for a model or any ASE calculator. Leaves validation.txt, validation.json and '
        'validation.png. After Ctrl-C or a crash, give the same command again: what is finished is kept.',
    )
    p.add_argument('model', nargs='?', help='.vv file or PWMLFF folder (default: the shipped lithium potential)')
    p.add_argument('--calculator', metavar='NAME', help="instead of a model: any calculator, as for 'mlffvv label'")
    p.add_argument('--settings', nargs='+', default=[], metavar='KEY=VALUE', help='settings of that calculator')
    p.add_argument('--only', nargs='+', metavar='GROUP', help='lattice, elastic, vacancy, surfaces, adatoms, '
                   'boundaries, phonons, expansion, liquid, melting')  # fmt: skip
    p.add_argument('--quick', action='store_true', help='without molecular dynamics (expansion, liquid)')
    p.add_argument('--melting', action='store_true', help='also the melting point, which takes about an hour')
    p.add_argument('--seed', type=int, default=0)
    add_machine(p)
    p.add_argument('-o', '--output', default='validation', help='folder of the table, new or to go on with')
    add_overwrite(p, 'begin anew in a folder with the properties of another calculator, which are removed, or with '
                  'other files')  # fmt: skip
    return p


def run(args):
    """Do what the arguments say."""
    from ..properties import validate

    if args.calculator:
        if args.model:
            raise ValueError(f"give a model ('{args.model}') or --calculator, not both")
        sys.path.append(os.getcwd())  # where a module:function of the user's own lies
        calculator, settings = args.calculator, key_values(args.settings)
    else:
        from ..calculators import VVCalculator

        if args.settings:
            raise ValueError('--settings are those of --calculator')
        calculator = VVCalculator(args.model, device=args.device, engine=args.engine, threads=args.threads)
        settings = None
    result = validate(calculator, args.output, settings=settings, only=args.only, quick=args.quick,
                      melting=args.melting, seed=args.seed, overwrite=args.overwrite)  # fmt: skip
    print(result)
    for kind, name in (('table', 'validation.txt'), ('numbers', 'validation.json'), ('plots', 'validation.png')):
        print(f'{kind:9} {Path(args.output) / name}')
