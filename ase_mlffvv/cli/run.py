"""mlffvv run: molecular dynamics of a needle, or of any structure."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

from ..jobs.options import CALCULATOR, CHANGEABLE, HELD, PRESETS, SHAPES
from ..jobs.options import DEFAULTS as RUN
from ..jobs.settings import steps_of
from .look import gui_command
from .options import add_file_type, add_overwrite, file_type

log = logging.getLogger('mlffvv')

DEFAULTS = {**RUN, 'output': 'needle', 'overwrite': False}


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'run',
        help='molecular dynamics of a needle, or of any structure',
        description='Build a needle (or read a structure), run molecular dynamics at constant temperature, and write a '
        'trajectory (open it with: ase gui), log.csv, summary.png and a checkpoint to a folder.',
    )
    p.add_argument('--dynamics', metavar='{auto,ase,native}', help='ase, or native: ase_mlffvv.md.Dynamics, faster '
                   'for many atoms (auto: native for 2 000 atoms and more, or if the thermostat asks)')  # fmt: skip
    return declare(p)


def declare(p):
    """Declare the options of a run."""
    what = p.add_argument_group('structure (lengths in lattice constants)')
    what.add_argument('--preset', choices=tuple(PRESETS), help='system of the paper with its temperature and time: '
                      'column at 250 or 350 K, cuboid A or B, larger column with adatoms; other options change '
                      'it')  # fmt: skip
    what.add_argument('--shape', choices=SHAPES, help='needle to build')
    what.add_argument('--diameter', type=float, help='diameter or side of the needle')
    what.add_argument('--height', type=float, help='height of the needle')
    what.add_argument('--box', type=int, help='number of cubic cells of the substrate along x and y')
    what.add_argument('--substrate-layers', type=int, help='number of atomic layers of the substrate')
    what.add_argument('--freeze', type=int, help='number of bottom layers to hold fixed; 0 lets the whole film move '
                      f'(default: {HELD}, or 0 with --structure)')  # fmt: skip
    what.add_argument('--adatoms', type=float, help='number of adatoms per surface atom of the column')
    what.add_argument('--structure', metavar='FILE', help='read this structure instead of building one')
    add_file_type(what)
    how = p.add_argument_group('dynamics')
    how.add_argument('--temperature', type=float, help='K')
    how.add_argument('--time', type=float, help='total simulation time, ps')
    how.add_argument('--timestep', type=float, help='fs')
    how.add_argument('--taut', type=float, help='time constant of the thermostat, fs')
    how.add_argument('--thermostat', metavar='{berendsen,csvr,langevin,none}', help="berendsen (the paper's), csvr or "
                     'langevin (both sample the canonical ensemble), or none (constant energy)')  # fmt: skip
    how.add_argument('--frame-interval', type=int, help='steps between frames')
    how.add_argument('--log-interval', type=int, help='steps between lines of the log (default: --frame-interval)')
    how.add_argument('--checkpoint-interval', type=int, help='steps between checkpoints')
    how.add_argument('--trajectory', metavar='{auto,extxyz,packed}', help='extxyz, or packed: trajectory.vvtraj, a '
                     'seventh of the size (auto: packed if extxyz would take more than 200 MB)')  # fmt: skip
    how.add_argument('--seed', type=int, help='random seed of adatoms, initial velocities and thermostat')
    model = p.add_argument_group('model')
    model.add_argument('--model', help='.vv file or PWMLFF folder (default: the shipped lithium potential)')
    model.add_argument('--device', metavar='{cpu,cuda}', help='where the model is evaluated')
    model.add_argument('--engine', choices=('auto', 'numba', 'torch', 'cuda'), help='implementation that '
                       'evaluates the model')  # fmt: skip
    model.add_argument('--threads', type=int, help='number of CPU threads (default: all processors)')
    model.add_argument('--precision', choices=('float64', 'float32'), help='floating-point precision')
    model.add_argument('--on-extrapolation', choices=('warn', 'stop', 'ignore'), help='what to do if atoms leave '
                       'the range of the training data (checked every 10 steps)')  # fmt: skip
    p.add_argument('-o', '--output', help='folder for the output of the run, new or empty')
    p.add_argument('--restart', metavar='FOLDER', help='continue an interrupted run with its original options; '
                   '--time, --model, --device and --threads can be changed')  # fmt: skip
    add_overwrite(p, 'begin anew in a folder that holds a run, which is removed, or other files')
    for action in p._actions:  # suppress defaults, so that a restart knows which options were given
        if action.dest in DEFAULTS:
            default, action.default = DEFAULTS[action.dest], argparse.SUPPRESS
            if default is not None and action.dest != 'overwrite':
                action.help = f'{action.help} (default: {default})'.strip()
    return p


def run(args):
    """Run the command with its parsed arguments."""
    report(perform(args))


def perform(args, drive=None, **chosen):
    """Start the run of the parsed arguments and of options chosen, or continue one; the folder."""
    given = {name: value for name, value in vars(args).items() if name in DEFAULTS}
    if not args.restart:
        given.update(chosen)
    if (args.format or args.types) and (args.restart or 'structure' not in given):
        raise ValueError('--format and --types describe the file of --structure')
    return _restart(Path(args.restart), given, drive) if args.restart else _start(given, file_type(args), drive)


def report(folder):
    """Print the summary of a run."""
    from ..jobs import summary
    from ..jobs.record import trajectory_path

    print(summary(folder))
    print(f'\n{_held(folder)}')
    frames = trajectory_path(folder)
    print(f'trajectory  {frames}   (look at it with: {gui_command(frames)})')
    print(f'picture     {folder / "summary.png"}')


def _held(folder):
    """Line that says which part of the structure is held."""
    from ..jobs import read_settings

    structure = read_settings(folder)['structure']
    if not structure['n_frozen']:
        return 'held        nothing: the whole structure moves'
    layers, more = structure['source'].get('freeze'), ' (--freeze 0 lets the whole film move)'
    what = f'the lowest {layers} layers, ' if layers else ''
    return f'held        {what}{structure["n_frozen"]} of {structure["n_atoms"]} atoms{more if layers else ""}'


def _start(given, kind, drive):
    """Begin a run with the options that were given."""
    from ..calculators import VVCalculator
    from ..jobs import start
    from ..jobs.options import build_structure, complete_options, settings_of

    folder = Path(given.get('output', DEFAULTS['output']))
    chosen = {name: value for name, value in given.items() if name in RUN}
    options = complete_options(chosen)
    atoms, source = build_structure(chosen, kind)
    calc = VVCalculator(options['model'], device=options['device'], threads=options['threads'],
                        **{name: options[name] for name in CALCULATOR})  # fmt: skip
    log.info('%s', calc)
    settings = settings_of(options)
    log.info('%d atoms, %d steps of %g fs at %g K, into %s', len(atoms), settings.steps, settings.timestep,
             settings.temperature, folder)  # fmt: skip
    start(atoms, calc, folder, settings, source=source, overwrite=given.get('overwrite', False), drive=drive)
    return folder


def _restart(folder, given, drive):
    """Continue a run. Options that are given must equal those of the start or be changeable."""
    from ..jobs import read_settings, resume

    stored = read_settings(folder)
    source = stored['structure']['source']
    before = {**source, **stored['dynamics'], **{name: stored['calculator'].get(name) for name in CALCULATOR}}
    refused = []
    for name, value in given.items():
        if name in CHANGEABLE or (name in ('dynamics', 'trajectory') and value == 'auto'):
            continue
        if name == 'output':
            old, same = str(folder), os.path.realpath(value) == os.path.realpath(folder)
        elif name == 'structure':
            old = before.get('file', 'none: the structure was built or given in Python')
            same = _same_file(source, value)
        else:
            old = before.get(name, 'not given')
            same = name != 'overwrite' and value == old
        if not same:
            refused.append(f'--{name.replace("_", "-")} (before: {old}, now: {value})')
    if refused:
        raise ValueError(
            f"the run in '{folder}' continues with the options it was started with; these cannot be changed: "
            f'{", ".join(refused)}. Leave them out, or start a new run with -o.'
        )
    changed = {name: given[name] for name in ('model', 'device', 'threads') if name in given}
    steps = steps_of(given['time'], stored['dynamics']['timestep']) if 'time' in given else None
    resume(folder, steps=steps, drive=drive, **changed)
    return folder


def _same_file(source, path):
    """Whether ``path`` is the file used at the start and, if it still exists, has the same content."""
    from ..jobs.describe import describe_file

    now = describe_file(path)
    return source.get('file') == now['file'] and now['sha256'] in (None, source['sha256'])
