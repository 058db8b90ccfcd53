"""Report of a loop as a single HTML file: errors on cores, grades, pictures and cost of each round."""

from __future__ import annotations

import base64
import html
import io

from ..io.files import save_text

STYLE = ('body{font:15px sans-serif;margin:2em;max-width:70em}td,th{padding:.2em .8em;text-align:right;'
         'border-bottom:1px solid #ccc}img{max-width:100%}')  # fmt: skip


def report(folder, recipe, rounds):
    """Write ``folder/report.html`` from the summaries of the rounds so far."""
    parts = [
        f'<h1>Learning by cut-outs</h1><p>Labels by {html.escape(recipe.calculator)}; {len(rounds)} of '
        f'{recipe.rounds + 1} rounds. Errors are those of the model before the round on the cores of its cut-outs, '
        'which it had not seen.</p>',
        _table(rounds),
        f'<img src="data:image/png;base64,{_figure(rounds)}">',
    ]
    for found in rounds:
        picture = folder / 'loop' / f'round_{found["round"]}' / 'cuts' / 'cut_outs.png'
        parts.append(f'<h2>Round {found["round"]}</h2>')
        if 'converged' in found:
            parts.append(f'<p>{html.escape(found["converged"])}</p>')
        if picture.exists():
            data = base64.b64encode(picture.read_bytes()).decode()
            parts.append(f'<img src="data:image/png;base64,{data}">')
    page = f'<!doctype html><meta charset="utf-8"><title>Learning</title><style>{STYLE}</style>' + '\n'.join(parts)
    save_text(folder / 'report.html', page)


def _table(rounds):
    columns = ('round', 'structures', 'force MAE (meV/Å)', 'after refit', 'mean force', 'energy MAE (meV)',
               'largest grade', 'after refit', 'atoms above 1', 'after refit', 'seconds')  # fmt: skip
    rows = []
    for found in rounds:
        errors, after = found.get('errors', {}), found.get('errors_after', {})
        grades, later = found['grades'], found.get('grades_after')
        rows.append([found['round'], found.get('structures', ''), _milli(errors, 'force_mae'),
                     _milli(after, 'force_mae'), _milli(errors, 'force_mean'), _milli(errors, 'energy_mae'),
                     f'{grades["quantiles"]["1.0"]:.2f}', f'{later["quantiles"]["1.0"]:.2f}' if later else '',
                     f'{grades["above_one"]:.2g}', f'{later["above_one"]:.2g}' if later else '',
                     f'{found["seconds"]:.0f}'])  # fmt: skip
    lines = [''.join(f'<td>{html.escape(str(x))}</td>' for x in row) for row in rows]
    head = ''.join(f'<th>{x}</th>' for x in columns)
    return f'<table><tr>{head}</tr>{"".join(f"<tr>{x}</tr>" for x in lines)}</table>'


def _milli(errors, name):
    return f'{1000 * errors[name]:.1f}' if name in errors else ''


def _figure(rounds):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout='constrained')
    left, right = figure.subplots(1, 2)
    labelled = [r for r in rounds if 'errors' in r]
    left.plot([r['round'] for r in labelled], [1000 * r['errors']['force_mae'] for r in labelled], 'o-')
    left.set(xlabel='round', ylabel='force MAE on cores (meV/Å)', ylim=(0, None))
    left.set_xticks([r['round'] for r in rounds])
    for found in rounds:
        quantiles = found['grades']['quantiles']
        right.plot([1 - float(q) if float(q) < 1 else 1e-4 for q in quantiles], list(quantiles.values()), 'o-',
                   label=f'round {found["round"]}')  # fmt: skip
    right.set(xscale='log', xlabel='share of atoms', ylabel='grade above')
    right.legend()
    out = io.BytesIO()
    figure.savefig(out, dpi=100, format='png')
    return base64.b64encode(out.getvalue()).decode()
