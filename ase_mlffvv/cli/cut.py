"""mlffvv cut: cut small structures for DFT out of the frames of a large run."""

from __future__ import annotations

import logging

log = logging.getLogger('mlffvv')


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'cut',
        help='cut small structures out of large ones where surroundings are new',
        description='Leaves cut_outs.extxyz, ready for mlffvv label, a table and a picture. The cores of the cut-outs '
        'have exactly the surroundings of the large structure; the array core marks them.',
    )
    p.add_argument('trajectory', help='frames of a run, or extrapolation.extxyz of one that was stopped')
    p.add_argument('-o', '--output', required=True, help='folder, new or complete')
    p.add_argument('--model', help='.vv file or name of a shipped potential, with uncertainty for --select grade')
    p.add_argument('--select', choices=('grade', 'change'), default='grade',
                   help='by the extrapolation grade, or by the change of the surroundings since the start')  # fmt: skip
    p.add_argument('--number', type=int, default=20, help='of cut-outs (default 20)')
    p.add_argument('--atoms', type=int, default=80, help='of each cut-out, about (default 80)')
    p.add_argument('--limit', type=float, help='smallest grade (default 1) or change (default 98th percentile)')
    p.add_argument('--apart', type=float, default=7.0, help='smallest distance between centres in a frame, Å')
    p.add_argument('--reach', type=float, default=4.5, help='surroundings of core atoms that are kept, Å (default 4.5)')
    p.add_argument('--shape', choices=('periodic', 'free'), default='periodic')
    p.add_argument('--frames', default=':', metavar='A:B:C', help='frames to look at, as in ASE (default all)')
    p.add_argument('--start', help='structure at the start for --select change (default: the first frame of the file)')
    p.add_argument('--threads', type=int, help='CPU threads (default: all)')
    p.add_argument('--overwrite', action='store_true', help='begin anew in a folder of another job')
    return p


def run(args):
    """Do what the arguments say."""
    from ase.io import read

    from ..learning.cutting import cut, table

    found = read(args.trajectory, args.frames)
    frames = found if isinstance(found, list) else [found]
    start = read(args.start or args.trajectory, 0) if args.select == 'change' else None
    log.info('%d frames from %s', len(frames), args.trajectory)
    out = cut(frames, args.output, model=args.model, by=args.select, number=args.number, size=args.atoms,
              limit=args.limit, apart=args.apart, reach=args.reach, shape=args.shape, start=start,
              source=args.trajectory, overwrite=args.overwrite, threads=args.threads)  # fmt: skip
    print(table(out), end='')
    print(f'{len(out)} cut-outs in {args.output}')
