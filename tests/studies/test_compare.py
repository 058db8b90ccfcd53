"""Groups of runs side by side."""

import numpy as np
import pandas
import pytest

from ase_mlffvv.cli import main
from ase_mlffvv.studies.compare import KEY, difference_table, group_runs, read_study
from ase_mlffvv.studies.plan import Plan
from ase_mlffvv.studies.results import write_results

from ..pages.test_page import tags


def table(height, noise=0.0):
    time = np.arange(0, 10.1, 0.5)
    return pandas.DataFrame({'time_ps': time, 'height_A': height - time, 'aspect': 1 + noise + 0 * time})


def runs_in(folder, name, heights):
    for seed, height in enumerate(heights):
        path = folder / name / f'seed-{seed}'
        path.mkdir(parents=True)
        table(height, 0.01 * seed).to_parquet(path / 'timeline.parquet')
        yield path


def test_a_difference_is_found_and_told(tmp_path, capsys):
    first = list(runs_in(tmp_path, 'cold', [80.0, 81, 80, 79, 80]))
    second = list(runs_in(tmp_path, 'hot', [60.0, 61, 60, 62, 60]))
    out = tmp_path / 'out'
    assert main(['compare', *map(str, first + second), '--columns', 'height_A', 'aspect', '-o', str(out)]) == 0
    text = capsys.readouterr().out
    assert 'first: cold (5 runs), second: hot (5 runs)' in text
    found = pandas.read_csv(f'{out}.csv').set_index('quantity')
    row = found.loc['height_A']
    assert row['difference'] == pytest.approx(-19.4)
    assert row['low'] < -19.4 < row['high'] < -17
    assert row['p_adjusted'] < 0.05
    assert row['p_adjusted'] >= max(row['p_welch'], row['p_permutation'])
    assert row['effect_size'] < -10
    assert 0.5 < row['detectable'] < 3
    assert abs(found.loc['aspect', 'effect_size']) < 0.1
    assert out.with_suffix('.png').stat().st_size > 5000
    assert main(['compare', *map(str, first + second), '-o', str(out)]) == 1
    assert 'exists already' in capsys.readouterr().err


def test_values_at_times():
    found = difference_table([table(80)] * 2, [table(70)] * 2, ['height_A'], [4, 6])
    assert list(found['time_ps']) == [4, 6]
    np.testing.assert_allclose(found['mean_1'], [76, 74])
    one = difference_table([table(80)], [table(70)] * 2, ['height_A'])
    assert one['difference'].item() == -10
    assert one[['low', 'high', 'p_welch', 'p_adjusted']].isna().all(axis=None)
    with pytest.raises(ValueError, match="no timeline has the column 'hight'"):
        difference_table([table(80)], [table(70)], ['hight'])


def test_groups(tmp_path, capsys):
    runs = list(runs_in(tmp_path, 'a', [80.0])) + list(runs_in(tmp_path / 'b', 'a', [80.0]))
    assert list(group_runs(runs)) == [str(tmp_path / 'a'), str(tmp_path / 'b' / 'a')]
    assert main(['compare', str(runs[0])]) == 1
    assert 'expected runs of two or more folders' in capsys.readouterr().err
    with pytest.raises(FileNotFoundError, match='is not the folder of a run'):
        group_runs([tmp_path])


def test_results_of_a_study(tmp_path):
    """Only conditions of the plan count; verdicts come from conditions that play a part."""
    for name, heights in (('mine', [80.0, 81]), ('other', [70.0, 71])):
        list(runs_in(tmp_path, name, heights))
    assert list(read_study(tmp_path)['mine']) == [0, 1]
    plan = Plan('p', {'mine': None, 'other': None}, claims={'column-250': 'mine'}, compare=(('mine', 'other'),))
    more = ('acna_fcc_top', 'acna_hcp_top', 'twin_trace_deg', 'twin_extent_A', 'top_dx_A', 'top_dy_A', 'top_dz_A')
    columns = dict.fromkeys((*KEY[2:], *more), 0.0)
    for path in tmp_path.glob('*/*/timeline.parquet'):
        pandas.read_parquet(path).assign(**columns).to_parquet(path)
    assert len(write_results(plan, tmp_path)) == 20
    assert (tmp_path / 'verdicts.csv').exists()
    assert (tmp_path / 'bands.png').stat().st_size > 5000
    found = tags((tmp_path / 'study.html').read_text())
    assert sum(tag == 'table' for tag, _ in found) == 3
    assert any('mine (2) from' in a.get('aria-label', '') for _, a in found)
