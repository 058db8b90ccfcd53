"""mlffvv run: molecular dynamics of a needle, or of any structure."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from .options import add_model

log = logging.getLogger('mlffvv')


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'run',
        help='molecular dynamics of a needle, or of any structure',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description='Build a needle (or read a structure), run Berendsen NVT dynamics, and leave a folder with '
        'a trajectory (open it with: ase gui), log.csv, summary.png and a checkpoint.',
    )
    what = p.add_argument_group('structure (lengths in lattice constants)')
    what.add_argument('--shape', choices=('column', 'training', 'cuboid-100', 'cuboid-110'), default='column')
    what.add_argument('--diameter', type=float, default=6.0, help='diameter or side of the needle')
    what.add_argument('--height', type=float, default=10.0)
    what.add_argument('--box', type=int, default=10, help='cubic cells of the substrate along x and y')
    what.add_argument('--substrate-layers', type=int, default=5)
    what.add_argument('--freeze', type=int, default=0, help='bottom layers to keep fixed')
    what.add_argument('--adatoms', type=float, default=0.0, help='adatoms per surface atom of the column')
    what.add_argument('--structure', metavar='FILE', help='read this structure instead of building one')
    how = p.add_argument_group('dynamics')
    how.add_argument('--temperature', type=float, default=250.0, help='K')
    how.add_argument('--time', type=float, default=argparse.SUPPRESS, help='total length in ps (default: 8)')
    how.add_argument('--timestep', type=float, default=2.0, help='fs')
    how.add_argument('--taut', type=float, default=500.0, help='time constant of the thermostat, fs')
    how.add_argument('--thermostat', default='berendsen', help="berendsen (the paper's), csvr or langevin (both "
                     'sample the canonical ensemble), or none (constant energy)')  # fmt: skip
    how.add_argument('--frame-interval', type=int, default=50, help='steps between frames')
    how.add_argument('--log-interval', type=int, help='steps between lines of the log (default: as --frame-interval)')
    how.add_argument('--checkpoint-interval', type=int, default=200, help='steps between checkpoints')
    how.add_argument('--dynamics', default='auto', help='ase, or native: ase_mlffvv.md.Dynamics, faster for many '
                     'atoms (auto: from 2 000 atoms on, or where the thermostat needs it)')  # fmt: skip
    how.add_argument('--trajectory', default='auto', help='extxyz, or packed: trajectory.vvtraj, a tenth of the '
                     'size (auto: from 50 000 atoms on)')  # fmt: skip
    how.add_argument('--seed', type=int, default=0)
    model = p.add_argument_group('model')
    add_model(model)
    model.add_argument('--precision', choices=('float64', 'float32'), default='float64', help='of the arithmetic')
    model.add_argument('--on-extrapolation', choices=('warn', 'stop', 'ignore'), default='warn', help='what to do '
                       'where atoms leave the range of the training data (checked every 10 steps)')  # fmt: skip
    p.add_argument('-o', '--output', default='needle', help='new folder for everything the run writes')
    p.add_argument('--restart', metavar='FOLDER', help='go on with an interrupted run; only --time, the model and '
                   'the threads can be changed')  # fmt: skip
    return p


def run(args):
    """Do what the arguments say."""
    from ..calculators import VVCalculator
    from ..jobs import RunSettings, read_settings, resume, start, summary
    from ..jobs.record import trajectory_path

    if args.restart:
        folder = Path(args.restart)
        settings = read_settings(folder)
        model = args.model or settings['note'].get('model')
    else:
        folder, model = Path(args.output), args.model
    calc = VVCalculator(model, device=args.device, engine=args.engine, threads=args.threads,
                        precision=args.precision, on_extrapolation=args.on_extrapolation)  # fmt: skip
    log.info('%s', calc)
    if args.restart:
        before = settings['note'].get('digest', calc.potential.digest())
        if not args.model and before != calc.potential.digest():
            raise ValueError(
                f"the run in '{folder}' was started with another potential (sha256 {before[:12]}...) than "
                f'{calc.parameters["model"]} is now; name the potential to go on with by --model'
            )
        steps = round(args.time * 1000 / settings['timestep']) if 'time' in args else None
        resume(folder, calc, steps=steps)
    else:
        steps = round(getattr(args, 'time', 8.0) * 1000 / args.timestep)
        names = ('timestep', 'temperature', 'taut', 'frame_interval', 'checkpoint_interval', 'seed', 'log_interval',
                 'thermostat', 'dynamics', 'trajectory')  # fmt: skip
        chosen = RunSettings(steps=steps, **{name: getattr(args, name) for name in names})
        atoms = _structure(args)
        log.info(
            '%d atoms, %d steps of %g fs at %g K, into %s', len(atoms), steps, args.timestep, args.temperature, folder
        )
        start(atoms, calc, folder, chosen, note={'model': calc.parameters['model'], 'digest': calc.potential.digest()})
    print(summary(folder))
    frames = trajectory_path(folder)
    print(f'\ntrajectory  {frames}   (look at it with: ase gui {frames})')
    print(f'picture     {folder / "summary.png"}')


def _structure(args):
    from .. import structures

    if args.structure:
        from ase.io import read

        atoms = read(args.structure)
    elif args.shape == 'training':
        atoms = structures.training_cell()
    else:
        sizes = {'height': args.height, 'box': args.box, 'substrate_layers': args.substrate_layers}
        if args.shape == 'column':
            atoms = structures.column(diameter=args.diameter, **sizes)
        else:
            atoms = structures.cuboid(args.shape.removeprefix('cuboid-'), side=args.diameter, **sizes)
    if args.adatoms:
        atoms = structures.add_adatoms(atoms, args.adatoms, seed=args.seed)
    return structures.freeze_bottom(atoms, args.freeze) if args.freeze else atoms
