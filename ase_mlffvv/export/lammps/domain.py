"""The part of a structure that one process evaluates: its own atoms, and copies of their surroundings (ghosts)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...checks import check_number
from ...engines.choice import make_engine
from ...engines.grade import require_uncertainty
from ...errors import StructureError, some
from ...kernels.cpu.counts import count_neighbors
from ...kernels.fit.uncertainty import UncertaintyEngine
from ...model import VVPotential
from ...neighbors import pair_list

_BIN = 4.0  # Å: size of the boxes by which atoms are sorted


class Own(NamedTuple):
    """Results for the own atoms of a :class:`Domain`.

    Attributes
    ----------
    energies : ndarray, shape (n_own,), eV
    forces : ndarray, shape (n_own, 3), eV/Å
        Also those that come from the energies of other atoms.
    virial : ndarray, shape (3, 3), eV
        dE/d(strain) of the energies of the own atoms.
    """

    energies: np.ndarray
    forces: np.ndarray
    virial: np.ndarray


class Domain:
    """Evaluates the atoms of one process of a domain decomposition, without communication.

    The force on an atom depends on the energies of its neighbors, and these depend on their neighbors. Therefore, the
    ghosts must reach to two cutoffs. The energies of those ghosts that have an own atom as neighbor are evaluated, too;
    the forces on own atoms are then complete. Ghosts that are periodic images of own atoms need not be evaluated:
    forces on them are forces on the own atoms.

    The pair list is kept until the atoms or their order change, or one of them has moved by half of the skin. Atoms are
    sorted by position, so that the order in which they are given has no influence on speed.

    Parameters
    ----------
    potential : VVPotential
        Its pair term must not use minimum images.
    device, engine, skin, threads, precision
        As for :class:`.VVCalculator`. An engine for a GPU receives the pair list from the CPU.

    Attributes
    ----------
    reach : float, Å
        Distance from own atoms up to which all ghosts must be given. It is two cutoffs and three skins: one skin for
        each of the two pair lists, and one because ghosts are chosen when atoms may have moved by up to half of the
        skin, on either side.
    statistics : dict
        Numbers of ``builds`` and ``reuses`` of the pair list.

    Raises
    ------
    CalculatorSetupError
        The engine or device is not available.
    ValueError
        The potential cannot be evaluated in domains.
    """

    def __init__(self, potential: VVPotential, *, device='cpu', engine='auto', skin=0.8, threads=None,
                 precision='float64'):  # fmt: skip
        if potential.pair_term is not None and potential.pair_term.minimum_image:
            raise ValueError(
                'the pair term of this potential counts minimum images in the whole cell, which a part of the '
                'structure does not know. Use another potential, such as those of the package.'
            )
        self.potential, self.skin, self.threads = potential, check_number(skin, 'skin', 'Å', above=0), threads
        self.engine = make_engine(potential, engine, device, threads, precision)
        self._fold = self.engine.name != 'cuda'  # which keeps the list of one group of atoms on the device
        self.cutoff = potential.cutoff
        self.reach = reach(self.cutoff, self.skin)
        self.statistics = {'builds': 0, 'reuses': 0}
        self._grade = None
        self.forget()

    def forget(self):
        """Build a new pair list in the next evaluation."""
        self._tags = self._reference = self._pairs = None
        self._place = np.zeros(0, int)

    def evaluate(self, tags, species, positions, n_own) -> Own:
        """Energies, forces and virial of the own atoms.

        Parameters
        ----------
        tags : array_like, shape (n_atoms,), int
            Number of each atom in the whole structure, by which a change is recognized. The own atoms come first.
            Ghosts have the numbers of the atoms of which they are copies.
        species : array_like, shape (n_atoms,), int
            Element indices of the potential.
        positions : ndarray, shape (n_atoms, 3), Å
        n_own : int

        Returns
        -------
        Own

        Raises
        ------
        StructureError
            Positions are not finite, or two atoms coincide.
        """
        if n_own == 0:
            self.forget()
            return Own(np.zeros(0), np.zeros((0, 3)), np.zeros((3, 3)))
        self._update(np.asarray(tags), np.asarray(species), positions, n_own)
        energies, all_forces, virials = self._evaluate(self._centres[0])
        forces, on_images = all_forces[self._place], all_forces[self._images]
        for k in range(3):
            forces[:, k] += np.bincount(self._owners, on_images[:, k], n_own)
        virial = (virials if self._fold else virials[self._place]).sum(axis=0)  # those of ghosts are zero
        del all_forces, virials
        if len(self._centres[1]):
            forces += self._evaluate(self._centres[1]).forces[self._place]
        return Own(energies[self._place], forces, virial)

    @property
    def n_evaluated(self):
        """Number of atoms whose energies were computed in the last evaluation."""
        return 0 if self._pairs is None else sum(map(len, self._centres))

    def coordination(self, cutoff):
        """Number of neighbors of each own atom in the last evaluation within ``cutoff`` (Å), shape (n_own,)."""
        if self._pairs is None:
            return np.zeros(0, np.int32)
        return count_neighbors(self._positions, np.zeros((3, 3)), self._pairs, cutoff)[self._place]

    def grade(self):
        """Extrapolation grade of each own atom in the last evaluation, shape (n_own,).

        Raises
        ------
        CalculatorSetupError
            The potential has no uncertainty.
        """
        require_uncertainty(self.potential)
        if self._pairs is None:
            return np.zeros(0)
        if self._grade is None:
            self._grade = UncertaintyEngine(self.potential, self.threads)
        return self._grade(self._species, self._positions, np.zeros((3, 3)), self._pairs)[2][self._place]

    def _evaluate(self, centres):
        return self.engine.evaluate(self._species, self._positions, np.zeros((3, 3)), self._pairs, centres)

    def _update(self, tags, species, positions, n_own):
        """Make the pair list complete for these positions."""
        if not np.isfinite(positions.sum()):
            bad = np.flatnonzero(~np.isfinite(positions).all(axis=1))
            raise StructureError(
                f'positions of atoms {some(np.unique(tags[bad]))} are not finite numbers: the integration became '
                'unstable. Use a shorter time step or a better model.'
            )
        if self._tags is not None and len(self._place) == n_own and np.array_equal(tags, self._tags):
            here = positions[self._order]
            moved = here - self._reference
            if np.einsum('ic,ic->i', moved, moved).max() <= (0.5 * self.skin) ** 2:
                self._positions = here
                self.statistics['reuses'] += 1
                return
        self.forget()
        self._order = order = _sorted(positions)
        place = np.empty(len(order), int)
        place[order] = np.arange(len(order))
        self._place = place[:n_own]
        self._positions, self._species = positions[order], np.ascontiguousarray(species[order], np.int64)
        own, image = np.zeros((2, len(order)), bool)
        own[self._place] = True
        ghosts, owners = _images_of_own(tags, n_own) if self._fold else (np.zeros(0, int), np.zeros(0, int))
        self._images, self._owners = place[ghosts], owners
        image[self._images] = True
        distance = self.cutoff + self.skin
        low, high = positions[:n_own].min(axis=0) - distance, positions[:n_own].max(axis=0) + distance
        centre = ((self._positions >= low) & (self._positions <= high)).all(axis=1) & ~image
        pairs = pair_list(self._positions, np.zeros((3, 3)), False, distance, self.threads, centre)
        near = _neighbors_of(own, pairs) & ~own & ~image
        self._centres = np.flatnonzero(own), np.flatnonzero(near)
        if not self._fold:
            self._centres = np.flatnonzero(own | near), np.zeros(0, int)
        self._pairs, self._reference, self._tags = pairs, self._positions, tags.copy()
        self.statistics['builds'] += 1


def reach(cutoff, skin):
    """Distance up to which a :class:`Domain` needs ghosts, Å."""
    return 2 * cutoff + 3 * skin


def _images_of_own(tags, n_own):
    """Indices of ghosts that are images of own atoms, and of these atoms."""
    order = np.argsort(tags[:n_own], kind='stable')
    sorted_own = tags[:n_own][order]
    at = np.minimum(np.searchsorted(sorted_own, tags[n_own:]), n_own - 1)
    found = sorted_own[at] == tags[n_own:]
    return np.flatnonzero(found) + n_own, order[at[found]]


def _neighbors_of(own, pairs):
    """Whether each atom is a neighbor of an own atom (ndarray of bool)."""
    found = np.zeros(len(own), bool)
    found[pairs.j[np.repeat(own, np.diff(pairs.first))]] = True
    return found


def _sorted(positions):
    """Order of the atoms along boxes that fill the space, in layers across the longest direction."""
    low = positions.min(axis=0)
    n = ((positions.max(axis=0) - low) / _BIN).astype(np.int64) + 1
    box = ((positions - low) / _BIN).astype(np.int64)
    key = np.zeros(len(positions), np.int64)
    for axis in np.argsort(-n, kind='stable'):
        key = key * n[axis] + box[:, axis]
    return np.argsort(key, kind='stable')
