import os
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


def fail_if_missing(report):
    """Turn a skip for lack of a package into a failure: ``make test-all`` installs all of them."""
    reason = str(report.longrepr)
    if os.environ.get('MLFFVV_ALL') and report.skipped and ('not installed' in reason or 'could not import' in reason):
        report.outcome, report.longrepr = 'failed', f'make test-all installs what this test needs: {reason}'
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Reports of tests."""
    return fail_if_missing((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Reports of files that skip all their tests."""
    return fail_if_missing((yield))
