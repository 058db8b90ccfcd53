"""What the benchmarks measure and print, without the codes that they compare with."""

import json
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

from ase_mlffvv.structures import column


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / 'benchmarks')


@pytest.fixture
def needle():
    atoms = column(diameter=2, height=2, box=4)
    atoms.rattle(0.1, seed=0)
    return atoms


def about(codes, **more):
    machine = {'cpu': 'abacus'}
    return {'machine': machine, 'repeats': 3, **more,
            'results': [{'atoms': 2000, 'neighbors_6A': 42.0, 'codes': codes}]}  # fmt: skip


def code(us, **more):
    return {'us': us, 'atoms': 2000, 'about': 'beads', 'finds_pairs': False, **more}


def test_medians_leave_out_the_first_rounds_and_structures_differ(needle):
    from bench_inference import WARM_UP, measure
    from peers import Peer

    seen = []

    def make(atoms):
        times = iter([*[1000.0] * WARM_UP, 5.0, 1.0, 3.0])

        def run(moved):
            seen.append(moved.positions - needle.positions)
            return next(times)

        return run

    found = measure(needle, [Peer('abacus', make, 'beads', pairs=lambda atoms: 2.0)], 3)['abacus']
    assert found['us'] == pytest.approx(3e6 / len(needle))
    assert found['pairs_us'] == pytest.approx(2e6 / len(needle))
    assert 0 < np.abs(seen).max() < 0.02
    assert len(np.unique(np.round(seen, 12), axis=0)) == WARM_UP + 3


def test_a_code_that_cannot_gets_the_smaller_structure(needle):
    from bench_inference import measure
    from peers import Peer

    got = []
    small = bulk('Li', cubic=True)
    peer = Peer('abacus', lambda atoms: lambda moved: got.append(len(moved)) or 1.0, 'beads', largest=10)
    assert measure(needle, [peer], 1, small)['abacus']['atoms'] == 2
    assert set(got) == {2}


def test_the_smaller_needle_stands_for_the_column():
    from bench_inference import neighbors, smaller_needle

    assert len(smaller_needle()) == 1308
    assert neighbors(smaller_needle()) == pytest.approx(neighbors(column()), rel=0.03)


def test_driver_with_what_is_always_there(tmp_path, capsys):
    from bench_inference import main

    main(['--sizes', '4', '--repeats', '1', '--codes', 'li-pbe-2-fast', 'EMT of ASE',
          '--json', str(tmp_path / 'a.json'), '--bars', str(tmp_path / 'a.png')])  # fmt: skip
    printed = capsys.readouterr().out
    found = json.loads((tmp_path / 'a.json').read_text())
    codes = found['results'][0]['codes']
    assert set(codes) == {'li-pbe-2-fast', 'EMT of ASE'}
    assert all(0 < c['us'] < 1e6 for c in codes.values())
    assert codes['li-pbe-2-fast']['pairs_us'] > 0
    assert found['machine']['versions']['numpy'] == np.__version__
    assert '| EMT of ASE |' in printed
    assert (tmp_path / 'a.png').read_bytes().startswith(b'\x89PNG')


def test_missing_codes_are_left_out_with_a_hint(monkeypatch, capsys):
    import peers

    absent = peers.Peer('abacus', None, 'beads', modules=('abacus_of_beads',), package='beads')
    monkeypatch.setattr(peers, 'PEERS', [absent, peers.our_peer('li-pbe-2-fast')])
    assert [peer.name for peer in peers.here()] == ['li-pbe-2-fast']
    assert 'pip install beads' in capsys.readouterr().out
    with pytest.raises(ValueError, match='no such code: sand; there are abacus'):
        peers.here(['sand'])


def test_copper_has_its_own_density(needle):
    from peers import as_copper

    crystal = as_copper(bulk('Li', a=3.44))
    assert crystal.get_volume() == pytest.approx(3.61**3 / 4)
    scaled = as_copper(needle)
    ratio = scaled.get_distance(0, 50) / needle.get_distance(0, 50)
    assert ratio**3 == pytest.approx(scaled.get_volume() / needle.get_volume())


def test_table_and_goals():
    from report import goals, summary, table

    codes = {'SNAP': code(1234.0), 'li-pbe-2-fast': code(10.0), 'MACE 64x0e': code(400.0, finds_pairs=True, atoms=9)}
    measured = about(codes)
    assert table(measured, measured['results'][0]).splitlines() == [
        '|  | µs per atom and step | li-pbe-2-fast = 1 | what |',
        '| --- | --- | --- | --- |',
        '| li-pbe-2-fast | 10 | 1.0 | beads |',
        '| MACE 64x0e | 400 | 40 | beads; with finding pairs; on 9 atoms |',
        '| SNAP | 1 230 | 123 | beads |',
    ]
    reached, missed = goals(measured['results'][0])
    assert reached == 'SNAP takes 123 times as long as li-pbe-2-fast; wanted: 20 or more'
    assert missed.endswith('40 times as long as li-pbe-2-fast; wanted: 50 or more: NOT REACHED')
    assert '| 7.1 |' in summary(about(codes, force_error_meV_per_A={'SNAP': 7.07}))


def test_error_against_time_needs_errors(tmp_path):
    from report import tradeoff

    with pytest.raises(ValueError, match='--test FILE'):
        tradeoff(about({'SNAP': code(1.0)}), tmp_path / 'a.png')
    tradeoff(about({'SNAP': code(1.0)}, force_error_meV_per_A={'SNAP': 7.0}), tmp_path / 'a.png')
    assert (tmp_path / 'a.png').exists()


def test_size_of_a_random_nep(tmp_path):
    """42 descriptors: 7 radial, 7 times 4 + 1 angular; 30 neurons with 44 numbers each, a bias; 2 times 49; scaling."""
    from random_models import write_nep

    write_nep(tmp_path / 'nep.txt')
    lines = (tmp_path / 'nep.txt').read_text().splitlines()
    assert lines[0] == 'nep4 1 Li'
    assert lines[1:6] == ['cutoff 8.0 4.0 200 200', 'n_max 6 6', 'basis_size 6 6', 'l_max 4 2 0', 'ANN 30 0']
    assert len(lines[6:]) == 30 * 44 + 1 + 2 * 49 + 42


def installed(name):
    from peers import PEERS

    peer = next(peer for peer in PEERS if peer.name == name)
    if peer.missing():
        pytest.skip(peer.missing())
    return peer


def test_nep_reads_the_random_model(needle):
    run = installed('NEP, default size').make(needle)
    energies = []
    for step in (1e-4, -1e-4):
        moved = needle.copy()
        moved.positions[7, 1] += step
        assert run(moved) > 0
        energies.append(run.calc.results['energy'])
    assert (energies[1] - energies[0]) / 2e-4 == pytest.approx(run.calc.results['forces'][7, 1], rel=1e-2)


@pytest.mark.parametrize('name', ['SNAP', 'quadratic SNAP', 'MEAM', 'EIM'])
def test_lammps_evaluates_the_structure_that_is_timed(needle, name):
    peer = installed(name)
    run = peer.make(needle)
    energies = []
    for step in (1e-4, -1e-4):
        moved = needle.copy()
        moved.positions += 0.01 * np.random.default_rng(0).normal(size=moved.positions.shape)
        forces = peer.make(moved).forces()
        moved.positions[7, 1] += step
        assert run(moved) > 0
        energies.append(run.energy())
        np.testing.assert_allclose(run.forces(), peer.make(moved).forces(), atol=1e-9)
    assert (energies[1] - energies[0]) / 2e-4 == pytest.approx(forces[7, 1], abs=1e-5)


def test_soak_tells_memory_drift_and_momentum(tmp_path):
    """Two parts in this process; the program runs each in a process of its own."""
    from soak import part, tell

    settings = {'frame_interval': 10, 'checkpoint_interval': 10, 'temperature': 100.0}
    for end in (20, 40):
        part(tmp_path / 'run', 90, settings, end, 1, seconds=0.05)
    found = tell(tmp_path / 'run')
    assert (found['steps'], found['parts']) == (40, 2)
    assert 0.5 < found['memory_growth'] < 2
    assert all(first > 50 for first, _ in found['memory_MB'])
    assert 0 < abs(found['drift_meV_per_atom']) < 1
    assert max(found['speed_A_per_ps']) < 1e-6
