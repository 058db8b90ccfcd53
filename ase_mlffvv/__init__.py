"""Vector-vector machine-learned force fields for lithium dendrites, as ASE calculators.

Names are imported when first used: ASE loads this package for its file formats, which must stay cheap.
"""

from importlib import import_module

__version__ = '0.2.0'

_WHERE = {
    'CommitteeCalculator': 'calculators',
    'PWmat': 'dft',
    'Solvent': 'dft',
    'VVCalculator': 'calculators',
    'VVPotential': 'model',
    'VVSpec': 'model',
    'fit': 'fitting',
    'FitReport': 'fitting',
    'FitWeights': 'fitting',
    'accuracy': 'fitting',
    'label': 'labelling',
    'read_frames': 'io.datasets',
    'refit': 'fitting',
}

__all__ = [*sorted(_WHERE), '__version__']


def __getattr__(name):
    if name in _WHERE:
        module = f'{__name__}.{_WHERE[name]}'
        try:
            value = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            raise ImportError(
                f'{name} is not part of mlffvv-analysis, which is installed; the force field is in the distribution '
                'ase-mlffvv: pip uninstall mlffvv-analysis && pip install ase-mlffvv'
            ) from error
        globals()[name] = value
        return value
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


def __dir__():
    return sorted([*globals(), *_WHERE])
