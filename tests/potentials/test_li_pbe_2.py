"""The shipped editions: lithium as DFT has it, and a grade that tells when they leave their data."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from ase_mlffvv import VVCalculator
from ase_mlffvv.properties import validate

EDITIONS = ('li-pbe-2-fast', 'li-pbe-2-accurate')


@pytest.fixture(scope='module', params=EDITIONS)
def name(request):
    return request.param


@pytest.fixture(scope='module')
def found(name, tmp_path_factory):
    folder = tmp_path_factory.mktemp(name)
    calc = VVCalculator(name, on_extrapolation='stop')
    validation = validate(calc, folder, only=['lattice', 'elastic', 'surfaces'], progress=False)
    assert not validation.failed
    return validation.value


def test_crystal(found):
    assert found('a_bcc') == pytest.approx(3.439, abs=0.005)
    assert -2.5 < found('de_fcc') < 0
    assert -2.5 < found('de_9r') < 0.3
    assert found('C11') == pytest.approx(15, rel=0.1)  # 15, 13, 11: Saidi's, at the equilibrium volume, too
    assert found('C12') == pytest.approx(13, rel=0.1)
    assert found('C44') == pytest.approx(11, rel=0.1)


def test_surfaces_of_dft(found):
    dft = {'100': 0.458, '310': 0.491, '110': 0.491, '210': 0.499, '320': 0.502, '331': 0.514, '311': 0.515,
           '332': 0.520, '221': 0.520, '321': 0.527, '322': 0.535, '211': 0.535, '111': 0.543}  # fmt: skip
    ours = {hkl: found(f'surface_{hkl}') for hkl in dft}
    for hkl, want in dft.items():
        assert ours[hkl] == pytest.approx(want, abs=0.0155), hkl
    assert min(ours, key=ours.get) == '100'


def test_planted_outliers(name):
    calc = VVCalculator(name, on_extrapolation='ignore')
    crystal = bulk('Li', cubic=True, a=3.44) * (3, 3, 3)
    close, hot, warm = crystal.copy(), crystal.copy(), crystal.copy()
    close.positions[0] += 0.5 * (close.positions[1] - close.positions[0])
    hot.rattle(0.5, seed=1)
    warm.rattle(0.15, seed=1)
    for atoms in (
        close,
        hot,
        crystal + Atoms('Li', [[1.72, 0.86, 0.0]]),
        bulk('Li', a=0.8 * 3.44),
        bulk('Li', a=1.35 * 3.44),
        Atoms('Li'),
        Atoms('Li2', [[0, 0, 0], [0, 0, 1.5]]),
    ):
        assert calc.uncertainty(atoms, forces=False)['grade'].max() > 1, atoms
    for atoms in (crystal, warm, crystal[1:], bulk('Li', 'fcc', a=4.33)):
        assert calc.uncertainty(atoms, forces=False)['grade'].max() < 1, atoms


def test_uncertainty_of_a_warm_crystal_is_that_of_the_card(name):
    atoms = bulk('Li', cubic=True, a=3.44) * (3, 3, 3)
    atoms.rattle(0.15, seed=0)
    calc = VVCalculator(name)
    found = calc.uncertainty(atoms)
    validation = calc.potential.card['fit']['validation']['all']
    component = np.sqrt((found['forces'] ** 2).mean() / 3)
    assert 0.4 < component / validation['forces']['rmse'] < 2.5
