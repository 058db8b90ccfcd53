"""Examples at the end of the help of each command, and the layout of the help."""

from __future__ import annotations

import argparse

EXAMPLES = {
    'run': (
        'mlffvv run -o needle                                            # a small needle, 8 ps',
        'mlffvv run --temperature 350 --diameter 10 --height 25 --box 32 --time 200 -o column',
        'mlffvv run --structure start.cif --thermostat csvr --precision float32 -o long',
        'mlffvv run --restart column --time 400                          # longer, or after Ctrl-C',
    ),
    'lammps': (
        'mpiexec -n 4 mlffvv lammps --preset column-350 -o column        # all options of mlffvv run',
        'mpiexec -n 8 mlffvv lammps --restart column',
        'mlffvv lammps --preset column-350 --write-input deck            # an input file for LAMMPS',
    ),
    'analyse': (
        'mlffvv analyse needle -o report                                 # then open report/index.html',
        'mlffvv analyse dump.lammpstrj --frame-time 0.1 --pictures 12 -o lammps',
    ),
    'fit': (
        'mlffvv fit train.extxyz -o my.vv --recipe fast --validation 0.1 --parity parity.png',
        'mlffvv fit few.extxyz -o adapted.vv --start li-pbe-1',
    ),
    'evaluate': ('mlffvv evaluate test.extxyz --model my.vv --reliability reliability.png',),
    'validate': (
        'mlffvv validate --quick -o properties                           # the default potential, a minute',
        'mlffvv validate my.vv --only lattice surfaces -o mine',
    ),
    'cut': ('mlffvv cut needle -o cuts --select change --number 20 --atoms 80',),
    'label': (
        'mlffvv label frames.extxyz -o labels --calculator gpaw --settings solvent=pc_dme',
        'mlffvv label frames.extxyz -o labels --calculator my_dft:make --processes 4',
    ),
    'learn': ('mlffvv learn learning                                           # a folder with recipe.json',),
    'study': ('mlffvv study plan.yaml -o study --list', 'mlffvv study plan.yaml -o study --processes 2'),
    'compare': ('mlffvv compare study/column-250/* study/column-350/* -o comparison',),
    'info': ('mlffvv info li-pbe-2-accurate', 'mlffvv info my.vv'),
    'models': ('mlffvv models',),
    'convert': (
        'mlffvv convert column column.dump                               # for OVITO, VMD, LAMMPS',
        'mlffvv convert run.lammpstrj run.extxyz --types Li',
        'mlffvv convert column start.data --frames -1 --types Li H',
    ),
    'export': ('mlffvv export lammps li-pbe-2-fast -o li.mliap.pkl',),
    'completion': ('mlffvv completion bash',),
}


class Formatter(argparse.HelpFormatter):
    """Help whose lines are wrapped, except for examples."""

    def _fill_text(self, text, width, indent):
        if text.startswith('examples:'):
            return text
        return super()._fill_text(text, width, indent)


def add_examples(name, command):
    """Show the examples of a command below its help."""
    command.formatter_class = Formatter
    if name in EXAMPLES:
        command.epilog = '\n'.join(['examples:', *(f'  {line}' for line in EXAMPLES[name])])
