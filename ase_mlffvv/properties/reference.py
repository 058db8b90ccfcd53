"""Reference values for lithium from density-functional theory (PBE) and experiment, each with its source.

A pair of numbers is a range. Properties without a value that could be traced to a source have none.
"""

from __future__ import annotations

from dataclasses import dataclass

ZUO = 'Zuo et al., J. Phys. Chem. A 124, 731 (2020)'
SAIDI = 'Saidi et al., github.com/saidigroup/23-Single-Element-DNPs'
NADLER = 'Nadler and Kempter, Anal. Chem. 31, 2109 (1959), 298 K'
BEG = 'Beg and Nielsen, Phys. Rev. B 14, 4266 (1976), from neutrons, 293 K: C11 ±1.0, C12 ±2.0, C44 ±0.6 GPa'
TABLES = 'periodictable.com'


@dataclass(frozen=True)
class Property:
    """A line of the table.

    Attributes
    ----------
    label, unit : str
    group : str
        Name in ``GROUPS`` of :mod:`ase_mlffvv.properties.tasks`.
    dft, experiment : float, (float, float), str or None
    source : str
        Sources of the DFT value and of the experimental value, in this order.
    digits : int
        Number of decimals in the printed table.
    """

    label: str
    unit: str
    group: str
    dft: object = None
    experiment: object = None
    source: str = ''
    digits: int = 3


SURFACES = {'100': 0.458, '310': 0.491, '110': 0.491, '210': 0.499, '320': 0.502, '331': 0.514, '311': 0.515,
            '332': 0.520, '221': 0.520, '321': 0.527, '322': 0.535, '211': 0.535, '111': 0.543}  # fmt: skip

_ENERGIES = f'energies of {ZUO} (elastic constants at a = 3.427 Å)'
_ELASTIC = f'{SAIDI} (15, 13, 11 GPa); {_ENERGIES}'
_SLABS = f'relaxed slabs of {ZUO}'

PROPERTIES = {
    'a_bcc': Property('a, bcc', 'Å', 'lattice', (3.437, 3.439), 3.510, f'{ZUO}, at zero pressure; {SAIDI}; {NADLER}'),
    'a_fcc': Property('a, fcc', 'Å', 'lattice'),
    'a_hcp': Property('a, hcp', 'Å', 'lattice'),
    'ca_hcp': Property('c/a, hcp', '', 'lattice'),
    'de_fcc': Property('E(fcc) - E(bcc)', 'meV/atom', 'lattice', digits=2),
    'de_hcp': Property('E(hcp) - E(bcc)', 'meV/atom', 'lattice', digits=2),
    'de_9r': Property('E(9R) - E(bcc)', 'meV/atom', 'lattice', digits=2),
    'B_bcc': Property('bulk modulus, bcc', 'GPa', 'lattice', (13.7, 15.0), 11.0, f'{_ELASTIC}; {TABLES}', 1),
    'B_fcc': Property('bulk modulus, fcc', 'GPa', 'lattice', digits=1),
    'B_hcp': Property('bulk modulus, hcp', 'GPa', 'lattice', digits=1),
    'C11': Property('C11', 'GPa', 'elastic', (15.0, 16.5), 17.3, f'{_ELASTIC}; {BEG}', 1),
    'C12': Property('C12', 'GPa', 'elastic', (13.0, 14.3), 13.1, f'{_ELASTIC}; {BEG}', 1),
    'C44': Property('C44', 'GPa', 'elastic', (10.1, 11.0), 8.4, f'{_ELASTIC}; {BEG}', 1),
    'Cprime': Property("C' = (C11 - C12)/2", 'GPa', 'elastic', (0.9, 1.1), None, _ELASTIC, 2),
    'vacancy_formation': Property('vacancy, formation', 'eV', 'vacancy', 0.476, None, SAIDI),
    'vacancy_migration': Property('vacancy, migration', 'eV', 'vacancy'),
    **{f'surface_{hkl}': Property(f'surface ({hkl})', 'J/m²', 'surfaces', energy, None, _SLABS)
       for hkl, energy in SURFACES.items()},
    'surface_lowest': Property('lowest surface', '', 'surfaces', '100', None, _SLABS),
    'surface_mae': Property('surfaces, mean |difference|', 'J/m²', 'surfaces'),
    'surface_spearman': Property('surfaces, rank correlation', '', 'surfaces', digits=2),
    'adatom_100': Property('adatom migration, (100)', 'eV', 'adatoms'),
    'adatom_110': Property('adatom migration, (110)', 'eV', 'adatoms'),
    'adatom_111': Property('adatom migration, (111)', 'eV', 'adatoms'),
    'twin_112': Property('twin Σ3{112}', 'J/m²', 'boundaries'),
    'gb_310': Property('grain boundary Σ5(310)[001]', 'J/m²', 'boundaries'),
    'gb_210': Property('grain boundary Σ5(210)[001]', 'J/m²', 'boundaries'),
    'phonon_H': Property('phonons at H', 'THz', 'phonons', digits=2),
    'phonon_P': Property('phonons at P', 'THz', 'phonons', digits=2),
    'phonon_N_1': Property('phonons at N, lowest', 'THz', 'phonons', digits=2),
    'phonon_N_2': Property('phonons at N, middle', 'THz', 'phonons', digits=2),
    'phonon_N_3': Property('phonons at N, highest', 'THz', 'phonons', digits=2),
    'a_300': Property('a, bcc, 300 K', 'Å', 'expansion', None, 3.510, NADLER),
    'expansion': Property('thermal expansion, 300 K', '1e-6/K', 'expansion', None, 46.0, TABLES, 1),
    'gr_position': Property('liquid g(r), first peak', 'Å', 'liquid', digits=2),
    'gr_height': Property('liquid g(r), peak height', '', 'liquid', digits=2),
    'melting': Property('melting point', 'K', 'melting', None, 453.7, TABLES, 0),
}  # fmt: skip


def middle(value):
    """A reference value as one number, the middle of a range; None if there is none."""
    if value is None or isinstance(value, str):
        return None
    return sum(value) / 2 if isinstance(value, (tuple, list)) else float(value)


def beyond(value, reference):
    """Difference between a value and a reference value, 0 within a range; None if there is no reference number."""
    if reference is None or isinstance(value, str) or isinstance(reference, str):
        return None
    low, high = reference if isinstance(reference, (tuple, list)) else (reference, reference)
    return value - min(max(value, low), high)


def number(value, digits):
    """Format a value with the given number of decimals, a range as ``1.0-2.0``, and None as an empty string."""
    if value is None:
        return ''
    if isinstance(value, str):
        return value
    if isinstance(value, (tuple, list)):
        return '-'.join(f'{v:.{digits}f}' for v in value)
    return f'{value:.{digits}f}'
