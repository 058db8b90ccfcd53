"""mlffvv evaluate: compare a model with labelled structures."""

from __future__ import annotations

import json


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser('evaluate', help='compare a model with labelled structures')
    p.add_argument('data', nargs='+', help='files with labelled structures')
    p.add_argument('--model', help='.vv file or PWMLFF folder (default: the shipped lithium potential)')
    p.add_argument('--json', metavar='FILE', help='save the table of errors as JSON')
    p.add_argument('--parity', metavar='PNG', help='save parity plots')
    p.add_argument('--reliability', metavar='PNG', help='save a plot of predicted and actual errors of forces')
    return p


def run(args):
    """Run the command with its parsed arguments."""
    from tqdm.auto import tqdm

    from ..fitting import accuracy, reliability
    from ..io.datasets import read_frames
    from ..io.files import refuse_existing, save_text
    from ..model import find_potential

    for path in filter(None, (args.json, args.parity, args.reliability)):
        refuse_existing(path, overwrite=True, inputs=[*args.data, args.model or ''])
    potential = find_potential(args.model)
    frames = [atoms for path in args.data for atoms in read_frames(path)]
    with tqdm(total=len(frames), unit='frame', desc='evaluate') as bar:
        result = accuracy(potential, frames, bar.update)
    print(result)
    if args.json:
        save_text(args.json, json.dumps(result.to_dict(), indent=1))
    if args.parity:
        result.parity(args.parity)
    if args.reliability:
        found = reliability(potential, frames)
        found.plot(args.reliability)
        print(found)
