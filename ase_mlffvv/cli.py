"""Command line: mlffvv run | analyse | fit | evaluate | validate | label | info."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from pathlib import Path

from . import __version__

log = logging.getLogger('mlffvv')


def main(argv=None):
    """Entry point; returns the exit status. Errors a user can mend are one line on stderr, without a traceback."""
    args = parser().parse_args(argv)
    level = logging.DEBUG if args.verbose else logging.INFO
    logging.basicConfig(level=logging.WARNING, format='%(message)s', stream=sys.stderr)
    logging.getLogger('mlffvv').setLevel(level)
    logging.getLogger('ase_mlffvv').setLevel(level)
    try:
        args.function(args)
    except KeyboardInterrupt as stop:
        print(f'\n{stop or "stopped"}', file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, RuntimeError, TypeError, ImportError) as error:
        if args.verbose:
            raise
        print(f'mlffvv {args.command}: {error}', file=sys.stderr)
        return 1
    return 0


def parser():
    """Parser of all commands."""
    out = argparse.ArgumentParser(prog='mlffvv', description='VV machine-learned force fields for lithium dendrites')
    out.add_argument('--version', action='version', version=f'ase-mlffvv {__version__}')
    commands = out.add_subparsers(dest='command', required=True, metavar='command')
    for name, add in (('run', _add_run), ('analyse', _add_analyse), ('fit', _add_fit), ('evaluate', _add_evaluate),
                      ('validate', _add_validate), ('label', _add_label), ('info', _add_info)):  # fmt: skip
        command = add(commands)
        command.set_defaults(function=globals()[f'_{name}'])
        command.add_argument('-v', '--verbose', action='store_true', help='more log, and tracebacks of errors')
    return out


def _add_run(commands):
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
    how.add_argument('--interval', type=int, default=50, help='steps between frames')
    how.add_argument('--log-interval', type=int, help='steps between lines of the log (default: as --interval)')
    how.add_argument('--checkpoint-interval', type=int, default=200, help='steps between checkpoints')
    how.add_argument('--dynamics', default='auto', help='ase, or device: ase_mlffvv.md.Dynamics, faster for many '
                     'atoms (auto: from 2 000 atoms on, or where the thermostat needs it)')  # fmt: skip
    how.add_argument('--trajectory', default='auto', help='extxyz, or packed: trajectory.vvtraj, a tenth of the '
                     'size (auto: from 50 000 atoms on)')  # fmt: skip
    how.add_argument('--seed', type=int, default=0)
    model = p.add_argument_group('model')
    _add_model(model)
    model.add_argument('--precision', choices=('float64', 'float32'), default='float64', help='of the arithmetic')
    model.add_argument('--on-extrapolation', choices=('warn', 'stop', 'ignore'), default='warn', help='what to do '
                       'where atoms leave the range of the training data (checked every 10 steps)')  # fmt: skip
    p.add_argument('-o', '--output', default='needle', help='new folder for everything the run writes')
    p.add_argument('--restart', metavar='FOLDER', help='go on with an interrupted run; only --time, the model and '
                   'the threads can be changed')  # fmt: skip
    return p


def _add_analyse(commands):
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
                   'neighbours are (default: bulk)')  # fmt: skip
    p.add_argument('--surface', choices=('coordination', 'mesh'), default='coordination', help='split into surface and '
                   'bulk by coordination numbers, or by the alpha shape (default: coordination)')  # fmt: skip
    p.add_argument('--interval', type=float, metavar='PS', help='time between frames where they do not tell it')
    p.add_argument('--pictures', type=int, default=4, help='frames to show (default 4)')
    p.add_argument('--processes', type=int, default=os.cpu_count(), help='default: all CPUs')
    return p


def _analyse(args):
    from mlffvv_analysis.frame import Settings
    from mlffvv_analysis.report import report

    settings = Settings(cutoff=args.cutoff, cn8=args.cn8, surface=args.surface)
    page = report(args.trajectory, args.output, settings=settings, interval_ps=args.interval, pictures=args.pictures,
                  processes=args.processes)  # fmt: skip
    print(f'page   {page}\ntable  {page.with_name("timeline.csv")}\nframes {page.with_name("coloured.extxyz")}')


def _add_model(p):
    p.add_argument('--model', help='.vv file or PWMLFF folder (default: the shipped lithium potential)')
    _add_machine(p)


def _add_machine(p):
    p.add_argument('--device', default='cpu', help="'cpu' or 'cuda'")
    p.add_argument('--engine', choices=('auto', 'numba', 'torch', 'cuda'), default='auto')
    p.add_argument('--threads', type=int, help='CPU threads (default: all)')


def _run(args):
    from .calculators import VVCalculator
    from .md import RunSettings, read_settings, resume, start, summary
    from .md.record import trajectory_path

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
        names = ('timestep', 'temperature', 'taut', 'interval', 'checkpoint_interval', 'seed', 'log_interval',
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
    from . import build

    if args.structure:
        from ase.io import read

        atoms = read(args.structure)
    elif args.shape == 'training':
        atoms = build.training_cell()
    else:
        sizes = {'height': args.height, 'box': args.box, 'substrate_layers': args.substrate_layers}
        if args.shape == 'column':
            atoms = build.column(diameter=args.diameter, **sizes)
        else:
            atoms = build.cuboid(args.shape.removeprefix('cuboid-'), side=args.diameter, **sizes)
    if args.adatoms:
        atoms = build.add_adatoms(atoms, args.adatoms, seed=args.seed)
    return build.freeze_bottom(atoms, args.freeze) if args.freeze else atoms


def _add_fit(commands):
    p = commands.add_parser(
        'fit',
        help='fit a force field to labelled structures',
        description='Labels are REF_energy, REF_forces, REF_energies and REF_stress, or the plain names as ASE reads '
        'them. An interrupted fit goes on when the same command is given again.',
    )
    p.add_argument('train', nargs='+', help='files with labelled structures (extxyz, traj, ...)')
    p.add_argument('-o', '--output', required=True, help='model file to write (.vv)')
    p.add_argument('--recipe', choices=('accurate', 'fast', 'paper'), help='settings that measured best: many-body '
                   "features, many or few, or the paper's features (default: those of VVSpec)")  # fmt: skip
    p.add_argument('--spec', help='JSON file with settings of VVSpec (over --recipe)')
    p.add_argument('--set', nargs='+', default=[], metavar='KEY=VALUE', help='settings of VVSpec, e.g. cutoff=5.5 '
                   'terms=1000 "three_body=[6,6]" (over --spec)')  # fmt: skip
    p.add_argument('--weights', nargs='+', default=[], metavar='KEY=VALUE', help='energy (per eV/atom), forces (per '
                   'eV/Å), energies (per eV), stress (per eV/Å^3); default 100, 1, 1, 100')  # fmt: skip
    p.add_argument('--group-weights', nargs='+', default=[], metavar='GROUP=FACTOR')
    p.add_argument('--test', nargs='+', default=[], help='files to validate on')
    p.add_argument('--validation', type=float, default=0.0, help='or: share of the training files to keep out')
    p.add_argument('--ridge', type=float, help='relative ridge (default 1e-7, with --start 1e-4)')
    p.add_argument('--stride', type=int, default=1, help='select terms on every n-th structure')
    p.add_argument('--start', metavar='MODEL', help='adapt the coefficients of this model (.vv file or the name of a '
                   'shipped one), which needs few structures, instead of making a new one')  # fmt: skip
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('--parity', metavar='PNG', help='save parity plots')
    return p


def _fit(args):
    from .fitting import fit, refit
    from .io.datasets import read_frames
    from .model import find_potential
    from .model.spec import RECIPES, VVSpec

    if args.start and (args.recipe or args.spec or args.set or args.stride != 1):
        raise ValueError('--start keeps the functions of its model; --recipe, --spec, --set and --stride are for new')
    frames = [atoms for path in args.train for atoms in read_frames(path)]
    output = Path(args.output)
    log.info('%d structures, %d atoms', len(frames), sum(map(len, frames)))
    common = {
        'weights': _pairs(args.weights),
        'group_weights': _pairs(args.group_weights),
        'validation': [atoms for path in args.test for atoms in read_frames(path)] or args.validation,
        'seed': args.seed,
    }
    if args.ridge is not None:
        common['ridge'] = args.ridge
    if args.start:
        potential, report = refit(find_potential(args.start), frames, **common)
    else:
        settings = dict(RECIPES.get(args.recipe, {}))
        settings.update(json.loads(Path(args.spec).read_text()) if args.spec else {})
        settings.setdefault('elements', sorted({symbol for atoms in frames for symbol in atoms.symbols}))
        settings.update(_pairs(args.set))
        checkpoint = output.with_name(f'{output.name}.part')
        potential, report = fit(frames, VVSpec.from_dict(settings), stride=args.stride, checkpoint=checkpoint, **common)
    potential.save(output)
    print(report)
    if args.parity:
        (report.validation or report.train).parity(args.parity)
        print(f'parity plots  {args.parity}')
    print(f'model         {output}')


def _pairs(words):
    """``['a=1', 'b=[2, 3]', 'c=x']`` as a dict; values are JSON where they can be, text otherwise."""
    out = {}
    for word in words:
        key, sign, value = word.partition('=')
        if not sign:
            raise ValueError(f"expected KEY=VALUE, got '{word}'")
        try:
            out[key] = json.loads(value)
        except json.JSONDecodeError:
            out[key] = value
    return out


def _add_evaluate(commands):
    p = commands.add_parser('evaluate', help='compare a model with labelled structures')
    p.add_argument('data', nargs='+', help='files with labelled structures')
    p.add_argument('--model', help='.vv file or PWMLFF folder (default: the shipped lithium potential)')
    p.add_argument('--json', metavar='FILE', help='save the table')
    p.add_argument('--parity', metavar='PNG', help='save parity plots')
    p.add_argument('--reliability', metavar='PNG', help='compare predicted with actual errors of forces')
    return p


def _evaluate(args):
    from tqdm import tqdm

    from .fitting import accuracy, reliability
    from .io.datasets import read_frames
    from .model import find_potential

    potential = find_potential(args.model)
    frames = [atoms for path in args.data for atoms in read_frames(path)]
    with tqdm(total=len(frames), unit='frame', desc='evaluate') as bar:
        result = accuracy(potential, frames, bar.update)
    print(result)
    if args.json:
        Path(args.json).write_text(json.dumps(result.to_dict(), indent=1))
    if args.parity:
        result.parity(args.parity)
    if args.reliability:
        found = reliability(potential, frames)
        found.plot(args.reliability)
        print(found)


def _add_validate(commands):
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
    _add_machine(p)
    p.add_argument('-o', '--output', default='validation', help='folder of the table, new or to go on with')
    return p


def _validate(args):
    from .validation import validate

    if args.calculator:
        if args.model:
            raise ValueError(f"give a model ('{args.model}') or --calculator, not both")
        sys.path.append(os.getcwd())  # where a module:function of the user's own lies
        calculator, settings = args.calculator, _pairs(args.settings)
    else:
        from .calculators import VVCalculator

        if args.settings:
            raise ValueError('--settings are those of --calculator')
        calculator = VVCalculator(args.model, device=args.device, engine=args.engine, threads=args.threads)
        settings = None
    result = validate(calculator, args.output, settings=settings, only=args.only, quick=args.quick,
                      melting=args.melting, seed=args.seed)  # fmt: skip
    print(result)
    for kind, name in (('table', 'validation.txt'), ('numbers', 'validation.json'), ('plots', 'validation.png')):
        print(f'{kind:9} {Path(args.output) / name}')


def _add_label(commands):
    p = commands.add_parser(
        'label',
        help='compute reference energies and forces of structures',
        description='Leaves labelled.extxyz, ready for mlffvv fit, labels.csv, and one directory per structure. After '
        'Ctrl-C or a crash, give the same command again: what is finished is kept, also with more structures.',
    )
    p.add_argument('frames', nargs='+', help='files with structures (extxyz, traj, ...)')
    p.add_argument('-o', '--output', required=True, help='folder of the labels, new or to go on with')
    p.add_argument('--calculator', required=True, metavar='NAME', help="'gpaw', 'vv', 'emt', or 'module:function' with "
                   'function(atoms, safe, directory, **settings) giving an ASE calculator')  # fmt: skip
    p.add_argument('--settings', nargs='+', default=[], metavar='KEY=VALUE', help='settings of the calculator')
    p.add_argument('--processes', type=int, default=1, help='calculations at a time (default 1)')
    p.add_argument('--retry-failed', action='store_true', help='try again what failed before')
    return p


def _label(args):
    from ase.io import read

    from .active import label

    sys.path.append(os.getcwd())  # where a module:function of the user's own lies
    frames = [atoms for path in args.frames for atoms in read(path, ':')]
    log.info('%d structures, %d atoms, into %s', len(frames), sum(map(len, frames)), args.output)
    summary = label(frames, args.calculator, args.output, settings=_pairs(args.settings), processes=args.processes,
                    retry_failed=args.retry_failed)  # fmt: skip
    print(summary)
    if not summary.labelled:
        raise RuntimeError('no structure could be labelled')


def _add_info(commands):
    p = commands.add_parser('info', help='what a model is and what it was fitted to')
    p.add_argument('model', nargs='?', help='.vv file or PWMLFF folder (default: the shipped lithium potential)')
    return p


def _info(args):
    from .model import find_potential

    potential = find_potential(args.model)
    print(potential)
    print(f'sha256 {potential.digest()}')
    print(json.dumps(potential.card, indent=1, ensure_ascii=False))


if __name__ == '__main__':
    sys.exit(main())
