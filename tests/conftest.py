from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / 'shared'


def shared(*parts):
    """A path in the folder of reference data beside the checkout; the test is skipped by name without it."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f'reference data {"/".join(parts)} is not here')
    return path


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    """Skip a test that fails because an optional package is not installed; a damaged one is a failure."""
    try:
        return (yield)
    except ImportError as error:
        if isinstance(error.__cause__, ModuleNotFoundError) and 'pip install "ase-mlffvv[' in str(error):
            pytest.skip(str(error))
        raise
