"""Table and figures of the results of bench_inference.py.

python benchmarks/report.py speed.json [--bars speed.png] [--plot pareto.png]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ase_mlffvv.pages.style import BLUE, ORANGE, figure, plot_style

PLACES = ((8, 0, 'left'), (0, 11, 'center'), (0, -11, 'center'), (-8, 0, 'right'), (6, 20, 'left'), (6, -20, 'left'),
          (6, 31, 'left'), (6, -31, 'left'))  # points: where a label may stand  # fmt: skip
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


def ours(name):
    return name.startswith('li-')


def colour(name):
    return BLUE if ours(name) else ORANGE


def marker(name):
    return 'o' if ours(name) else 's'


@plot_style()
def bars(about, path):
    """Time of each code for the last structure as points on a logarithmic scale, on which bars would have no foot."""
    result = about['results'][-1]
    codes = by_time(result)
    star = '\n* finds its pairs at each step; others keep them' if any(code['finds_pairs'] for _, code in codes) else ''
    drawing = figure(7.2, 1.3 + 0.3 * len(codes))
    axes = drawing.subplots()
    names = [name + '*' * code['finds_pairs'] + f' ({spaced(code["atoms"])} atoms)' * elsewhere(code, result)
             for name, code in codes]  # fmt: skip
    for kind, label in ((True, 'this package'), (False, 'other codes')):
        rows = [k for k, (name, _) in enumerate(codes) if ours(name) == kind]
        if rows:
            name = codes[rows[0]][0]
            axes.plot([codes[k][1]['us'] for k in rows], rows, marker(name), color=colour(name), ms=8, label=label)
    for k, (_, code) in enumerate(codes):
        axes.annotate(figures(code['us']), (code['us'], k), (9, 0), textcoords='offset points', va='center', fontsize=9)
    times = [code['us'] for _, code in codes]
    axes.set_xscale('log')
    axes.set_yticks(range(len(codes)), names)
    axes.set(xlabel='µs per atom and step (logarithmic)' + star, xlim=(min(times) / 1.6, max(times) * 3))
    drawing.suptitle(
        f'Energy and forces of {spaced(result["atoms"])} lithium atoms\n{conditions(about)}', fontsize=10.5
    )
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter('{x:g}')
    axes.grid(axis='y', linestyle=':')
    axes.legend(loc='lower right' if times[-1] < 10 * times[0] else 'upper right')
    drawing.savefig(path)


@plot_style()
def tradeoff(about, path):
    """Error of forces against time for the last structure, on logarithmic scales."""
    if 'force_error_meV_per_A' not in about:
        raise ValueError('there are no errors of forces to draw; run bench_inference.py with --test FILE')
    errors = about['force_error_meV_per_A']
    times = {name: about['results'][-1]['codes'][name]['us'] for name in errors}
    drawing = figure(6.4, 4.4)
    axes = drawing.subplots()
    axes.set_xscale('log')
    axes.set_yscale('log')
    for kind, label in ((True, 'this package'), (False, 'LAMMPS')):
        chosen = [name for name in errors if ours(name) == kind]
        if chosen:
            axes.plot([times[n] for n in chosen], [errors[n] for n in chosen], marker(chosen[0]), ms=8, label=label,
                      color=colour(chosen[0]))  # fmt: skip
    axes.set(xlabel='µs per atom and step, one thread', ylabel='mean absolute error of forces (meV/Å)',
             xlim=(min(times.values()) / 4, max(times.values()) * 4),
             ylim=(min(errors.values()) / 1.7, max(errors.values()) * 1.7))  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter('{x:g}')
        axis.set_minor_formatter('')
    axes.legend(loc='upper right')
    place_labels(drawing, axes, {name: (times[name], errors[name]) for name in errors})
    drawing.savefig(path)


def place_labels(drawing, axes, points):
    """Write each label beside its point, where it covers neither another label nor a point."""
    drawing.canvas.draw()
    renderer = drawing.canvas.get_renderer()
    at = axes.transData.transform(list(points.values()))
    taken = []
    for name, point in points.items():
        for dx, dy, side in PLACES:
            text = axes.annotate(name, point, (dx, dy), textcoords='offset points', fontsize=9, ha=side, va='center')
            box = text.get_window_extent(renderer).padded(1)
            free = not any(box.overlaps(other) for other in taken) and not any(box.contains(*p) for p in at)
            free = free and box.x0 > axes.bbox.x0 and box.x1 < axes.bbox.x1
            if free or (dx, dy, side) == PLACES[-1]:
                taken.append(box)
                break
            text.remove()


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
