"""Surface energies of slabs for any ASE calculator, and the resulting Wulff shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.build import bulk
from scipy.spatial import ConvexHull, HalfspaceIntersection

from ase_mlffvv.checks import check_number
from ase_mlffvv.structures import facet_family, slab
from ase_mlffvv.structures.slabs import THICKNESS

from .energies import area, excess_per_area
from .relaxing import relax

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator


def surface_energy(atoms: Atoms, bulk_energy: float, fmax: float | None = 0.005) -> float:
    """Surface energy γ of a slab with two equal faces, which is relaxed in place.

    Parameters
    ----------
    atoms : Atoms
        Slab normal to the third cell vector, with a calculator.
    bulk_energy : float, eV
        Energy per atom of the crystal with the same lattice constant.
    fmax : float, eV/Å
        Force criterion of the relaxation; None to skip it.

    Returns
    -------
    float, J/m^2
    """
    check_number(bulk_energy, 'bulk_energy', 'eV per atom')
    if fmax is not None:
        relax(atoms, fmax)
    return excess_per_area(atoms.get_potential_energy(), len(atoms), bulk_energy, area(atoms))


def surface_energies(
    calculator: BaseCalculator,
    facets: Iterable[Sequence[int]],
    a: float,
    element: str = 'Li',
    fmax: float | None = 0.005,
    thickness: float = THICKNESS,
) -> dict:
    """Surface energies γ of bcc facets with any ASE calculator.

    Parameters
    ----------
    calculator : ASE calculator
    facets : sequence of str
        Miller indices, such as ``('100', '110', '310')``.
    a : float, Å
        Lattice constant of bcc for this calculator.
    fmax : float, eV/Å
        Force criterion of the relaxation; None for unrelaxed slabs.

    Returns
    -------
    dict
        ``{'100': J/m^2, ...}``
    """
    check_number(a, 'a', 'Å', low=0.1, high=100)
    crystal = bulk(element, 'bcc', a=a)
    crystal.calc = calculator
    bulk_energy, out = crystal.get_potential_energy(), {}
    for hkl in facets:
        atoms = slab(hkl, a, element, thickness=thickness)
        atoms.calc = calculator
        out[hkl] = surface_energy(atoms, bulk_energy, fmax)
    return out


@dataclass(frozen=True)
class Wulff:
    """Equilibrium shape of a crystal.

    Attributes
    ----------
    fractions : dict
        Fraction of the total area for each family of facets, ``{'100': ...}``; 0 for facets that do not appear.
    mean : float, J/m^2
        Average surface energy, weighted by area.
    vertices : ndarray, shape (n, 3)
        Corners, scaled so that the distance of a facet from the centre is its γ.
    faces : list of (str, ndarray)
        Family and corners, in order around the face, of each facet.
    sphericity : float
        Area of the sphere with the same volume divided by the area of the shape.
    """

    fractions: dict
    mean: float
    vertices: np.ndarray
    faces: list
    sphericity: float


def wulff(energies: Mapping[Any, float]) -> Wulff:
    """Equilibrium (Wulff) shape of a cubic crystal.

    Parameters
    ----------
    energies : dict
        ``{'100': γ, '110': γ, ...}``, J/m^2; each value applies to all facets equivalent by symmetry.

    Returns
    -------
    Wulff

    Raises
    ------
    ValueError
        A surface energy is not positive, or there are none.
    """
    bad = {hkl: g for hkl, g in energies.items() if not (np.isfinite(g) and g > 0)}
    if bad or not energies:
        raise ValueError(f'surface energies must be positive (J/m^2), got {bad or "none"}')
    planes, names = [], []
    for hkl, gamma in energies.items():
        for n in facet_family(hkl):
            planes.append([*np.array(n) / np.linalg.norm(n), -gamma])
            names.append(hkl)
    planes = np.array(planes)
    corners = HalfspaceIntersection(planes, np.zeros(3)).intersections
    size = max(energies.values())
    corners = corners[np.unique(np.round(corners / size, 7), axis=0, return_index=True)[1]]
    faces, areas = [], dict.fromkeys(energies, 0.0)
    for plane, name in zip(planes, names):
        on = corners[abs(corners @ plane[:3] + plane[3]) < 1e-6 * size]
        if len(on) < 3:
            continue
        across = np.linalg.svd(plane[None, :3])[2][1:]
        flat = on @ across.T
        flat = flat - flat.mean(axis=0)
        order = np.argsort(np.arctan2(flat[:, 1], flat[:, 0]))
        x, y = flat[order].T
        piece = abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
        if piece > 1e-9 * size**2:
            areas[name] += piece
            faces.append((name, on[order]))
    total = sum(areas.values())
    volume = ConvexHull(corners).volume
    mean = sum(areas[hkl] * energies[hkl] for hkl in energies) / total
    sphericity = np.pi ** (1 / 3) * (6 * volume) ** (2 / 3) / total
    return Wulff({hkl: v / total for hkl, v in areas.items()}, float(mean), corners, faces, float(sphericity))
