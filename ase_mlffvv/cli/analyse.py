"""mlffvv analyse: analyse the trajectory of a simulation."""

from __future__ import annotations

import os

from .look import gui_command
from .options import add_file_type, add_overwrite, file_type, refuse_together


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'analyse',
        aliases=['analyze'],
        help='analyse a trajectory: a table, figures, and a page with all results',
        description='Analyse the trajectory of any simulation; atoms with a tag other than 0 form the dendrite. '
        'Writes index.html, timeline.csv, timeline.parquet, figures, and coloured.extxyz (open it with: ase gui). '
        'Repeat the command while a simulation is running to add its new frames to the report.',
    )
    p.add_argument('trajectory', help='folder of a run, or trajectory file (extxyz, traj, ...)')
    add_file_type(p)
    p.add_argument('-o', '--output', default='report', help='folder of the report, new or to be continued '
                   '(default: report)')  # fmt: skip
    p.add_argument('--cutoff', type=float, default=3.45, help='cutoff of coordination numbers, Å (default: 3.45)')
    p.add_argument('--cn8', choices=('bulk', 'surface', 'exclude'), default='bulk', help='class of atoms with exactly '
                   '8 neighbors (default: bulk)')  # fmt: skip
    p.add_argument('--surface', choices=('coordination', 'mesh'), default='coordination', help='distinguish surface '
                   'and bulk by coordination numbers or by the alpha shape (default: coordination)')  # fmt: skip
    p.add_argument('--frame-time', type=float, metavar='PS', help='time between frames, ps; without it and '
                   'without times in the trajectory, the axis is the frame')  # fmt: skip
    p.add_argument('--timestep', type=float, metavar='FS', help='time step of the simulation, fs, for trajectories '
                   'with numbers of steps instead of times, such as those of LAMMPS')  # fmt: skip
    p.add_argument('--pictures', type=int, default=8, help='number of frames to show, chosen where something happens '
                   '(default: 8)')  # fmt: skip
    p.add_argument('--processes', type=int, default=os.cpu_count(), help='number of processes (default: all CPUs)')
    add_overwrite(p, 'permit a folder that contains other files, or the report of another trajectory or with other '
                  'settings, which is replaced')  # fmt: skip
    return p


def run(args):
    """Run the command with its parsed arguments."""
    from mlffvv_analysis.frame import Settings
    from mlffvv_analysis.report import report

    refuse_together(args, 'frame_time', ['timestep'], 'either gives the times of the frames')
    settings = Settings(cutoff=args.cutoff, cn8=args.cn8, surface=args.surface)
    page = report(
        args.trajectory,
        args.output,
        settings=settings,
        frame_time_ps=args.frame_time,
        timestep_fs=args.timestep,
        kind=file_type(args),
        pictures=args.pictures,
        processes=args.processes,
        overwrite=args.overwrite,
    )
    print(
        f'page   {page}\ntable  {page.with_name("timeline.csv")}\nframes {page.with_name("coloured.extxyz")}   '
        f'({gui_command(page.with_name("coloured.extxyz"))})'
    )
