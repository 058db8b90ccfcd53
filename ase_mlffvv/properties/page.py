"""Page of a validation: the table to sort, curves to explore, and the picture of all panels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..pages import Curve, Page, Panel, linked_charts
from ..pages.style import BLACK, BLUE, PALETTE
from .reference import PROPERTIES, number


def page(validation, picture: str | Path) -> Page:
    """Build the page.

    Parameters
    ----------
    validation : Validation
    picture : path
        PNG file with the panels.
    """
    results = validation.results
    done = sum(r.value is not None for r in results)
    out = Page(f'Properties of lithium: {validation.title}',
               f'{done} of {len(results)} properties computed, beside DFT (PBE) and experiment. For a range of '
               'references, the difference is from its nearer end.')  # fmt: skip
    out.heading('Table')
    sources = list(dict.fromkeys(part for r in results for part in r.source.split('; ') if part))
    out.table(['property', 'unit', 'model', 'DFT', 'difference', 'experiment', 'group', 'sources'],
              [_row(r, sources) for r in results], 'Click a head to sort.')  # fmt: skip
    out.items([f'[{k}] {source}' for k, source in enumerate(sources, 1)])
    for name in validation.failed:
        out.text(f'Failed: {name}: {validation.tasks[name]["reason"]}')
    for name, record in validation.tasks.items():
        if record.get('note'):
            out.text(f'{name}: {record["note"]}')
    _curves(out, validation)
    out.heading('All panels')
    compared = [f'{r.label} {number(r.value, PROPERTIES[r.name].digits)} {r.unit}'.strip() for r in results
                if r.value is not None][:6]  # fmt: skip
    out.picture(picture, 'Equation of state, surface energies, elastic constants, phonons, migration barriers, liquid, '
                f'and a table; among them {", ".join(compared) or "no value"}')  # fmt: skip
    return out


def _row(r, sources):
    digits = PROPERTIES[r.name].digits
    if isinstance(r.value, str):
        difference = '' if r.dft is None else 'same' if r.value == r.dft else 'differs'
    else:
        difference = '' if r.difference is None else f'{r.difference:+.{digits}f}'
    value = 'failed' if r.value is None else number(r.value, digits)
    return [r.label, r.unit, _cell(value, r.value), _cell(number(r.dft, digits), r.dft), difference,
            _cell(number(r.experiment, digits), r.experiment), r.group,
            ' '.join(f'[{sources.index(part) + 1}]' for part in r.source.split('; ') if part)]  # fmt: skip


def _cell(text, value):
    """Text with the number by which it is sorted: that of a range is its middle."""
    if value is None or isinstance(value, str):
        return text
    return text, float(np.mean(value))


def _curves(out, validation):
    charts, alts = [], []
    path, frequencies = validation.curve('phonons', 'path'), validation.curve('phonons', 'frequencies')
    if path:
        bands = np.asarray(frequencies, float)
        curves = [Curve(f'branch {k + 1}', bands[:, k], PALETTE[k], smooth=False) for k in range(bands.shape[1])]
        names = ', '.join(validation.curve('phonons', 'names'))
        panel = Panel(f'phonons of bcc (THz) along {names}', curves)
        charts += linked_charts(path, [panel], x_label='path (1/Å)', marks=validation.curve('phonons', 'ticks'))
        alts.append(panel.describe(path))
    r = validation.curve('liquid', 'r')
    if r:
        panel = Panel('pair distribution g(r) of the liquid', [Curve('g', validation.curve('liquid', 'g'), BLUE,
                                                                     smooth=False)], 2, from_zero=True)  # fmt: skip
        charts += linked_charts(r, [panel], x_label='r (Å)')
        alts.append(panel.describe(r, 'Å'))
    for name, label in (('bcc', 'bcc'), ('fcc', 'fcc'), ('hcp', 'hcp')):
        volumes = validation.curve(name, 'volumes')
        if volumes:
            energies = 1000 * np.asarray(validation.curve(name, 'energies'), float)
            curve = Curve(label, energies - energies.min(), BLACK, smooth=False)
            panel = Panel(f'energy of {label} above its minimum (meV/atom)', [curve], 1)
            charts += linked_charts(volumes, [panel], x_label='volume (Å³/atom)')
            alts.append(panel.describe(volumes, 'Å³'))
    if charts:
        out.heading('Curves')
        out.charts(charts, alts)
