"""Verdicts on made-up timelines: the paper's story is supported, its opposite is not, one run decides nothing."""

import inspect

import numpy as np
import pandas
import pytest
from mlffvv_analysis.statistics import Estimate

from ase_mlffvv.studies.claims import CLAIMS, ROLES, Criterion, Verdict, judge
from ase_mlffvv.studies.claims.criteria import at, late, most, smoothed

TIME = np.arange(0, 200.1, 0.5)


def ramp(start, stop, t0=1.0, t1=40.0):
    return np.interp(TIME, [t0, t1], [start, stop])


def flat(value):
    return np.full(len(TIME), float(value))


def story(role, rng):
    """A run that does what the paper tells."""
    hot, a, b = role == 'column-350', role == 'cuboid-a', role == 'cuboid-b'
    height = np.interp(TIME, [0, 20, 200], [87, 58, 31] if role != 'adatoms' else [87, 86, 86])
    surface = {'cuboid-a': ramp(-1.60, -1.622), 'cuboid-b': ramp(-1.61, -1.614)}.get(role, ramp(-1.6, -1.63))
    boundary = -1.8 + np.interp(TIME, [0, 5, 200], [0, 0.05, 0.004])
    out = {
        'time_ps': TIME, 'height_A': height, 'aspect': flat(1.0), 'convexity': flat(0.95),
        'kink_deg': flat(25.0), 'acna_fcc_top': np.interp(TIME, [0, 5, 25], [0, 0.5, 0.05]),
        'acna_hcp_top': np.zeros_like(TIME), 'ptm_bcc_column': np.interp(TIME, [0, 5, 25], [1, 0.3, 0.9]),
        'ptm_other_column': np.zeros_like(TIME), 'top_misorientation_deg': ramp(0, 50, 2, 10),
        'bottom_misorientation_deg': flat(2.0), 'n_grains_100': flat(4.0 if a or b else 3.0),
        'twin_trace_deg': flat(35.3), 'twin_angle_deg': flat(70.5),
        'twin_extent_A': flat(30.0),
        'foot_110_A': ramp(35, 50, 0, 20), 'foot_1m10_A': ramp(35, 50, 0, 20),
        'foot_100_A': ramp(35, 40, 0, 20), 'foot_010_A': ramp(35, 40, 0, 20),
        'e_surface_eV': surface + np.interp(TIME, [40, 200], [0, 0.008]),
        'e_bulk_eV': ramp(-1.85, -1.853), 'n_surface': flat(1500.0), 'n_bulk_column': flat(2500.0),
        'e_boundary_eV': boundary, 'e_interior_eV': flat(-1.8),
        'n_boundary_column': flat(300.0), 'e_bcc_interior_eV': flat(-1.86),
        'e_top_minus_bottom_grain_eV': flat(0.0005), 'largest_bcc_share': flat(0.95),
        'cn_surface': {'cuboid-a': ramp(5.45, 5.83), 'cuboid-b': ramp(6.25, 5.83)}.get(role, ramp(5.6, 5.83, 1, 12.5)),
        'abs_dz_all_A': np.interp(TIME, [0, 20, 200], [0, 12 if hot else 6, 15.5]),
        'dxy_all_A': np.interp(TIME, [0, 33, 41, 80, 200], [0, 4, 4, 7.4, 7.8] if not b else [0, 6, 6, 11, 12.5]),
        'top_dx_A': 0.1 * TIME, 'top_dy_A': 0.1 * TIME, 'top_dz_A': -0.1 * TIME,
        'torsion_deg': ramp(0, 30 if a else 4), 'top_rotation_z_deg': ramp(0, 30 if a else 3),
        'top_shift_A': ramp(0, 14.7 if a else 26.6), 'e_excess_per_surface_atom_eV': flat(0.3),
        'extrapolated_share': np.zeros_like(TIME), 'adatom_cn': ramp(4, 7), 'cn_terrace': flat(6.0),
        'adatom_relative_msd_A2': 0.3 * TIME, 'adatom_bulk_share': ramp(0, 0.3),
    }  # fmt: skip
    return pandas.DataFrame({k: v * (1 + 1e-6 * rng.normal()) if k != 'time_ps' else v for k, v in out.items()})


@pytest.fixture(scope='module')
def runs():
    rng = np.random.default_rng(0)
    return {role: [story(role, rng) for _ in range(5)] for role in ROLES}


def results(runs, **more):
    return {v.claim: v for v in judge(runs, **more)}


ROUNDS = [{'errors': {'force_mae': e}} for e in (0.05, 0.03, 0.011)]


def test_the_story_of_the_paper_is_supported(runs):
    found = results(runs, rounds=[*ROUNDS, {'converged': 'no atom of a new kind'}])
    assert list(found) == [f'C{k}' for k in range(1, 21)]
    wrong = {name: [(c.name, c.number) for c in v.criteria if c.result != 'reported' and c.result != 'supported']
             for name, v in found.items() if v.result != 'supported'}  # fmt: skip
    assert wrong == {}
    assert found['C16'].criteria[1].estimate.value == pytest.approx(7.8 / 12.5, rel=2e-3)
    assert found['C15'].criteria[3].estimate.value == pytest.approx(22 - 3 * 4, abs=0.5)
    assert found['C10'].criteria[3].estimate.value == pytest.approx(2, rel=0.01)


def test_the_opposite_is_not(runs):
    """Each claim fails when what it says is turned round."""
    still = {role: [t.assign(**{c: t[c].iloc[0] for c in t.columns if c != 'time_ps'}) for t in tables]
             for role, tables in runs.items()}  # fmt: skip
    mirrored = {**runs, 'cuboid-a': runs['cuboid-b'], 'cuboid-b': runs['cuboid-a']}
    bad = {name for name, v in results(still).items() if v.result == 'not supported'}
    bad |= {name for name, v in results(mirrored).items() if v.result == 'not supported'}
    assert {'C1', 'C5', 'C6', 'C9', 'C11', 'C12', 'C13', 'C14', 'C15', 'C16', 'C17', 'C18'} <= bad
    for name, column, value in (('C2', 'n_grains_100', 1), ('C3', 'kink_deg', 3), ('C4', 'twin_trace_deg', 80),
                                ('C7', 'e_boundary_eV', -1.7 + 0.001 * TIME),
                                ('C8', 'e_bcc_interior_eV', -1.8 - 1e-4 * TIME),
                                ('C19', 'e_excess_per_surface_atom_eV', 0.1)):  # fmt: skip
        changed = {**runs, 'column-250': [t.assign(**{column: value}) for t in runs['column-250']]}
        assert results(changed)[name].result == 'not supported', name
    assert results({**runs, 'column-350': runs['column-250']})['C10'].result == 'not supported'
    assert results(runs, rounds=ROUNDS[::-1])['C20'].result == 'not supported'


def test_one_run_and_no_run_decide_nothing(runs):
    one = results({role: tables[:1] for role, tables in runs.items()})
    assert {v.result for v in one.values()} == {'undecided'}
    assert '(1 run)' in one['C2'].criteria[0].number
    none = results({})
    assert {v.result for v in none.values()} == {'undecided'}
    assert none['C5'].criteria[0].number == 'no runs'
    with pytest.raises(ValueError, match='unknown parts column'):
        judge({'column': []})


def test_short_runs_do_not_count(runs):
    """A run of 30 ps says nothing about 200 ps, but about 20 ps."""
    short = {role: [t[t['time_ps'] <= 30] for t in tables] for role, tables in runs.items()}
    first, second = results(short)['C5'].criteria[:2]
    assert (first.estimate.count, second.estimate.count) == (5, 0)
    assert first.result == 'supported'


def test_results_of_intervals():
    def result(low, high, *accepted):
        return Criterion('x', Estimate((low + high) / 2, low, high, 5), *accepted).result

    assert result(1, 2, 0, 3) == 'supported'
    assert result(1, 2, 3, 4) == 'not supported'
    assert result(1, 2, 1.5, 4) == 'undecided'
    assert result(1, 2) == 'reported'
    assert [most('x', [True] * n).result for n in (1, 4, 5)] == ['undecided', 'supported', 'supported']
    assert most('x', [False] * 5).result == 'not supported'
    assert most('x', [True] * 4 + [False]).result == 'undecided'
    parts = tuple(Criterion('x', Estimate(1, 1, 1, 3), low) for low in (0, 2))
    assert Verdict('C0', '', parts).result == 'not supported'
    assert parts[1].accepted == '≥ 2'


def test_windows():
    table = pandas.DataFrame({'time_ps': [0.0, 1, 2, 3, 4], 'x': [5.0, 1, np.nan, 3, 4]})
    assert at(table, 'x', 2, 1) == 2
    assert at(table, 'x', 4, 1) == 3.5
    assert np.isnan(at(table, 'x', 6, 1))
    assert np.isnan(at(table, 'y', 2, 1))
    assert late(table, 'x') == 4
    time, values = smoothed(table, 'x', 2.0)
    np.testing.assert_allclose(time, [0, 1, 3, 4])
    np.testing.assert_allclose(values, [3, 3, 3.5, 3.5])


def test_each_claim_is_told():
    for name, claim in CLAIMS.items():
        assert inspect.getdoc(claim).endswith('.'), name
