"""Plots of a validation on one page."""

from __future__ import annotations

import numpy as np

from ..io.files import complete
from ..pages.style import BLUE, GREY, ORANGE, plot_style
from .reference import PROPERTIES, SURFACES, middle, number

MODEL, DFT, MEASURED = BLUE, ORANGE, GREY


@plot_style()
def plot(validation, path):
    """Draw the page; panels without results are left empty and give the reason.

    Parameters
    ----------
    validation : Validation
    path : path
        PNG file to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 13), layout='constrained')
    FigureCanvasAgg(figure)
    figure.suptitle(f'lithium, {validation.title}', fontsize=14)
    panels = {'eos': _equation_of_state, 'surfaces': _surfaces, 'elastic': _elastic, 'phonons': _phonons,
              'hops': _hops, 'liquid': _liquid, 'table': _table}  # fmt: skip
    layout = [['eos', 'surfaces', 'table'], ['elastic', 'phonons', 'table'], ['hops', 'liquid', 'table']]
    for name, axis in figure.subplot_mosaic(layout, width_ratios=(1, 1, 1.1)).items():
        panels[name](axis, validation)
    with complete(path) as temporary:
        figure.savefig(temporary, format='png', dpi=110)


def _empty(axis, validation, *names):
    """Write into the panel why there is nothing to draw."""
    reasons = [record['reason'] for name in names if (record := validation.tasks.get(name, {})).get('reason')]
    axis.text(0.5, 0.5, 'failed:\n' + _wrap(reasons[0]) if reasons else 'not computed', ha='center', va='center',
              transform=axis.transAxes, color='0.4')  # fmt: skip
    axis.set(xticks=[], yticks=[])


def _wrap(text, width=44):
    import textwrap

    return '\n'.join(textwrap.wrap(text, width))


def _equation_of_state(axis, validation):
    axis.set_title('equation of state')
    zero = validation.tasks.get('bcc', {}).get('values', {}).get('energy_bcc')
    drawn = False
    for name, marker in (('bcc', 'o'), ('fcc', 's'), ('hcp', '^')):
        volumes = validation.curve(name, 'volumes')
        if volumes and zero is not None:
            energies = 1000 * (np.array(validation.curve(name, 'energies')) - zero)
            axis.plot(volumes, energies, marker=marker, ms=4, lw=1.2, label=name)
            drawn = True
    if not drawn:
        return _empty(axis, validation, 'bcc')
    axis.set(xlabel='volume (Å³/atom)', ylabel='E - E(bcc) (meV/atom)')
    axis.legend(frameon=False)


def _bars(axis, labels, model, dft, experiment=None):
    """Draw groups of bars; values that are None are left out."""
    x, series = np.arange(len(labels)), [('model', model, MODEL), ('DFT', dft, DFT)]
    if experiment is not None:
        series.append(('experiment', experiment, MEASURED))
    width = 0.8 / len(series)
    for k, (name, values, color) in enumerate(series):
        values = np.array([np.nan if v is None else v for v in values], float)
        axis.bar(x + (k - (len(series) - 1) / 2) * width, values, width, color=color, label=name)
    axis.set_xticks(x, labels)
    axis.legend(frameon=False, ncols=len(series), loc='upper left')


def _surfaces(axis, validation):
    axis.set_title('surface energies')
    names = [f'surface_{hkl}' for hkl in SURFACES]
    values = [validation.tasks.get(n, {}).get('values', {}).get(n) for n in names]
    known = [v for v in values if v is not None]
    if not known:
        return _empty(axis, validation, *names)
    _bars(axis, list(SURFACES), values, list(SURFACES.values()))
    low, high = min([*known, *SURFACES.values()]), max([*known, *SURFACES.values()])
    axis.set_ylim(low - 0.25 * (high - low), high + 0.25 * (high - low))  # they differ only by a fifth
    axis.tick_params(axis='x', rotation=60)
    axis.set_ylabel('surface energy (J/m², axis does not start at 0)')


def _elastic(axis, validation):
    axis.set_title('elastic constants')
    names = ('C11', 'C12', 'C44', 'Cprime', 'B_bcc')
    values = [validation.tasks.get('bcc' if n == 'B_bcc' else 'elastic', {}).get('values', {}).get(n) for n in names]
    if validation.tasks.get('elastic', {}).get('status') != 'done':
        return _empty(axis, validation, 'elastic')
    known = [PROPERTIES[n] for n in names]
    _bars(axis, ['$C_{11}$', '$C_{12}$', '$C_{44}$', "$C'$", '$B$'], values, [middle(p.dft) for p in known],
          [middle(p.experiment) for p in known])  # fmt: skip
    axis.axhline(0, color='k', lw=0.8)
    axis.margins(y=0.15)
    axis.set_ylabel('elastic constant (GPa)')


def _phonons(axis, validation):
    axis.set_title('phonons of bcc')
    path = validation.curve('phonons', 'path')
    if not path:
        return _empty(axis, validation, 'phonons')
    axis.plot(path, validation.curve('phonons', 'frequencies'), color=MODEL, lw=1.2)
    ticks = validation.curve('phonons', 'ticks')
    for x in ticks:
        axis.axvline(x, color='0.8', lw=0.8, zorder=0)
    axis.set_xticks(ticks, validation.curve('phonons', 'names'))
    axis.set(ylabel='frequency (THz)', xlim=(path[0], path[-1]))
    axis.axhline(0, color='k', lw=0.8)


def _hops(axis, validation):
    axis.set_title('migration of a vacancy and of adatoms')
    names = {'vacancy_migration': 'vacancy', **{f'adatom_{hkl}': f'adatom on ({hkl})' for hkl in ('100', '110', '111')}}
    drawn = False
    for name, label in names.items():
        path = validation.curve(name, 'path')
        if path:
            axis.plot(np.linspace(0, 1, len(path)), path, marker='o', ms=4, lw=1.2, label=label)
            drawn = True
    if not drawn:
        return _empty(axis, validation, *names)
    axis.set(xlabel='position along the path', ylabel='energy (eV)')
    axis.legend(frameon=False)


def _liquid(axis, validation):
    axis.set_title('liquid')
    r = validation.curve('liquid', 'r')
    if not r:
        return _empty(axis, validation, 'liquid')
    axis.plot(r, validation.curve('liquid', 'g'), color=MODEL, lw=1.2)
    axis.axhline(1, color='0.8', lw=0.8, zorder=0)
    axis.set(xlabel='r (Å)', ylabel='g(r)', xlim=(1.5, r[-1]), ylim=(0, None))
    axis.annotate(validation.tasks['liquid']['note'].split(';')[0], (0.97, 0.95), xycoords='axes fraction', ha='right',
                  va='top')  # fmt: skip


def _table(axis, validation):
    """Table of values and references, without surfaces and elastic constants, which have their own panels."""
    axis.set_title('model, DFT and experiment')
    axis.axis('off')
    rows = []
    for r in validation.results:
        if r.group == 'elastic' or r.name.removeprefix('surface_') in SURFACES:
            continue
        digits = PROPERTIES[r.name].digits
        value = 'failed' if r.value is None else number(r.value, digits)
        rows.append([f'{r.label} ({r.unit})' if r.unit else r.label, value, number(r.dft, digits),
                     number(r.experiment, digits)])  # fmt: skip
    height = min(1.0, 0.028 * (len(rows) + 1))
    table = axis.table(rows or [[''] * 4], colLabels=['', 'model', 'DFT', 'experiment'], edges='horizontal',
                       colWidths=[0.5, 0.13, 0.2, 0.17], cellLoc='right', bbox=[0, 1 - height, 1, height])  # fmt: skip
    table.auto_set_font_size(False)
    table.set_fontsize(9.5)
    for (_, column), cell in table.get_celld().items():
        cell.set(linewidth=0.3, edgecolor='0.7')
        cell.PAD = 0.03
        if column == 0:
            cell.set_text_props(ha='left')
