"""mlffvv convert: files for other programs, and files of other programs."""

from __future__ import annotations

from .options import add_overwrite


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'convert',
        help='convert trajectories and structures, also to and from LAMMPS',
        description='The formats are those of ASE, packed trajectories (.vvtraj), and LAMMPS text dumps (.dump, '
        '.lammpstrj), which OVITO reads, and data files (.data, .lmp), in metal units.',
    )
    p.add_argument('source', help='file to read, or folder of a run')
    p.add_argument('target', help='file to write; its ending tells the format')
    p.add_argument('--frames', default=':', metavar='A:B:C', help='frames to convert, as in ASE (default: all)')
    p.add_argument('--types', nargs='+', default=[], metavar='SYMBOL', help='elements of the LAMMPS types 1, 2, ... '
                   '(default, when writing: in the order of the alphabet)')  # fmt: skip
    p.add_argument('--format', help='format of the source by its name in ASE (default: recognized)')
    p.add_argument('--to', metavar='FORMAT', help='format of the target by its name in ASE (default: by its ending)')
    add_overwrite(p, 'replace the target where it exists')
    return p


def run(args):
    """Run the command with its parsed arguments."""
    import os

    from mlffvv_analysis.stream import trajectory_of

    from ..io.convert import convert

    count = convert(trajectory_of(args.source), args.target, frames=args.frames, types=args.types, kind=args.format,
                    format=args.to, overwrite=args.overwrite)  # fmt: skip
    size = os.path.getsize(args.target) / 1e6
    print(f'{count} frame{"s" if count > 1 else ""}, {size:.3g} MB: {args.target}')
