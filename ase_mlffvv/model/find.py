"""Find the potential that a user specifies by nothing, a name, a path, a folder, or the object itself."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from .potential import VVPotential

DEFAULT = 'li-pbe-2-fast'


def shipped() -> list[str]:
    """Names of the potentials that come with the package."""
    return sorted(
        p.name.removesuffix('.vv') for p in files('ase_mlffvv.potentials').iterdir() if p.name.endswith('.vv')
    )


def find_potential(model: str | Path | VVPotential | None = None) -> VVPotential:
    """Potential for a calculator.

    Parameters
    ----------
    model : None, str, Path or VVPotential
        None is the lithium potential of the package. A string may be the name of a potential of the package
        (``'li-pbe-2-accurate'``), a ``.vv`` file or a folder of the original PWMLFF programs.

    Raises
    ------
    FileNotFoundError, VVFileError
        The file is missing or damaged.
    TypeError
        ``model`` is of another type.
    """
    if isinstance(model, VVPotential):
        return model
    if model is None:
        model = DEFAULT
    if not isinstance(model, (str, Path)):
        raise TypeError(f'model must be a path, the name of a shipped potential or a VVPotential, got {model!r}')
    if str(model) in shipped() and not Path(model).exists():
        return VVPotential.load(str(files('ase_mlffvv.potentials') / f'{model}.vv'))
    if not Path(model).exists():
        raise FileNotFoundError(
            f"'{model}' does not exist, and is no potential of the package; these are {', '.join(shipped())} "
            '(mlffvv models describes them)'
        )
    if Path(model).is_dir():
        return VVPotential.from_pwmlff(model)
    return VVPotential.load(model)
