"""mlffvv label: compute reference energies and forces of structures."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from .options import add_file_type, add_overwrite, file_type, key_values

log = logging.getLogger('mlffvv')


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'label',
        help='compute reference energies and forces of structures',
        description='Writes labelled.extxyz, ready for mlffvv fit, labels.csv, and one directory per structure. After '
        'Ctrl-C or a crash, repeat the command: finished labels are kept. More structures can be added in this way.',
    )
    p.add_argument('frames', nargs='+', help='files with structures (extxyz, traj, ...)')
    add_file_type(p)
    p.add_argument('-o', '--output', required=True, help='folder of the labels, new or to be continued')
    p.add_argument('--calculator', required=True, metavar='NAME', help="'gpaw', 'vv', 'emt', or 'module:function' with "
                   'function(atoms, safe, directory, **settings) returning an ASE calculator')  # fmt: skip
    p.add_argument('--settings', nargs='+', default=[], metavar='KEY=VALUE', help='settings of the calculator')
    p.add_argument('--processes', type=int, default=1, help='number of calculations at a time (default: 1)')
    p.add_argument('--retry-failed', action='store_true', help='repeat calculations that failed before')
    add_overwrite(p, 'begin anew in a folder that holds labels with other settings, which are removed, or other files')
    return p


def run(args):
    """Run the command with its parsed arguments."""
    from ..io.files import refuse_existing
    from ..io.reading import read_structures
    from ..labelling import label
    from ..labelling.store import FAILED, LABELLED

    for name in (LABELLED, FAILED):
        refuse_existing(Path(args.output) / name, overwrite=True, inputs=args.frames)
    sys.path.append(os.getcwd())  # so that module:function can be a file of the user
    frames = [atoms for path in args.frames for atoms in read_structures(path, ':', file_type(args))]
    log.info('%d structures, %d atoms, into %s', len(frames), sum(map(len, frames)), args.output)
    summary = label(frames, args.calculator, args.output, settings=key_values(args.settings), processes=args.processes,
                    retry_failed=args.retry_failed, overwrite=args.overwrite)  # fmt: skip
    print(summary)
    if not summary.labelled:
        raise RuntimeError('no structure could be labelled')
