"""Long work in folders: runs that can be watched, interrupted and resumed.

Names are imported on first use, because importing :mod:`.folder`, which the analysis also uses, must be fast.
"""

from importlib import import_module

_WHERE = {
    'Interrupted': 'run',
    'JobFolder': 'folder',
    'RunSettings': 'settings',
    'read_log': 'record',
    'read_settings': 'run',
    'resume': 'run',
    'start': 'run',
    'summary': 'record',
}

__all__ = sorted(_WHERE)


def __getattr__(name):
    if name in _WHERE:
        return getattr(import_module(f'.{_WHERE[name]}', __name__), name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
