"""Page of a loop: errors on cores, grades, pictures and cost of each round."""

from __future__ import annotations

from ..pages import Page, figure, plot_style


def report(folder, recipe, rounds):
    """Write ``folder/report.html`` from the summaries of the rounds so far."""
    page = Page(
        'Learning by cut-outs',
        f'Labels by {recipe.calculator}; {len(rounds)} of {recipe.rounds + 1} rounds. Errors are those of the model '
        'before the round on the cores of its cut-outs, which it had not seen.',
    )
    page.heading('Rounds')
    page.table(COLUMNS, [_row(found) for found in rounds], 'Click a head to sort.')
    page.picture(_figure(rounds), f'Left: force errors on new cores by round. Right: share of atoms above a grade. '
                 f'{_story(rounds)}')  # fmt: skip
    for found in rounds:
        picture = folder / 'loop' / f'round_{found["round"]}' / 'cuts' / 'cut_outs.png'
        page.heading(f'Round {found["round"]}')
        if 'converged' in found:
            page.text(found['converged'])
        if picture.exists():
            page.picture(picture, f'The structure of round {found["round"]} with the cut-outs marked, and the first '
                         'cut-outs from the side: core atoms, their buffer, and added atoms',
                         'Cores are vermilion, buffers blue, added atoms orange.')  # fmt: skip
    page.save(folder / 'report.html')


COLUMNS = ('round', 'structures', 'force MAE (meV/Å)', 'after refit', 'mean force', 'energy MAE (meV)', 'largest grade',
           'after refit', 'atoms above 1', 'after refit', 'seconds')  # fmt: skip


def _row(found):
    errors, after = found.get('errors', {}), found.get('errors_after', {})
    grades, later = found['grades'], found.get('grades_after')
    return [found['round'], found.get('structures', ''), _milli(errors, 'force_mae'), _milli(after, 'force_mae'),
            _milli(errors, 'force_mean'), _milli(errors, 'energy_mae'), f'{grades["quantiles"]["1.0"]:.2f}',
            f'{later["quantiles"]["1.0"]:.2f}' if later else '', f'{grades["above_one"]:.2g}',
            f'{later["above_one"]:.2g}' if later else '', f'{found["seconds"]:.0f}']  # fmt: skip


def _milli(errors, name):
    return f'{1000 * errors[name]:.1f}' if name in errors else ''


def _story(rounds):
    known = [f'round {r["round"]}: {_milli(r["errors"], "force_mae")} meV/Å' for r in rounds if 'errors' in r]
    return f'Force errors: {"; ".join(known) or "none yet"}.'


@plot_style()
def _figure(rounds):
    drawing = figure(9, 3.2)
    left, right = drawing.subplots(1, 2)
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
    return drawing
