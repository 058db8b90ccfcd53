"""mlffvv models: list the potentials that come with the package."""

from __future__ import annotations


def add(commands):
    """Add the command to the parser."""
    return commands.add_parser(
        'models',
        help='list the potentials that come with the package',
        description='Lists use, size, error of forces and speed of each potential; mlffvv info NAME tells more.',
    )


def run(args):
    """Run the command with its parsed arguments."""
    print(table())


def table() -> str:
    """Table of the shipped potentials, the default first."""
    from ..model.find import DEFAULT, find_potential, shipped
    from ..potentials import USES

    rows = [('name', 'for', 'functions', 'cutoff', 'force error', 'µs/atom/step')]
    for name in sorted(shipped(), key=lambda n: (n != DEFAULT, n)):
        potential = find_potential(name)
        use, speed = USES.get(name, (potential.card.get('title', '').removeprefix(f'{name}: '), None))
        report = potential.card.get('fit') or {}
        errors = (report.get('validation') or report.get('train') or {}).get('all', {}).get('forces')
        rows.append((name, use, str(sum(len(block.coefficients) for block in potential.blocks)),
                     f'{potential.cutoff:g} Å', f'{1000 * errors["mae"]:.1f} meV/Å' if errors else '–',
                     f'{speed:g}' if speed else '–'))  # fmt: skip
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = ['  '.join(cell.ljust(w) if k < 2 else cell.rjust(w) for k, (cell, w) in enumerate(zip(row, widths)))
             for row in rows]  # fmt: skip
    return '\n'.join([*(line.rstrip() for line in lines), '',
                      'Force errors are mean absolute errors of held-out structures where there are any, which differ '
                      'between', 'potentials; times are those of one thread. Use: mlffvv run --model NAME, or '
                      "VVCalculator('NAME')."])  # fmt: skip
