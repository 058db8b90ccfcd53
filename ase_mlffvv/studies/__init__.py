"""Studies: conditions and seeds become runs, runs become timelines, and timelines become bands, tests and verdicts."""

from importlib import import_module

_WHERE = {
    'Plan': 'plan',
    'difference_table': 'compare',
    'judge': 'claims',
    'read_plan': 'plan',
    'read_study': 'compare',
    'study': 'runner',
    'write_results': 'results',
}

__all__ = sorted(_WHERE)


def __getattr__(name):
    if name in _WHERE:
        return getattr(import_module(f'.{_WHERE[name]}', __name__), name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
