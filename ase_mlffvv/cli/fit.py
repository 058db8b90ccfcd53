"""mlffvv fit: fit a force field to labelled structures."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from .options import add_overwrite, key_values, refuse_together

log = logging.getLogger('mlffvv')


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'fit',
        help='fit a force field to labelled structures',
        description='Labels are REF_energy, REF_forces, REF_energies and REF_stress, or the plain names that ASE '
        'reads. Repeat the same command to continue an interrupted fit.',
    )
    p.add_argument('train', nargs='+', help='files with labelled structures (extxyz, traj, ...)')
    p.add_argument('-o', '--output', required=True, help='model file to write (.vv)')
    p.add_argument('--recipe', choices=('accurate', 'fast', 'paper'), help='tested settings: many-body features, '
                   "many (accurate) or few (fast), or the paper's features (default: those of VVSpec)")  # fmt: skip
    p.add_argument('--spec', help='JSON file with settings of VVSpec (overrides --recipe)')
    p.add_argument('--set', nargs='+', default=[], metavar='KEY=VALUE', help='settings of VVSpec, e.g. cutoff=5.5 '
                   'terms=1000 "three_body=[6,6]" (overrides --spec)')  # fmt: skip
    p.add_argument('--weights', nargs='+', default=[], metavar='KEY=VALUE', help='weights of energy (per eV/atom), '
                   'forces (per eV/Å), energies (per eV) and stress (per eV/Å^3); default: 100, 1, 1, 100')  # fmt: skip
    p.add_argument('--group-weights', nargs='+', default=[], metavar='GROUP=FACTOR', help='factors of the weights of '
                   'groups of structures (config_type or group of a structure)')  # fmt: skip
    p.add_argument('--test', nargs='+', default=[], help='files with structures for validation')
    p.add_argument('--validation', type=float, default=0.0, help='instead of --test: fraction of the training '
                   'structures to hold out for validation')  # fmt: skip
    p.add_argument('--ridge', type=float, help='relative ridge parameter (default: 1e-7, with --start 1e-4)')
    p.add_argument('--stride', type=int, default=1, help='select terms with every n-th structure only (default: 1)')
    p.add_argument('--start', metavar='MODEL', help='adapt the coefficients of this model (.vv file or name of a '
                   'shipped one), which needs only few structures, instead of fitting a new model')  # fmt: skip
    p.add_argument('--seed', type=int, default=0, help='seed of random choices (default: 0)')
    p.add_argument('--parity', metavar='PNG', help='save parity plots')
    add_overwrite(p, 'replace the model file and the plots where they exist')
    return p


def run(args):
    """Run the command with its parsed arguments."""
    from ..fitting import fit, refit
    from ..io.datasets import read_frames
    from ..io.files import is_special, refuse_existing
    from ..model import find_potential
    from ..model.spec import RECIPES, VVSpec

    if args.start and (args.recipe or args.spec or args.set or args.stride != 1):
        raise ValueError('--start keeps the features of its model; --recipe, --spec, --set and --stride apply only to '
                         'new models')  # fmt: skip
    refuse_together(args, 'test', ['validation'], 'the structures for validation are those of --test')
    inputs = [*args.train, *args.test, args.start or '', args.spec or '']
    for path in filter(None, (args.output, args.parity)):
        refuse_existing(path, args.overwrite, inputs)
    frames = [atoms for path in args.train for atoms in read_frames(path)]
    output = Path(args.output)
    log.info('%d structures, %d atoms', len(frames), sum(map(len, frames)))
    common = {
        'weights': key_values(args.weights),
        'group_weights': key_values(args.group_weights),
        'validation': [atoms for path in args.test for atoms in read_frames(path)] or args.validation,
        'seed': args.seed,
    }
    if args.ridge is not None:
        common['ridge'] = args.ridge
    if args.start:
        potential, report = refit(find_potential(args.start), frames, **common)
    else:
        settings = dict(RECIPES.get(args.recipe, {}))
        settings.update(_spec(args.spec) if args.spec else {})
        settings.setdefault('elements', sorted({symbol for atoms in frames for symbol in atoms.symbols}))
        settings.update(key_values(args.set))
        checkpoint = None if is_special(output) else output.with_name(f'{output.name}.part')
        potential, report = fit(frames, VVSpec.from_dict(settings), stride=args.stride, checkpoint=checkpoint, **common)
    potential.save(output)
    print(report)
    if args.parity:
        (report.validation or report.train).parity(args.parity)
        print(f'parity plots  {args.parity}')
    print(f'model         {output}')


def _spec(path):
    """Settings in a JSON file."""
    try:
        found = json.loads(Path(path).read_text(encoding='utf-8'))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"'{path}' is not a JSON file: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"'{path}' must contain the settings of VVSpec as an object {{...}}, got {found!r:.60}")
    return found
