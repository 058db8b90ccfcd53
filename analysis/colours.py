"""Colours of atoms by results of the analysis, the same in OVITO, matplotlib, pages and legends.

They are told apart without full colour vision: Okabe and Ito's set, and maps that grow lighter throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ase_mlffvv.pages.style import PALETTE

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, YELLOW = (
    tuple(int(code[k : k + 2], 16) / 255 for k in (1, 3, 5)) for code in PALETTE[:7]
)
GREY = (0.75, 0.75, 0.75)
PHASE_COLOURS = {0: GREY, 1: GREEN, 2: VERMILION, 3: BLUE, 4: YELLOW}
CLASS_COLOURS = {-1: (0.95, 0.95, 0.95), 0: YELLOW, 1: BLUE, 2: VERMILION, 3: SKY}
GRAIN_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY, VERMILION, (0.35, 0.30, 0.25))


@dataclass(frozen=True)
class Colouring:
    """How an array becomes colours.

    Attributes
    ----------
    label : str
        Name of the quantity, with its unit.
    colours : dict or None
        Colour of each integer value; None for a continuous scale.
    names : dict
        Meaning of the integer values, for a legend.
    cmap : str
        Colour map of a continuous scale.
    limits : (float, float) or None
        Limits of a continuous scale; None stands for the 2 % and 98 % quantiles.
    """

    label: str
    colours: dict | None = None
    names: dict | None = None
    cmap: str = 'viridis'
    limits: tuple | None = None


_PHASE_NAMES = {3: 'bcc', 1: 'fcc', 2: 'hcp', 0: 'other'}
_CLASS_NAMES = {0: 'surface', 3: 'below surface', 1: 'grain interior', 2: 'boundary, disordered'}
COLOURINGS = {
    'phase': Colouring('crystal structure (template matching)', PHASE_COLOURS, _PHASE_NAMES),
    'phase_acna': Colouring('crystal structure (a-CNA)', PHASE_COLOURS, _PHASE_NAMES),
    'class': Colouring('class of atom', CLASS_COLOURS, _CLASS_NAMES),
    'grain': Colouring('grain', {-1: GREY, **dict(enumerate(GRAIN_COLOURS))},
                       {**{k: f'grain {k + 1}' for k in range(len(GRAIN_COLOURS))}, -1: 'none'}),
    'coordination': Colouring('coordination number', limits=(2, 14)),
    'local_energy': Colouring('atomic energy (eV)', cmap='plasma'),
    'displacement': Colouring('displacement (Å)', cmap='cividis'),
    'grade': Colouring('extrapolation grade', cmap='cividis', limits=(0, 1)),
}  # fmt: skip


def colouring(name: str) -> Colouring:
    """Colouring of an array; a continuous scale for unknown names."""
    return COLOURINGS.get(name, Colouring(name))


def limits_of(name: str, *values: ArrayLike) -> tuple[float, float] | None:
    """Limits of a common scale for the arrays of several structures."""
    fixed = colouring(name).limits
    if fixed is not None:
        return fixed
    every = np.concatenate([np.asarray(v, float).ravel() for v in values]) if values else np.zeros(0)
    every = every[np.isfinite(every)]
    if len(every) == 0:
        return 0.0, 1.0
    low, high = np.quantile(every, [0.02, 0.98])
    return (float(low), float(high)) if high > low else (float(low), float(low) + 1.0)


def rgb(name: str, values: ArrayLike, limits: tuple[float, float] | None = None) -> np.ndarray:
    """Colour of each atom, shape (n_atoms, 3), components from 0 to 1; atoms without a finite value are grey."""
    style, values = colouring(name), np.asarray(values)
    if style.colours is not None:
        count = len(GRAIN_COLOURS)
        whole = np.where(values >= count, values % count, values) if name == 'grain' else values
        out = np.tile(np.array(GREY), (len(values), 1))
        for number, colour in style.colours.items():
            out[whole == number] = colour
        return out
    import matplotlib

    low, high = limits or limits_of(name, values)
    with np.errstate(invalid='ignore'):
        out = matplotlib.colormaps[style.cmap](np.clip((values - low) / (high - low), 0, 1))[:, :3]
    out[~np.isfinite(values.astype(float))] = GREY
    return out
