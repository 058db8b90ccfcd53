from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / 'shared'


def shared(*parts):
    """A path in the folder of reference data beside the checkout; the test is skipped by name without it."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f'reference data {"/".join(parts)} is not here')
    return path
