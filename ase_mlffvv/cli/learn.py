"""mlffvv learn: explore, cut out, label and fit again, until nothing is new."""

from __future__ import annotations

import os
import sys


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'learn',
        help='improve a potential with cut-outs of its own runs',
        description='Runs the loop that FOLDER/recipe.json describes (see ase_mlffvv.learning.Recipe) and leaves '
        'report.html. After Ctrl-C or a crash, give the same command again: finished stages are kept.',
    )
    p.add_argument('folder', help='folder with recipe.json and the structures that it names')
    return p


def run(args):
    """Do what the arguments say."""
    from ..learning import learn

    sys.path.append(os.getcwd())  # where a module:function of the user's own lies
    for found in learn(args.folder):
        errors = found.get('errors')
        text = f'forces on new cores wrong by {1000 * errors["force_mae"]:.1f} meV/Å' if errors else found['converged']
        print(f'round {found["round"]}: {text}')
    print(f'report {args.folder}/report.html')
