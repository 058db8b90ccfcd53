"""mlffvv learn: explore, cut out, label and fit again, until no new surroundings are found."""

from __future__ import annotations

import os
import sys


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'learn',
        help='improve a potential with cut-outs from its own simulations',
        description='Runs the loop that FOLDER/recipe.json describes (see ase_mlffvv.learning.Recipe) and writes '
        'report.html. After Ctrl-C or a crash, repeat the command: finished stages are kept.',
    )
    p.add_argument('folder', help='folder with recipe.json and the structures that it names')
    return p


def run(args):
    """Run the command with its parsed arguments."""
    from ..learning import learn

    sys.path.append(os.getcwd())  # so that module:function can be a file of the user
    for found in learn(args.folder):
        errors = found.get('errors')
        text = f'force MAE on new cores {1000 * errors["force_mae"]:.1f} meV/Å' if errors else found['converged']
        print(f'round {found["round"]}: {text}')
    print(f'report {args.folder}/report.html')
