"""One frame of a trajectory and its analysis; each result is computed once, when first used."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ase_mlffvv.checks import check_choice, check_number, check_whole

from . import boundaries, coordination, energies, grains, heights, morphology, orientation, phases
from .structure import checked_cell, default_column

if TYPE_CHECKING:
    from typing import Any

    from ase import Atoms
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Settings:
    """How frames are analysed.

    Parameters
    ----------
    cutoff : float, Å
        Cutoff of the coordination numbers.
    cn8 : {'bulk', 'surface', 'exclude'}
        Class of an atom with exactly 8 neighbors.
    surface : {'coordination', 'mesh'}
        Whether surface and bulk are distinguished by coordination numbers (as in the paper) or by the alpha shape.
    grain_angle : float, degrees
        Misorientation from which neighbors belong to different grains.
    min_grain : int
        Smallest number of atoms in a grain.
    rmsd : float
        Threshold of template matching; see :func:`mlffvv_analysis.orientation.orientations`.
    """

    cutoff: float = coordination.CUTOFF
    cn8: str = 'bulk'
    surface: str = 'coordination'
    grain_angle: float = grains.ANGLE
    min_grain: int = 50
    rmsd: float = orientation.RMSD

    def __post_init__(self):
        check_choice(self.surface, 'surface', ('coordination', 'mesh'))
        coordination.surface_and_bulk([], self.cn8)
        check_number(self.cutoff, 'cutoff', 'Å', above=0)
        check_number(self.grain_angle, 'grain_angle', 'degrees', above=0, high=180)
        check_whole(self.min_grain, 'min_grain', 'atoms', low=0)
        check_number(self.rmsd, 'rmsd', above=0)


class Frame:
    """A structure and its analysis; each result is computed when first used.

    Parameters
    ----------
    atoms : Atoms
        Structure of at least one atom.
    settings : Settings, optional
    displacements : ndarray, shape (n_atoms, 3), Å, optional
        Displacements since the first frame; zero by default.
    reference : Frame, optional
        The first frame; by default, this one.
    """

    def __init__(
        self,
        atoms: Atoms,
        settings: Settings | None = None,
        displacements: ArrayLike | None = None,
        reference: Any = None,
    ):
        if len(atoms) == 0:
            raise ValueError('the frame has no atoms')
        checked_cell(atoms)
        self.atoms = atoms
        self.settings = settings or Settings()
        self.displacements = np.zeros((len(atoms), 3)) if displacements is None else displacements
        self.reference = reference or self
        self.column = default_column(atoms)

    @cached_property
    def coordination(self) -> np.ndarray:
        return coordination.coordination_numbers(self.atoms, self.settings.cutoff)

    @cached_property
    def surface_and_bulk(self) -> tuple[np.ndarray, np.ndarray]:
        if self.settings.surface == 'mesh':
            surface = coordination.surface_by_mesh(self.atoms)
            return surface, ~surface
        return coordination.surface_and_bulk(self.coordination, self.settings.cn8)

    @cached_property
    def exposed(self):
        return coordination.exposed(coordination.smooth_coordination(self.atoms))

    @cached_property
    def pairs(self):
        return grains.neighbor_pairs(self.atoms)

    @cached_property
    def deep(self):
        """Mask of the atoms that neither lie on the surface nor have a neighbor on it."""
        i, j = self.pairs
        return ~self.exposed & (np.bincount(i, self.exposed[j], minlength=len(self.atoms)) == 0)

    @property
    def surface(self):
        return self.surface_and_bulk[0]

    @property
    def bulk(self):
        return self.surface_and_bulk[1]

    @cached_property
    def acna(self):
        return phases.phases(self.atoms)

    @cached_property
    def templates(self):
        """Labels and quaternions from template matching."""
        return orientation.orientations(self.atoms, self.settings.rmsd)

    @cached_property
    def grains(self):
        """Index of the grain of each atom, and the list of grains."""
        return grains.find_grains(self.atoms, *self.templates, angle=self.settings.grain_angle,
                                  min_size=self.settings.min_grain)  # fmt: skip

    def main_grain(self, region: str) -> int | None:
        """Index of the grain with the most atoms in a region ('top', 'bottom', ...), or None."""
        ids = self.grains[0]
        found = ids[self.regions[region] & (ids >= 0)]
        return int(np.bincount(found).argmax()) if len(found) else None

    @cached_property
    def boundaries(self):
        return boundaries.find_boundaries(self.atoms, *self.grains)

    @cached_property
    def classes(self):
        labels, ids = self.templates[0], self.grains[0]
        return grains.classify(labels, ids, self.surface, self.bulk, self.deep, self.pairs)

    @cached_property
    def energies(self):
        return energies.atomic_energies(self.atoms)

    @cached_property
    def regions(self):
        return phases.regions(self.atoms, self.column)

    @cached_property
    def attached(self):
        """Mask of the atoms of the column that belong to the largest cluster."""
        return self.column & morphology.largest_cluster(self.atoms)

    @cached_property
    def body(self):
        """Unwrapped positions of the attached atoms of the column."""
        return (self.reference.atoms.positions + self.displacements)[self.attached]

    @cached_property
    def floor(self):
        """Height of the terrace of the substrate, or of the lowest atom if there is no substrate, Å."""
        if self.column.all():
            return float(self.atoms.positions[:, 2].min())
        return heights.terrace(self.atoms, self.column)

    def coloured(self) -> Atoms:
        """Copy of the structure with all results as arrays, for extended XYZ files and colours in ``ase gui``.

        Returns
        -------
        Atoms
            Structure with the arrays ``coordination``, ``phase`` (template matching) and ``phase_acna`` (0 other,
            1 fcc, 2 hcp, 3 bcc), ``grain`` (-1 none), ``class`` (0 surface, 1 interior, 2 boundary, 3 subsurface,
            -1 none), ``displacement`` (its length, Å) and, where they are known, ``local_energy`` (eV) and the
            extrapolation ``grade``.
        """
        out = type(self.atoms)(self.atoms.numbers, self.atoms.positions, cell=self.atoms.cell, pbc=self.atoms.pbc)
        out.set_tags(self.atoms.get_tags())
        kept = ('time_ps', 'step', 'temperature_K')
        out.info = {key: value for key, value in self.atoms.info.items() if key in kept}
        found = {'coordination': self.coordination, 'phase': self.templates[0], 'phase_acna': self.acna,
                 'grain': self.grains[0], 'class': self.classes,
                 'displacement': np.linalg.norm(self.displacements, axis=1)}  # fmt: skip
        if self.energies is not None:
            found['local_energy'] = self.energies
        if 'grade' in self.atoms.arrays:
            found['grade'] = self.atoms.arrays['grade']
        for name, values in found.items():
            out.arrays[name] = np.asarray(values)
        return out
