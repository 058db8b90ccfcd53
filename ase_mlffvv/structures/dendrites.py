"""Body-centred cubic columns on a (001) substrate: the systems of the paper, with adjustable sizes.

Lengths "in lattice constants" are multiples of ``a``. The Supporting Information of the paper is not available. The
defaults were reconstructed from its text and figures (W. Zhang et al., Adv. Energy Mater. 13, 2202892 (2023), Figs 1, 3
and 4). The 230 atoms of the training cell confirm them.
"""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms

from ..checks import check_element, check_number, check_whole
from ..memory import check_n_atoms

SUBSTRATE, COLUMN, ADATOM = 0, 1, 2
A_LITHIUM = 3.44  # Å, PBE


def training_cell(
    cells: int = 6,
    substrate_layers: int = 5,
    diameter: float = 4.0,
    column_layers: int = 4,
    vacuum: float = 5.0,
    a: float = A_LITHIUM,
    element: str = 'Li',
) -> Atoms:
    """The paper's small dendrite for DFT: 6 x 6 cells, 5 layers (180 atoms) and a column of 12 + 13 + 12 + 13 atoms.

    Parameters
    ----------
    cells : int
        Number of cubic cells along x and y.
    substrate_layers, column_layers : int
        Numbers of atomic layers, half a lattice constant apart.
    diameter, vacuum : float, in lattice constants
        Diameter of the column, and empty space between the highest atom and the next image of the lowest atom.
    a : float, Å
        Lattice constant.
    element : str

    Returns
    -------
    Atoms
        Structure periodic in three directions; ``tags`` are SUBSTRATE (0) and COLUMN (1).
    """
    return _dendrite(_disc(diameter), cells, substrate_layers, column_layers, vacuum, a, element)


def column(
    diameter: float = 10.0,
    height: float = 25.0,
    box: int = 32,
    substrate_layers: int = 5,
    vacuum: float = 5.0,
    a: float = A_LITHIUM,
    element: str = 'Li',
) -> Atoms:
    """Circular column on a substrate; 9 145 atoms with the sizes of the paper.

    Parameters
    ----------
    diameter, height, vacuum : float, in lattice constants
    box : int
        Cubic cells of the substrate along x and y.
    substrate_layers : int
        Atomic layers, half a lattice constant apart.
    a : float, Å
    element : str

    Returns
    -------
    Atoms
        Structure periodic in three directions; ``tags`` are SUBSTRATE (0) and COLUMN (1).
    """
    layers = round(2 * check_number(height, 'height', 'lattice constants', low=0.5, high=1e12))
    return _dendrite(_disc(diameter), box, substrate_layers, layers, vacuum, a, element)


def cuboid(
    face: str = '100',
    side: float = 10.0,
    height: float = 25.0,
    box: int = 32,
    substrate_layers: int = 5,
    vacuum: float = 5.0,
    a: float = A_LITHIUM,
    element: str = 'Li',
) -> Atoms:
    """Square column on a substrate: the paper's cuboid A with {100} side faces, or cuboid B with {110} side faces.

    Parameters
    ----------
    face : {'100', '110'}
        Miller indices of the four side faces.
    side : float, in lattice constants
    height, box, substrate_layers, vacuum, a, element
        As for :func:`column`.
    """
    if str(face) == '100':

        def inside(x, y):
            return np.maximum(np.abs(x), np.abs(y)) <= side / 2 + 1e-9
    elif str(face) == '110':

        def inside(x, y):
            return np.maximum(np.abs(x + y), np.abs(x - y)) / np.sqrt(2) <= side / 2 + 1e-9
    else:
        raise ValueError(f"face must be '100' or '110', got {face!r}")
    layers = round(2 * check_number(height, 'height', 'lattice constants', low=0.5, high=1e12))
    check_number(side, 'side', 'lattice constants', above=0)
    return _dendrite(inside, box, substrate_layers, layers, vacuum, a, element)


def freeze_bottom(atoms: Atoms, layers: int = 1, thickness: float | None = None) -> Atoms:
    """Copy of a structure with its lowest atomic layers fixed.

    Parameters
    ----------
    atoms : Atoms
    layers : int
        Number of atomic layers to fix, counted from the bottom. Heights within 0.1 Å belong to one layer.
    thickness : float, Å, optional
        Instead of ``layers``, fix all atoms up to this height above the lowest atom.

    Returns
    -------
    Atoms
        Structure with a FixAtoms constraint in addition to existing constraints.
    """
    atoms = atoms.copy()
    z = atoms.positions[:, 2]
    if thickness is None:
        layers = check_whole(layers, 'layers', 'atomic layers', low=0)
        heights = np.sort(z)
        starts = heights[np.concatenate([[True], np.diff(heights) > 0.1])] if len(z) else heights
        if layers > len(starts):
            raise ValueError(f'cannot freeze {layers} layers: the structure has {len(starts)}')
        limit = np.inf if layers == len(starts) else starts[layers] - 0.05
        frozen = np.flatnonzero(z < limit) if layers else np.zeros(0, int)
    else:
        thickness = check_number(thickness, 'thickness', 'Å', low=0)
        frozen = np.flatnonzero(z <= z.min(initial=np.inf) + thickness)
    if len(frozen):
        atoms.set_constraint([*atoms.constraints, FixAtoms(frozen)])
    return atoms


def _disc(diameter):
    check_number(diameter, 'diameter', 'lattice constants', above=0)
    return lambda x, y: x**2 + y**2 <= (diameter / 2) ** 2 + 1e-9


def _dendrite(inside, cells, substrate_layers, column_layers, vacuum, a, element):
    """Substrate layers, starting at 0, and above them the layers of a column whose axis is a site of layer 0."""
    cells = check_whole(cells, 'cells', 'cubic cells along x and y', low=1)
    substrate_layers = check_whole(substrate_layers, 'substrate_layers', 'atomic layers', low=1)
    column_layers = check_whole(column_layers, 'column_layers', 'atomic layers', low=1)
    check_number(a, 'a', 'Å', low=0.1, high=100)
    check_number(vacuum, 'vacuum', 'lattice constants', above=0, high=1e6)
    check_n_atoms(cells**2 * (substrate_layers + column_layers), 'Use a smaller box, fewer layers or a lower column.')
    check_element(element)
    axis = cells // 2
    points, tags = [], []
    for layer in range(substrate_layers + column_layers):
        x, y = (np.indices((cells, cells)).reshape(2, -1) + 0.5 * (layer % 2)).astype(float)
        if layer >= substrate_layers:
            chosen = inside(x - axis, y - axis)
            x, y = x[chosen], y[chosen]
        points.append(np.column_stack([x, y, np.full(len(x), layer / 2)]))
        tags += [SUBSTRATE if layer < substrate_layers else COLUMN] * len(x)
    points = np.concatenate(points)
    reach = np.abs(points[np.array(tags) == COLUMN, :2] - axis).max(initial=0.0)
    if 2 * reach > cells - 1:
        raise ValueError(
            f'the column ({2 * reach:g} lattice constants wide) touches its periodic image in a box of {cells} cells; '
            f'use a box of {int(np.ceil(2 * reach)) + 2} or more'
        )
    height = points[:, 2].max() + vacuum
    atoms = Atoms(f'{element}{len(points)}', points * a, cell=np.array([cells, cells, height]) * a, pbc=True)
    atoms.set_tags(tags)
    return atoms
