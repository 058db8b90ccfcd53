"""mlffvv cut: cut small structures for DFT out of the frames of a large run."""

from __future__ import annotations

import logging

from .options import add_file_type, add_overwrite, file_type

log = logging.getLogger('mlffvv')


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'cut',
        help='cut small structures out of a large one where atoms have new surroundings',
        description='Writes cut_outs.extxyz, ready for mlffvv label, a table and a picture. Core atoms of a cut-out '
        'have exactly the surroundings of the large structure; the array core marks them.',
    )
    p.add_argument('trajectory', help='folder of a run, its trajectory, or extrapolation.extxyz of a stopped run')
    add_file_type(p)
    p.add_argument('-o', '--output', required=True, help='folder of the cut-outs, new or complete')
    p.add_argument('--model', help='.vv file or name of a potential of the package; --select grade requires a model '
                   'with an uncertainty')  # fmt: skip
    p.add_argument('--select', choices=('grade', 'change'), default='grade',
                   help='select atoms by the extrapolation grade (default) or by the change of their surroundings '
                   'since the start')  # fmt: skip
    p.add_argument('--number', type=int, default=20, help='number of cut-outs (default: 20)')
    p.add_argument('--atoms', type=int, default=80, help='approximate number of atoms in a cut-out (default: 80)')
    p.add_argument('--limit', type=float, help='smallest grade (default: 1) or change (default: 98th percentile)')
    p.add_argument('--apart', type=float, default=7.0, help='smallest distance between centres in the same frame, Å '
                   '(default: 7)')  # fmt: skip
    p.add_argument('--reach', type=float, default=4.5, help='distance from core atoms within which the structure is '
                   'identical to the large one, Å (default: 4.5)')  # fmt: skip
    p.add_argument('--shape', choices=('periodic', 'free'), default='periodic',
                   help='cut-outs in a periodic box (default), or free clusters')  # fmt: skip
    p.add_argument('--frames', default=':', metavar='A:B:C', help='frames to use, as in ASE (default: all)')
    p.add_argument('--start', help='initial structure for --select change (default: the first frame of the file)')
    p.add_argument('--threads', type=int, help='number of CPU threads (default: all processors)')
    add_overwrite(p, 'begin anew in a folder that holds another job')
    return p


def run(args):
    """Run the command with its parsed arguments."""
    from mlffvv_analysis.stream import trajectory_of

    from ..io.reading import read_structure, read_structures
    from ..learning.cutting import cut, table

    if args.start and args.select != 'change':
        raise ValueError('--start is the structure with which --select change compares; --select grade needs none')
    args.trajectory = str(trajectory_of(args.trajectory))
    kind, start = file_type(args), None
    frames = read_structures(args.trajectory, args.frames, kind)
    if args.select == 'change':
        start = read_structure(args.start, 0) if args.start else read_structure(args.trajectory, 0, kind)
    log.info('%d frames from %s', len(frames), args.trajectory)
    out = cut(frames, args.output, model=args.model, by=args.select, number=args.number, size=args.atoms,
              limit=args.limit, apart=args.apart, reach=args.reach, shape=args.shape, start=start,
              source=args.trajectory, overwrite=args.overwrite, threads=args.threads)  # fmt: skip
    print(table(out), end='')
    print(f'{len(out)} cut-outs in {args.output}')
