"""Examples in docstrings give what they say. Those that need another program are marked ``# doctest: +SKIP``."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {'ase_mlffvv': 'ase_mlffvv', 'analysis': 'mlffvv_analysis'}  # folder: package


def modules_with_examples():
    """Names of all modules with examples."""
    names = []
    for folder, package in PACKAGES.items():
        for path in sorted((ROOT / folder).rglob('*.py')):
            if '>>> ' in path.read_text():
                parts = path.relative_to(ROOT / folder).with_suffix('').parts
                names.append('.'.join([package, *parts]).removesuffix('.__init__'))
    return names


@pytest.mark.parametrize('name', modules_with_examples())
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    tests = [test for test in doctest.DocTestFinder().find(module, name) if test.examples]
    assert tests, f'{name} has >>> outside of docstrings of public names'
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    written = []
    for test in tests:
        runner.run(test, out=written.append)
    assert runner.summarize(verbose=False).failed == 0, ''.join(written)


def test_an_example_that_is_wrong_is_found():
    test = doctest.DocTestParser().get_doctest('>>> 1 + 1\n3\n', {}, 'wrong', None, 0)
    assert doctest.DocTestRunner(verbose=False).run(test, out=lambda text: None).failed == 1
