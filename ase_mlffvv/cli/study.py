"""mlffvv study: simulate and analyse several conditions with several seeds."""

from __future__ import annotations

import os
import sys


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'study',
        help='run several conditions with several seeds, and analyse them',
        description='Simulates and analyses the runs that a YAML file lists: conditions with options of mlffvv run, '
        'each with several seeds. Repeat the command after an interruption, or with more seeds or conditions in the '
        'file: only what is missing is computed. Writes study.csv, differences.csv, bands.png and, for conditions that '
        'play a part in the claims of the paper, verdicts.csv.',
    )
    p.add_argument('plan', help='YAML file with the conditions (see ase_mlffvv.studies.read_plan)')
    p.add_argument('-o', '--output', default='study', help='folder of the study, new or to be continued (default: '
                   'study)')  # fmt: skip
    p.add_argument('--only', nargs='+', default=[], metavar='CONDITION', help='run these conditions only')
    p.add_argument('--processes', type=int, help='number of runs at a time (default: one per processor)')
    p.add_argument('--list', action='store_true', help='list the runs and the command of each condition, and run none')
    p.add_argument('--results', action='store_true', help='write the results of the runs that are finished so far, and '
                   'run none; possible while another call is running')  # fmt: skip
    return p


def run(args):
    """Run the command with its parsed arguments."""
    from ..studies import read_plan, study
    from ..studies.results import verdict_text, write_results

    sys.path.append(os.getcwd())  # so that module:function can be a file of the user
    plan = read_plan(args.plan)
    if args.list:
        for condition in plan.conditions.values():
            print(f'{condition.name}: {len(condition.seeds)} seed(s) of {condition.time:g} ps. {condition.why}'.strip())
            print(f'  {condition.command(condition.seeds[0])}')
        return
    if not args.results:
        print(study(plan, args.output, only=args.only, processes=args.processes))
    verdicts = write_results(plan, args.output)
    if verdicts:
        print(f'\n{verdict_text(verdicts)}')
