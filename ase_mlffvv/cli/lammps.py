"""mlffvv lammps: a run on many processes, in LAMMPS."""

from __future__ import annotations

import logging
import sys

from .run import DEFAULTS, declare, perform, report


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
    given = {name: value for name, value in vars(args).items() if name in DEFAULTS}
    if not args.restart:
        given['dynamics'] = 'lammps'
    if args.write_input:
        if args.restart:
            raise ValueError('--write-input begins a new run; it cannot be given with --restart')
        _write(args.write_input, given)
        return
    from ..export.lammps.drive import Team
    from ..export.lammps.library import require_lammps, world

    require_lammps()
    with Team(world()) as team:
        if team.leads:
            report(perform(args.restart, given, team))
        else:
            logging.getLogger('ase_mlffvv').setLevel(logging.ERROR)  # process 0 tells everything


def _write(folder, given):
    """Write the input files."""
    from ..export.lammps import write_input
    from ..jobs.drivers import with_velocities
    from ..jobs.options import build_structure, complete_options, settings_of

    chosen = {name: value for name, value in given.items() if name not in ('output', 'overwrite')}
    options = complete_options(chosen)
    settings = settings_of(options)
    atoms = with_velocities(build_structure(chosen)[0], settings)
    driver = write_input(folder, atoms, settings, options['model'], precision=options['precision'],
                         overwrite=given.get('overwrite', False))  # fmt: skip
    print(f'run it with: cd {folder} && mpiexec -n 4 {sys.executable} -m mpi4py {driver.name}')
