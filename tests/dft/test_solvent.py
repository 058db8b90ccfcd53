import json
import math

import pytest
from ase.units import Bohr

from ase_mlffvv.dft.solvent import DYN_PER_CM, Solvent


def test_the_solvent_of_the_paper():
    solvent = Solvent.pc_dme()
    assert solvent.permittivity == 35.5
    assert solvent.surface_tension_eV == pytest.approx(2.03e-3, rel=1e-3)  # eV/Å^2
    mJ_per_m2 = DYN_PER_CM * 16.0218 * 1000
    assert mJ_per_m2 == pytest.approx(1, rel=1e-5)
    assert solvent.debye_length == pytest.approx(3.51 * Bohr, rel=2e-3)
    assert solvent.cavity_switch == solvent.ion_switch == solvent.dielectric_switch == (3.5e-3, 1e-4)
    other = solvent.replace(dielectric_switch=(5e-3, 1e-4))
    assert other.cavity_switch == other.ion_switch == other.dielectric_switch == (5e-3, 1e-4)
    other = solvent.replace(cavity_switch=(1e-3, 1e-5)).replace(dielectric_switch=(5e-3, 1e-4))
    assert other.cavity_switch == (1e-3, 1e-5)
    assert solvent.pressure == 0.0
    water = Solvent.water()
    assert (water.permittivity, water.surface_tension, water.pressure) == (78.3, 50.0, -0.35)
    assert water.debye_length == math.inf


def test_round_trip_and_changes():
    solvent = Solvent(20, surface_tension=3, ion_switch=[1e-3, 1e-5], kappa_squared=0.01)
    assert Solvent.from_dict(json.loads(json.dumps(solvent.to_dict()))) == solvent
    assert hash(solvent) == hash(solvent.replace())
    assert solvent.replace(pressure=-0.1).pressure == -0.1
    with pytest.raises(AttributeError):
        solvent.permittivity = 3
    with pytest.raises(ValueError, match='unknown entries epsilon in a description of a solvent; known: permittivity'):
        Solvent.from_dict({'epsilon': 3})
    with pytest.raises(ValueError, match='no permittivity'):
        Solvent.from_dict({})


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'permittivity': 0.5}, r'permittivity must be 1 or more \(relative to vacuum\), got 0.5'),
        ({'permittivity': 'wet'}, "permittivity must be a finite number .* got 'wet'"),
        ({'permittivity': math.nan}, 'permittivity must be a finite number'),
        ({'permittivity': True}, 'permittivity must be a finite number'),
        ({'surface_tension': None}, r'surface_tension must be a finite number \(dyn/cm\), got None'),
        ({'kappa_squared': -0.1}, r'kappa_squared must be 0 or more \(1/Bohr\^2\), got -0.1'),
        ({'density_model': 'ATOM'}, "density_model must be one of atoms, electrons, got 'ATOM'"),
        ({'dielectric_switch': (1e-4, 5e-3)}, r'first > second > 0, got \(0.0001, 0.005\)'),
        ({'cavity_switch': 5e-3}, r'cavity_switch must be two densities in electrons/Bohr\^3, the larger first'),
        ({'ion_switch': (5e-3, 0.0)}, 'first > second > 0'),
        ({'ion_switch': (5e-3, 'a')}, 'ion_switch must be a finite number'),
    ],
)
def test_bad_values(values, message):
    with pytest.raises(ValueError, match=message):
        Solvent(**{'permittivity': 10.0, **values})
