"""mlffvv lammps: a run on many processes, in LAMMPS."""

from __future__ import annotations

import logging
import sys

from ..jobs.options import DEFAULTS as RUN
from .options import file_type
from .run import declare, perform, report


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'lammps',
        help='a run like that of mlffvv run, in LAMMPS on the processes of mpiexec',
        description='Run molecular dynamics as mlffvv run does, with the same options and files, in LAMMPS on all '
        'processes of MPI: mpiexec -n 4 mlffvv lammps --structure needle.extxyz -o needle. With --threads, each '
        'process uses this number of threads; by default they share the processors.',
    )
    p.add_argument('--write-input', metavar='FOLDER', help='do not run, but write a commented input file for LAMMPS '
                   'and a driver in Python to this folder, for changes of your own')  # fmt: skip
    return declare(p)


def run(args):
    """Run the command with its parsed arguments."""
    if args.write_input:
        if args.restart:
            raise ValueError('--write-input begins a new run; it cannot be given with --restart')
        _write(args)
        return
    from ..export.lammps.drive import Team
    from ..export.lammps.library import require_lammps, world

    require_lammps()
    with Team(world()) as team:
        if team.leads:
            report(perform(args, team, dynamics='lammps'))
        else:
            logging.getLogger('ase_mlffvv').setLevel(logging.ERROR)  # process 0 tells everything


def _write(args):
    """Write the input files."""
    from ..export.lammps import write_input
    from ..jobs.drivers import with_velocities
    from ..jobs.options import build_structure, complete_options, settings_of

    folder = args.write_input
    chosen = {name: value for name, value in vars(args).items() if name in RUN}
    options = complete_options(chosen)
    settings = settings_of(options)
    atoms = with_velocities(build_structure(chosen, file_type(args))[0], settings)
    driver = write_input(folder, atoms, settings, options['model'], precision=options['precision'],
                         overwrite=getattr(args, 'overwrite', False))  # fmt: skip
    print(f'run it with: cd {folder} && mpiexec -n 4 {sys.executable} -m mpi4py {driver.name}')
