"""One frame of a trajectory with all that is computed from it, each once and only where it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from . import boundaries, coordination, energies, grains, morphology, orientation, phases
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
        Of the coordination numbers.
    cn8 : {'bulk', 'surface', 'exclude'}
        What an atom with exactly 8 neighbors is.
    surface : {'coordination', 'mesh'}
        Split into surface and bulk: by coordination numbers (the paper), or by the alpha shape.
    grain_angle : float, degrees
        Misorientation of neighbors from which on they belong to different grains.
    min_grain : int
        Atoms of the smallest grain that counts.
    rmsd : float
        Of template matching; see :func:`mlffvv_analysis.orientation.orientations`.
    """

    cutoff: float = coordination.CUTOFF
    cn8: str = 'bulk'
    surface: str = 'coordination'
    grain_angle: float = grains.ANGLE
    min_grain: int = 50
    rmsd: float = orientation.RMSD

    def __post_init__(self):
        if self.surface not in ('coordination', 'mesh'):
            raise ValueError(f"surface must be 'coordination' or 'mesh', got {self.surface!r}")
        coordination.surface_and_bulk([], self.cn8)


class Frame:
    """A structure and, computed when first used, its analysis.

    Parameters
    ----------
    atoms : Atoms
        At least one.
    settings : Settings, optional
    displacements : ndarray, shape (n_atoms, 3), Å, optional
        Since the first frame; default zero.
    reference : Frame, optional
        The first frame; default this one.
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
        """Mask of the atoms that neither lie on the surface nor touch one that does."""
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
        """Labels and quaternions of template matching."""
        return orientation.orientations(self.atoms, self.settings.rmsd)

    @cached_property
    def grains(self):
        """Ids of grains and the grains."""
        return grains.find_grains(self.atoms, *self.templates, angle=self.settings.grain_angle,
                                  min_size=self.settings.min_grain)  # fmt: skip

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
        """Mask of the column's atoms that hang together with most others."""
        return self.column & morphology.largest_cluster(self.atoms)

    @cached_property
    def body(self):
        """Positions of those, not wrapped."""
        return (self.reference.atoms.positions + self.displacements)[self.attached]

    @cached_property
    def floor(self):
        """Height of the substrate's highest layer, or of the lowest atom without a substrate, Å."""
        z = self.atoms.positions[:, 2]
        return float(z.min() if self.column.all() else np.quantile(z[~self.column], 0.99))

    def coloured(self) -> Atoms:
        """Copy of the structure with every result as an array, to write to extxyz and to colour in ``ase gui``.

        Returns
        -------
        Atoms
            Arrays ``coordination``, ``phase`` (template matching) and ``phase_acna`` (0 other, 1 fcc, 2 hcp, 3 bcc),
            ``grain`` (-1 none), ``class`` (0 surface, 1 interior, 2 boundary, 3 subsurface, -1 none),
            ``displacement`` (its length, Å) and, where atomic energies are known, ``local_energy`` (eV).
        """
        out = type(self.atoms)(self.atoms.numbers, self.atoms.positions, cell=self.atoms.cell, pbc=self.atoms.pbc)
        out.set_tags(self.atoms.get_tags())
        out.info = {key: value for key, value in self.atoms.info.items() if key in ('time_ps', 'step', 'temperature_K')}
        found = {'coordination': self.coordination, 'phase': self.templates[0], 'phase_acna': self.acna,
                 'grain': self.grains[0], 'class': self.classes,
                 'displacement': np.linalg.norm(self.displacements, axis=1)}  # fmt: skip
        if self.energies is not None:
            found['local_energy'] = self.energies
        for name, values in found.items():
            out.arrays[name] = np.asarray(values)
        return out
