"""Reporters, which observe a run of :class:`.Dynamics`: samples, frames, the extrapolation grade, or your own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase import units
from ase.io import write

from ..checks import check_number, check_whole
from ..io.background import Background
from ..io.packed.frames import append_frame

if TYPE_CHECKING:
    from collections.abc import Callable


SAMPLES = ('step', 'temperature_K', 'potential_energy_eV', 'total_energy_eV', 'thermostat_work_eV', 'mean_coordination',
           'mean_x_A', 'mean_y_A', 'mean_z_A', 'mean_xy_A', 'mean_distance_A')  # fmt: skip
PACKED = '.vvtraj'
TEXT = ('.extxyz', '.xyz')


class View:
    """The present state of a run, as a reporter sees it.

    Arrays and numbers are on the device of the atoms: NumPy arrays on the CPU, torch tensors on a GPU. A reporter that
    does not convert tensors to Python numbers does not make Python wait for the GPU. Reporters must not change the
    arrays. Later steps do not change them either, so that they can be kept without copying.

    Parameters
    ----------
    dynamics : Dynamics
    """

    def __init__(self, dynamics):
        self._dynamics = dynamics

    def __len__(self):
        return len(self._dynamics)

    @property
    def step(self):
        """Steps done so far."""
        return self._dynamics.state.step

    @property
    def time(self):
        """Time since step 0, fs."""
        return self.step * self._dynamics.timestep

    @property
    def positions(self):
        """Positions (n_atoms, 3), Å, not wrapped into the cell."""
        return self._dynamics.state.positions

    @property
    def momenta(self):
        """Momenta (n_atoms, 3), in ASE's units."""
        return self._dynamics.state.momenta

    @property
    def forces(self):
        """Forces (n_atoms, 3), eV/Å."""
        return self._dynamics.state.forces

    @property
    def energies(self):
        """Potential energy of each atom (n_atoms,), eV."""
        return self._dynamics.state.energies

    @property
    def displacements(self):
        """Displacements (n_atoms, 3) from the initial structure of the Dynamics, Å."""
        return self._dynamics.displacements()

    @property
    def potential_energy(self):
        """Potential energy of all atoms, eV."""
        return self.energies.sum()

    @property
    def kinetic_energy(self):
        """Kinetic energy of all atoms, eV."""
        return self._dynamics.state.kinetic_energy()

    @property
    def temperature(self):
        """Temperature of the mobile atoms, K."""
        return 2.0 * self.kinetic_energy / (self._dynamics.state.n_dof * units.kB)

    @property
    def thermostat_work(self):
        """Energy that the thermostat has added so far, eV."""
        return self._dynamics.state.thermostat_work

    def coordination(self, cutoff):
        """Number of neighbors of each atom within ``cutoff`` (Å), or within the potential's cutoff if it is shorter."""
        return self._dynamics.forces.coordination(min(cutoff, self._dynamics.potential.cutoff))

    def grade(self):
        """Extrapolation grade of each atom (ndarray), or None if the potential has none. It is computed on the CPU."""
        return self._dynamics.grade()

    def system(self):
        """Species, positions, cell and pair list, as arguments of an engine on the CPU."""
        return self._dynamics.forces.system()

    def atoms(self):
        """The present structure as Atoms on the CPU, with momenta, constraints, energies and forces."""
        return self._dynamics.atoms()


class Reporter:
    """Observer that is called with a :class:`View` at step 0 and at every ``interval``-th step.

    If a reporter raises an error, the run ends with the step complete. When the run is continued, the reporter is
    called again for this step.

    Parameters
    ----------
    interval : int
        Steps between calls.
    function : callable, optional
        Called with the view. Subclasses can override ``__call__`` instead.

    Examples
    --------
    >>> from ase_mlffvv.md.reporters import Reporter
    >>> heights = []
    >>> reporter = Reporter(10, lambda view: heights.append(view.positions[:, 2].max()))
    """

    def __init__(self, interval: int, function: Callable | None = None):
        self.interval = check_whole(interval, 'the interval of a reporter', 'steps', low=1)
        if function is not None and not callable(function):
            raise TypeError(f'the function of a reporter is called with the view, got {function!r}')
        self._function = function

    def __call__(self, view):
        """Observe the present state."""
        self._function(view)

    def flush(self):
        """Finish pending work such as writing; called whenever a run ends."""


class Samples(Reporter):
    """Samples of energies, coordination and displacements, taken without waiting for a GPU.

    Parameters
    ----------
    interval : int
        Steps between samples.
    cutoff : float, Å
        Neighbors are counted within this distance, or within the potential's cutoff if that is shorter. The default is
        that of :func:`mlffvv_analysis.coordination_numbers`.
    """

    def __init__(self, interval: int = 10, cutoff: float = 3.45):
        super().__init__(interval)
        self.cutoff = check_number(cutoff, 'cutoff', 'Å', above=0)
        self._rows: list = []

    def __call__(self, view):
        """Take a sample. Its values stay on the device until they are requested."""
        if self._rows and self._rows[-1][0] == view.step:  # Ctrl-C was pressed just after this sample
            return
        n, kinetic, potential = len(view), view.kinetic_energy, view.potential_energy
        moved = view.displacements
        square = moved * moved
        mean = moved.sum(0) / n
        in_plane = ((square[:, 0] + square[:, 1]) ** 0.5).sum() / n
        coordination = view.coordination(self.cutoff).sum() / n
        self._rows.append((view.step, view.temperature, potential / n, (potential + kinetic) / n,
                           view.thermostat_work / n, coordination, mean[0], mean[1], mean[2], in_plane,
                           (square.sum(1) ** 0.5).sum() / n))  # fmt: skip

    @property
    def table(self):
        """Samples so far as a dict of arrays by name, see ``SAMPLES``.

        Energies are per atom (eV); ``total_energy_eV - thermostat_work_eV`` is conserved. Displacements are relative to
        the initial structure and averaged over all atoms: each component, the distance in the plane (xy), and the total
        distance.
        """
        self._rows = [tuple(float(x) for x in row) for row in self._rows]
        rows = np.array(self._rows, float).reshape(-1, len(SAMPLES))
        return dict(zip(SAMPLES, rows.T))

    def averages(self, skip=0):
        """Mean and standard deviation over all samples after the first ``skip``: ``{name: (mean, deviation)}``."""
        skip = check_whole(skip, 'skip', 'samples', low=0, high=max(len(self._rows) - 1, 0))
        return {name: (x[skip:].mean(), x[skip:].std()) for name, x in self.table.items() if name != 'step'}


class Frames(Reporter):
    """Writes frames to a trajectory in the background.

    Frames contain positions, momenta (text only), energy, forces (text only), the step, the time, and the energy of
    each atom in the array ``local_energy``.

    Parameters
    ----------
    path : path
        The suffix ``.vvtraj`` selects a packed trajectory, ``.extxyz`` or ``.xyz`` a text file.
    interval : int
        Steps between frames.
    append : bool
        Append to an existing file.

    Raises
    ------
    FileExistsError
        The file exists and ``append`` is False.
    ValueError
        The suffix is none of these.
    """

    def __init__(self, path: str | Path, interval: int = 100, append: bool = False):
        super().__init__(interval)
        self.path = Path(path)
        if self.path.suffix not in (PACKED, *TEXT):
            raise ValueError(f"trajectories end in {PACKED}, {' or '.join(TEXT)}, got '{path}'")
        if not append and self.path.exists() and self.path.stat().st_size > 0:
            raise FileExistsError(f"'{path}' exists. Give another path, remove it, or continue it with append=True.")
        self._background = None

    def __call__(self, view):
        """Write a frame."""
        atoms = view.atoms()
        atoms.info = {**atoms.info, 'step': view.step, 'time_ps': view.time / 1000}
        if self._background is None:
            self._background = Background()
        self._background.put(append, self.path, atoms)

    def flush(self):
        """Wait until all frames are written."""
        background, self._background = self._background, None
        if background is not None:
            background.close()


class Grade(Reporter):
    """Checks the extrapolation grade of all atoms, and warns once or stops the run if a grade exceeds 1.

    :class:`.Dynamics` makes one from ``on_extrapolation`` and ``check_interval``.

    Parameters
    ----------
    watch : GradeWatch
    interval : int
        Steps between checks.
    """

    def __init__(self, watch, interval):
        super().__init__(interval)
        self.watch = watch

    def __call__(self, view):
        """Check the present state.

        Raises
        ------
        ExtrapolationError
            A grade exceeds 1 and ``on_extrapolation`` is ``'stop'``.
        """
        if self.watch.due():
            self.watch.check(*view.system())


def append(path, atoms):
    """Append a structure with results to a trajectory: packed if the name ends in ``.vvtraj``, otherwise extxyz."""
    if atoms.calc is not None and 'energies' in atoms.calc.results:
        atoms.set_array('local_energy', atoms.calc.results.pop('energies'))
    if Path(path).suffix == PACKED:
        append_frame(path, atoms)
    else:
        write(path, atoms, format='extxyz', append=True)
