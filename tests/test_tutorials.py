"""The tutorials run as notebooks, and the stored notebooks are pairs of the Python files."""

import importlib.util
import re

import pytest

from .documents import ROOT

TUTORIALS = sorted((ROOT / 'tutorials').glob('*.py'))
each = pytest.mark.parametrize('path', TUTORIALS, ids=lambda p: p.stem)


@pytest.fixture(scope='module')
def notebooks():
    """The module docs/notebooks.py."""
    for package in ('jupytext', 'nbclient', 'ipykernel', 'ovito', 'pandas', 'ruptures', 'sklearn'):
        pytest.importorskip(package, reason='the extra test is not installed')
    spec = importlib.util.spec_from_file_location('notebooks', ROOT / 'docs' / 'notebooks.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@each
@pytest.mark.filterwarnings('ignore::RuntimeWarning', 'ignore::DeprecationWarning')  # of jupyter_client
def test_tutorials_run(path, notebooks, tmp_path):
    found = notebooks.execute(path, tmp_path, timeout=120)
    outputs = [output for cell in found.cells for output in cell.get('outputs', ())]
    assert any(output.output_type in ('stream', 'execute_result') for output in outputs)


@each
def test_stored_notebooks_are_pairs(path, notebooks):
    import jupytext

    python, notebook = jupytext.read(path), jupytext.read(path.with_suffix('.ipynb'))
    assert [(c.cell_type, c.source) for c in python.cells] == [(c.cell_type, c.source) for c in notebook.cells]
    assert any(cell.get('outputs') for cell in notebook.cells)
    stored = path.with_suffix('.ipynb').read_text()
    assert len(stored) < 700_000
    assert not re.search(r'/(home|root|work|tmp)/', stored)


@each
def test_tutorials_take_no_arguments(path):
    assert 'sys.argv' not in path.read_text()
