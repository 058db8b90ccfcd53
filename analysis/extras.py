"""Import of optional packages where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def need(module: str, extra: str = 'analysis') -> ModuleType:
    """Import a package of an extra.

    Raises
    ------
    ImportError
        If the package is not installed; the message says how to install it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = {'sklearn': 'scikit-learn', 'yaml': 'pyyaml'}.get(module.split('.')[0], module.split('.')[0])
        raise ImportError(
            f'this function needs {package}, which could not be imported ({error}); install it with: '
            f'pip install "ase-mlffvv[{extra}]"'
        ) from error
