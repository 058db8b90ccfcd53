"""mlffvv compare: groups of runs side by side."""

from __future__ import annotations

from .options import add_overwrite


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'compare',
        help='compare groups of runs: differences with intervals, effect sizes, bands',
        description='Compares run folders, grouped by the folder that contains them: each group with the first one. '
        'Runs without a timeline are analysed first. Prints means, differences (second minus first) with 95 % '
        'intervals, p-values corrected for the number of comparisons (Benjamini and Hochberg), effect sizes (Hedges), '
        'and the difference that the runs at hand would find with a probability of 80 %.',
    )
    p.add_argument('runs', nargs='+', help='run folders of two or more groups')
    p.add_argument('--columns', nargs='+', metavar='NAME', help='columns of the timelines (default: sixteen of shape, '
                   'energy, structure and motion)')  # fmt: skip
    p.add_argument('--times', nargs='+', type=float, default=[], metavar='PS', help='compare at these times (default: '
                   'mean of the last tenth of each run)')  # fmt: skip
    p.add_argument('-o', '--output', help='also write NAME.csv, the table, and NAME.png, bands over runs')
    add_overwrite(p, 'replace existing output')
    return p


def run(args):
    """Run the command with its parsed arguments."""
    from ..io.files import complete, refuse_existing, save_figure
    from ..studies.compare import KEY, difference_table, group_runs, read_timeline, table_text
    from ..studies.figures import bands_figure

    names = [f'{args.output}.csv', f'{args.output}.png'] if args.output else []
    for name in names:
        refuse_existing(name, args.overwrite)
    groups = group_runs(args.runs)
    if len(groups) < 2:
        raise ValueError(f'expected runs of two or more folders, got those of {", ".join(groups)} alone')
    tables = {name: [read_timeline(folder) for folder in folders] for name, folders in groups.items()}
    first, *others = tables
    columns, parts = args.columns or KEY, []
    for other in others:
        found = difference_table(tables[first], tables[other], columns, args.times)
        print(f'first: {first} ({len(tables[first])} runs), second: {other} ({len(tables[other])} runs)')
        print(table_text(found))
        found.insert(0, 'second', other)
        found.insert(0, 'first', first)
        parts.append(found)
    if names:
        import pandas

        with complete(names[0]) as temporary:
            pandas.concat(parts).to_csv(temporary, index=False)
        save_figure(bands_figure(tables, columns), names[1], dpi=120)
        print(f'\ntable  {names[0]}\nbands  {names[1]}')
