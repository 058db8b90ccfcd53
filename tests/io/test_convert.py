"""Files for other programs and of other programs."""

import subprocess
import sys

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

from ase_mlffvv.cli import main
from ase_mlffvv.errors import StructureFileError
from ase_mlffvv.io.convert import convert
from ase_mlffvv.io.counting import estimated_frames
from ase_mlffvv.io.packed.frames import append_frame


def frames(cell='box', n=3):
    rng = np.random.default_rng(0)
    out = []
    for k in range(n):
        atoms = bulk('Li', cubic=True) * (2, 2, 2) if cell == 'box' else bulk('Li') * (2, 3, 2)
        if cell == 'open':
            atoms = Atoms('Li2H', rng.normal(size=(3, 3)) * 5)
        atoms.rattle(0.1, rng=rng)
        atoms.arrays['coordination'] = np.arange(len(atoms))
        atoms.arrays['local_energy'] = rng.normal(size=len(atoms))
        atoms.info = {'step': 50 * k, 'time_ps': 0.1 * k}
        out.append(atoms)
    return out


def packed(path, atoms_list):
    for atoms in atoms_list:
        append_frame(path, atoms)
    return path


@pytest.mark.parametrize('cell', ['box', 'tilted', 'open'])
def test_a_packed_trajectory_becomes_a_dump_and_comes_back(tmp_path, cell):
    before = frames(cell)
    source = packed(tmp_path / 'a.vvtraj', before)
    assert convert(source, tmp_path / 'a.dump', progress=False) == 3
    after = read(tmp_path / 'a.dump', ':', format='lammps-dump-text')
    for one, other in zip(before, after):
        assert other.get_chemical_symbols() == one.get_chemical_symbols()
        assert other.info['timestep'] == one.info['step']
        np.testing.assert_allclose(other.get_all_distances(), one.get_all_distances(), atol=2e-4)
        if cell != 'open':
            np.testing.assert_allclose(other.cell.cellpar(), one.cell.cellpar(), atol=1e-6)
            assert other.pbc.all()
    assert convert(tmp_path / 'a.dump', tmp_path / 'b.extxyz', frames='-1', progress=False) == 1
    assert read(tmp_path / 'b.extxyz').info['timestep'] == 100
    assert 'ITEM: TIME\n0.2\n' in (tmp_path / 'a.dump').read_text()


@pytest.mark.parametrize('ending', ['dump', 'extxyz', 'vvtraj'])
def test_ovito_reads_what_is_written(tmp_path, ending):
    pytest.importorskip('ovito')
    before = frames()
    source = packed(tmp_path / 'source.vvtraj', before)
    path = tmp_path / f'a.{ending}'
    convert(source, path, progress=False)
    code = (f'from ovito.io import import_file; p = import_file({str(path)!r}); d = p.compute(2); '
            'e = d.particles[next(k for k in d.particles if k in ("local_energy", "Potential Energy"))]; '
            'print(p.source.num_frames, d.particles.count, [float(x) for x in e[:2]], '
            'd.particles.particle_types.type_by_id(d.particles.particle_types[0]).name)')  # fmt: skip
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    energies = before[2].arrays['local_energy'][:2]
    count, atoms, *rest = done.stdout.split(maxsplit=2)
    assert (count, atoms) == ('3', '16')
    assert rest[0].strip().endswith('] Li')
    found = rest[0].strip().removesuffix(' Li').strip('[]').split(', ')
    np.testing.assert_allclose([float(x) for x in found], energies, atol=2e-6)


def test_velocities_and_forces_are_in_metal_units(tmp_path):
    atoms = Atoms('Li', cell=[5, 5, 5], pbc=True)
    atoms.set_velocities([[0.01, 0, 0]])  # Å per unit of time of ASE, 10.18 fs
    atoms.calc = SinglePointCalculator(atoms, forces=[[0, 0, 2.5]])
    write(tmp_path / 'a.traj', atoms)
    convert(tmp_path / 'a.traj', tmp_path / 'a.lammpstrj', progress=False)
    names, values = (tmp_path / 'a.lammpstrj').read_text().splitlines()[-2:]
    row = dict(zip(names.split()[2:], values.split()))
    assert float(row['vx']) == pytest.approx(0.01 * 98.2269, rel=1e-4)
    assert float(row['fz']) == 2.5


def test_data_files_with_an_element_map(tmp_path, capsys):
    atoms = frames('box', 1)[0]
    atoms.symbols[0] = 'H'
    write(tmp_path / 'a.extxyz', atoms)
    assert main(['convert', str(tmp_path / 'a.extxyz'), str(tmp_path / 'a.data'), '--types', 'Li', 'H']) == 0
    assert '1 frame' in capsys.readouterr().out
    text = (tmp_path / 'a.data').read_text()
    assert '2 atom types' in text
    convert(tmp_path / 'a.data', tmp_path / 'b.extxyz', types=['Li', 'H'], progress=False)
    back = read(tmp_path / 'b.extxyz')
    assert back.get_chemical_symbols() == atoms.get_chemical_symbols()
    np.testing.assert_allclose(back.get_all_distances(mic=True), atoms.get_all_distances(mic=True), atol=1e-6)
    bare = text[: text.index('Masses')] + text[text.index('Atoms #') :]
    (tmp_path / 'bare.data').write_text(bare[: bare.index('Atom Type Labels')] + bare[bare.index('Atoms #') :]
                                        if 'Atom Type Labels' in bare else bare)  # fmt: skip
    with pytest.raises(StructureFileError, match='does not name their elements; --types Li'):
        convert(tmp_path / 'bare.data', tmp_path / 'c.extxyz', progress=False)
    convert(tmp_path / 'bare.data', tmp_path / 'c.extxyz', types=['Na', 'K'], progress=False)
    assert set(read(tmp_path / 'c.extxyz').symbols) == {'Na', 'K'}


def test_a_dump_without_elements_needs_a_map(tmp_path):
    convert(packed(tmp_path / 'a.vvtraj', frames()), tmp_path / 'a.dump', progress=False)
    text = (tmp_path / 'a.dump').read_text()
    (tmp_path / 'b.dump').write_text(text.replace(' element ', ' ').replace(' Li ', ' '))
    with pytest.raises(StructureFileError, match='does not name their elements; --types Li'):
        convert(tmp_path / 'b.dump', tmp_path / 'b.extxyz', progress=False)
    assert convert(tmp_path / 'b.dump', tmp_path / 'b.extxyz', types=['Li'], progress=False) == 3
    assert set(read(tmp_path / 'b.extxyz').symbols) == {'Li'}


def test_mistakes_leave_no_file(tmp_path):
    source = packed(tmp_path / 'a.vvtraj', frames())
    for target, settings, message in (
        ('a.data', {}, 'holds one structure; choose a frame'),
        ('a.nothing', {}, 'tells no format'),
        ('a.extxyz', {'format': 'magres-wrong'}, 'cannot be written'),
        ('a.dump', {'types': ['H']}, 'the elements Li have no type'),
    ):
        with pytest.raises(ValueError, match=message):
            convert(source, tmp_path / target, progress=False, **settings)
        assert sorted(p.name for p in tmp_path.iterdir()) == ['a.vvtraj']
    with pytest.raises(FileExistsError, match='is one of the files to read'):
        convert(source, source, overwrite=True)
    with pytest.raises(StructureFileError, match='contains no structures in the range 7'):
        convert(source, tmp_path / 'a.extxyz', frames='7', progress=False)
    with pytest.raises(FileNotFoundError, match='there is no file'):
        convert(tmp_path / 'none', tmp_path / 'a.dump', progress=False)


@pytest.mark.parametrize('ending', ['vvtraj', 'extxyz', 'dump', 'traj'])
def test_frames_are_counted_for_the_bar(tmp_path, ending):
    source = packed(tmp_path / 'source.vvtraj', frames(n=7))
    convert(source, tmp_path / f'a.{ending}', progress=False)
    assert estimated_frames(tmp_path / f'a.{ending}') == 7


def test_what_cannot_be_counted(tmp_path):
    (tmp_path / 'a').write_text('nothing\n')
    assert estimated_frames(tmp_path / 'a') is None
    assert estimated_frames(tmp_path / 'none') is None
