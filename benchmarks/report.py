"""Table and figures of the results of bench_inference.py.

python benchmarks/report.py speed.json [--bars speed.png] [--plot pareto.png]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

FAST = 'li-pbe-2-fast'
WANTED = {'SNAP': 20, 'MACE': 50}  # intended speed of li-pbe-2-fast relative to these codes


def figures(number):
    """Format a number with two significant figures, three above 100, and a space between thousands."""
    if number < 10:
        return f'{number:.1f}'
    return spaced(round(float(f'{number:.{2 if number < 100 else 3}g}')))


def spaced(number):
    return f'{number:,}'.replace(',', ' ')


def elsewhere(code, result):
    """Whether a code evaluated another structure than the others."""
    return code['atoms'] != result['atoms']


def by_time(result):
    """Names and results of the codes for one structure, fastest first."""
    return sorted(result['codes'].items(), key=lambda item: item[1]['us'])


def conditions(about):
    return f'processor time of one thread, {about["machine"]["cpu"]}'


def table(about, result):
    """Markdown table of the codes for one structure, fastest first, without empty columns."""
    errors = about.get('force_error_meV_per_A', {})
    fast = result['codes'].get(FAST, {}).get('us')
    rows = [['', 'µs per atom and step', f'{FAST} = 1', 'forces (meV/Å)', 'what']]
    for name, code in by_time(result):
        what = code['about'] + ('; with finding pairs' if code['finds_pairs'] else '')
        what += f'; on {spaced(code["atoms"])} atoms' if elsewhere(code, result) else ''
        rows.append([name, figures(code['us']), figures(code['us'] / fast) if fast else '',
                     f'{errors[name]:.1f}' if name in errors else '', what])  # fmt: skip
    columns = [column for column in zip(*rows) if any(column[1:])]
    lines = list(zip(*columns))
    lines.insert(1, ['---'] * len(columns))
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def pair_times(result):
    """Lines with the times to find pairs."""
    for name, code in by_time(result):
        if 'pairs_us' in code:
            part = ' at most, part of the time above' if code['finds_pairs'] else ''
            yield f'to find pairs, {name}: {figures(code["pairs_us"])} µs per atom{part}'


def goals(result):
    """Lines that compare the fast potential with its goals, for the fastest available model of each code."""
    for code, wanted in WANTED.items():
        name = next((name for name, _ in by_time(result) if name.split()[0] == code), None)
        if name and FAST in result['codes']:
            factor = result['codes'][name]['us'] / result['codes'][FAST]['us']
            yield f'{name} takes {figures(factor)} times as long as {FAST}; wanted: {wanted} or more' + (
                '' if factor >= wanted else ': NOT REACHED'
            )


def summary(about):
    """Text with all tables, times to find pairs, and goals."""
    parts = []
    for result in about['results']:
        parts += [f'{spaced(result["atoms"])} atoms with {result["neighbors_6A"]:.1f} neighbors within 6 Å, '
                  f'{conditions(about)}, median of {about["repeats"]} rounds', table(about, result),
                  '\n'.join(pair_times(result)), '\n'.join(goals(result))]  # fmt: skip
    return '\n\n'.join(filter(None, parts))


def colour(name):
    return 'C0' if name.startswith('li-') else 'C1'


def bars(about, path):
    """Bar chart of the time of each code for the last structure, on a logarithmic scale."""
    from matplotlib.figure import Figure

    result = about['results'][-1]
    codes = by_time(result)
    names = [name + '*' * code['finds_pairs'] + f'\n({spaced(code["atoms"])} atoms)' * elsewhere(code, result)
             for name, code in codes]  # fmt: skip
    times = [code['us'] for _, code in codes]
    star = '\n* finds its pairs at each step; others keep them' if any(code['finds_pairs'] for _, code in codes) else ''
    figure = Figure(figsize=(6.4, 1.1 + 0.32 * len(codes)), layout='constrained')
    axes = figure.subplots()
    drawn = axes.barh(names, times, color=[colour(name) for name, _ in codes], log=True)
    axes.bar_label(drawn, [figures(t) for t in times], padding=3, fontsize=8)
    axes.set(xlabel='µs per atom and step' + star, xlim=(min(times) / 2, max(times) * 3))
    axes.set_title(f'Energy and forces of a needle of {spaced(result["atoms"])} lithium atoms,\n{conditions(about)}',
                   fontsize=10)  # fmt: skip
    axes.invert_yaxis()
    axes.tick_params(labelsize=8)
    axes.xaxis.set_major_formatter('{x:g}')
    axes.spines[['top', 'right']].set_visible(False)
    figure.savefig(path, dpi=130)


def tradeoff(about, path):
    """Error of forces against time for the last structure, on logarithmic scales."""
    from matplotlib.figure import Figure

    if 'force_error_meV_per_A' not in about:
        raise ValueError('there are no errors of forces to draw; run bench_inference.py with --test FILE')
    errors = about['force_error_meV_per_A']
    times = {name: about['results'][-1]['codes'][name]['us'] for name in errors}
    figure = Figure(figsize=(5, 3.8), layout='constrained')
    axes = figure.subplots()
    for name, error in errors.items():
        axes.loglog(times[name], error, 'o' if colour(name) == 'C0' else 's', color=colour(name))
        axes.annotate(name, (times[name], error), (6, 5), textcoords='offset points', fontsize=8)
    axes.set(xlabel='µs per atom and step, one thread', ylabel='mean absolute error of forces (meV/Å)',
             xlim=(min(times.values()) / 2, max(times.values()) * 4),
             ylim=(min(errors.values()) / 1.5, max(errors.values()) * 1.5))  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter('{x:g}')
        axis.set_minor_formatter('')
    figure.savefig(path, dpi=150)


def present(about, args):
    """Print the tables, and draw the figures requested by the arguments."""
    print(summary(about))
    if args.bars:
        bars(about, args.bars)
    if args.plot:
        tradeoff(about, args.plot)


def main(arguments=None):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('json', metavar='FILE', help='file written by bench_inference.py --json')
    p.add_argument('--bars', metavar='PNG')
    p.add_argument('--plot', metavar='PNG')
    args = p.parse_args(arguments)
    about = json.loads(Path(args.json).read_text())
    present(about, args)


if __name__ == '__main__':
    main()
