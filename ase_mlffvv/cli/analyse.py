"""mlffvv analyse: what happened in a run."""

from __future__ import annotations

import os

from .options import add_overwrite


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'analyse',
        help='what happened in a run: table, figures, and a page with everything',
        description='Works with the trajectory of any simulation; atoms with a tag other than 0 are the dendrite. '
        'Leaves index.html, timeline.csv, timeline.parquet, figures, and coloured.extxyz (open it with: ase gui). '
        'While a simulation goes on, give the same command again: only new frames are computed.',
    )
    p.add_argument('trajectory', help='file of frames (extxyz, traj, ...)')
    p.add_argument('-o', '--output', default='report', help='folder of the report, new or to go on with')
    p.add_argument('--cutoff', type=float, default=3.45, help='of coordination numbers, Å (default 3.45)')
    p.add_argument('--cn8', choices=('bulk', 'surface', 'exclude'), default='bulk', help='what atoms with exactly 8 '
                   'neighbors are (default: bulk)')  # fmt: skip
    p.add_argument('--surface', choices=('coordination', 'mesh'), default='coordination', help='split into surface and '
                   'bulk by coordination numbers, or by the alpha shape (default: coordination)')  # fmt: skip
    p.add_argument('--frame-time', type=float, metavar='PS', help='time between frames where they do not tell it')
    p.add_argument('--pictures', type=int, default=4, help='frames to show (default 4)')
    p.add_argument('--processes', type=int, default=os.cpu_count(), help='default: all CPUs')
    add_overwrite(p, 'begin anew in a folder with the report of another trajectory or of other settings, which is '
                  'removed, or with other files')  # fmt: skip
    return p


def run(args):
    """Do what the arguments say."""
    from mlffvv_analysis.frame import Settings
    from mlffvv_analysis.report import report

    settings = Settings(cutoff=args.cutoff, cn8=args.cn8, surface=args.surface)
    page = report(
        args.trajectory,
        args.output,
        settings=settings,
        frame_time_ps=args.frame_time,
        pictures=args.pictures,
        processes=args.processes,
        overwrite=args.overwrite,
    )
    print(f'page   {page}\ntable  {page.with_name("timeline.csv")}\nframes {page.with_name("coloured.extxyz")}')
