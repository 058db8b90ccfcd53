"""Calculators that make labels: by name, or by the import path of a function."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import io
import textwrap
import tokenize
from pathlib import Path

# name -> import path of a function (atoms, safe, directory, **settings) -> ASE calculator; functions whose calculators
# need three cell vectors have the attribute periodic = True, and those that need a package its name in requires
ENGINES = {
    'emt': 'ase_mlffvv.labelling.engines:emt',
    'gpaw': 'ase_mlffvv.labelling.engines:gpaw',
    'vv': 'ase_mlffvv.labelling.engines:vv',
}


def emt(atoms, safe, directory):
    """ASE's effective medium theory, for tests: Al, Ni, Cu, Pd, Ag, Pt, Au."""
    from ase.calculators.emt import EMT

    return EMT()


def vv(atoms, safe, directory, model=None):
    """A VV force field; ``model`` is as for VVCalculator, by default the lithium potential of the package."""
    from ..calculators import VVCalculator

    return VVCalculator(model, on_extrapolation='ignore')  # structures to be labelled are usually new


def gpaw(atoms, safe, directory, solvent=None, **settings):
    """GPAWSolvent; ``solvent`` is ``'pc_dme'``, ``'water'``, the fields of a Solvent, or None for vacuum."""
    from ..dft.gpaw import GPAWSolvent
    from ..dft.solvent import Solvent

    if isinstance(solvent, str):
        if solvent not in ('pc_dme', 'water'):
            raise ValueError(f"solvent must be 'pc_dme', 'water', the fields of a Solvent or None, got {solvent!r}")
        solvent = getattr(Solvent, solvent)()
    if safe:  # allow more iterations; settings that change the energy stay the same
        settings['maxiter'] = 3 * settings.get('maxiter', 200)
    return GPAWSolvent(solvent, txt=str(Path(directory) / 'gpaw.txt'), **settings)


gpaw.periodic = True  # type: ignore[attr-defined]
gpaw.requires = 'gpaw'  # type: ignore[attr-defined]


def find_engine(calculator):
    """Function that makes the calculator, and its name.

    Parameters
    ----------
    calculator : str or callable
        A name of ``ENGINES``, an import path ``'module:function'``, or a function of a module.

    Returns
    -------
    function, name

    Raises
    ------
    ValueError
        The name is unknown, or the import path cannot be imported.
    TypeError
        The calculator is not a function that other processes can import.
    """
    if callable(calculator):
        return calculator, _path(calculator)
    if not isinstance(calculator, str):
        raise TypeError(f"calculator must be a function, a name or 'module:function', got {calculator!r}")
    path = ENGINES.get(calculator, calculator)
    module, colon, function = path.partition(':')
    if not (colon and module and function):
        raise ValueError(
            f"no calculator '{calculator}'; known: {', '.join(ENGINES)}, or the import path of a function of your own, "
            "such as 'my_dft:make'"
        )
    try:
        found = getattr(importlib.import_module(module), function)
    except ImportError as error:
        raise ValueError(
            f"calculator '{path}' cannot be imported: {error}. Run in the folder of {module}.py, or install what is "
            'missing.'
        ) from error
    except AttributeError:
        raise ValueError(f"calculator '{path}': module '{module}' has no '{function}'") from None
    if not callable(found):
        raise TypeError(f"calculator '{path}' is {found!r}, not a function")
    return found, calculator


def check_settings(function, name, settings):
    """Raise TypeError unless the function accepts these settings."""
    signature = inspect.signature(function)
    try:
        signature.bind(None, safe=False, directory='', **settings)
    except TypeError as error:
        known = [key for key in list(signature.parameters)[1:] if key not in ('safe', 'directory')]
        raise TypeError(
            f"calculator '{name}': {error}. It is called as function(atoms, safe=..., directory=..., **settings); "
            f'its settings: {", ".join(known) or "none"}; got: {", ".join(settings) or "none"}'
        ) from None


def check_program(function, name):
    """Raise ImportError, once and not for each structure, unless the package that a calculator needs is installed."""
    package = getattr(function, 'requires', None)
    if package and importlib.util.find_spec(package) is None:
        raise ImportError(
            f"calculator '{name}' needs {package}, which is not installed. The README says how to install it (With "
            f'{package.upper()}).'
        )


def code_of(function, name):
    """Digest of the source of a function without comments and spaces; None for named engines or without source."""
    if name in ENGINES:
        return None
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return None
    words = (token.string for token in tokenize.generate_tokens(io.StringIO(text).readline)
             if token.type != tokenize.COMMENT)  # fmt: skip
    return hashlib.sha256(''.join(''.join(words).split()).encode()).hexdigest()[:16]


def _path(function):
    module, name = getattr(function, '__module__', None), getattr(function, '__qualname__', '')
    home = importlib.import_module(module) if module else None
    if getattr(home, name, None) is not function:
        raise TypeError(
            f'calculator must be a function defined at the top of a module, which other processes can import; got '
            f'{function!r}. Give values to it as settings={{...}}.'
        )
    if module == '__main__' and not hasattr(home, '__file__'):
        raise TypeError(f"'{name}' was defined in an interactive session, where other processes cannot find it; put it "
                        'into a file and import it')  # fmt: skip
    if module == '__main__':  # use the same name whether the file is run or imported
        spec = getattr(getattr(home, '__spec__', None), 'name', None)
        module = spec or Path(home.__file__).stem
    return f'{module}:{name}'
