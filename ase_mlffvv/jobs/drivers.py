"""Drivers of a run with a common interface: ASE's dynamics with any calculator, or :class:`.Dynamics`."""

from __future__ import annotations

import logging

import numpy as np
from ase import units
from ase.md.nvtberendsen import NVTBerendsen
from ase.md.velocitydistribution import Stationary, thermalize_momenta
from mlffvv_analysis import coordination_numbers

from ..calculators import VVCalculator
from ..calculators.vv import CommitteeCalculator
from ..checks import check_array, check_atomic_numbers
from ..errors import StructureError, check_structure
from ..md.dynamics import Dynamics, frozen_atoms, host
from ..md.integrators import CSVR, Berendsen, Langevin, VelocityVerlet

log = logging.getLogger(__name__)


class BerendsenWithWork(NVTBerendsen):
    """ASE's Berendsen dynamics that also counts the work of the thermostat (eV)."""

    thermostat_work = 0.0

    def scale_velocities(self):
        before = self.atoms.get_kinetic_energy()
        super().scale_velocities()
        self.thermostat_work += self.atoms.get_kinetic_energy() - before


class _Driver:
    """Interface that both drivers have in common."""

    def __len__(self):
        return self._n_atoms

    def run(self, steps):
        """Advance by a number of steps."""
        self._dynamics.run(steps)

    @property
    def thermostat_work(self):
        """Work done by the thermostat so far, eV."""
        return self._dynamics.thermostat_work


class AseDriver(_Driver):
    """ASE's dynamics with any calculator."""

    def __init__(self, atoms, calc, settings, thermostat_work, step):
        self._atoms, self._calc, self._n_atoms = atoms, calc, len(atoms)
        atoms.calc = calc
        if isinstance(calc, VVCalculator):
            calc.reset_check(step)  # a restarted run checks the grade at the same steps
        self._dynamics = BerendsenWithWork(atoms, settings.timestep * units.fs, temperature_K=settings.temperature,
                                           taut=settings.taut * units.fs, fixcm=not atoms.constraints)  # fmt: skip
        self._dynamics.thermostat_work = thermostat_work

    @property
    def temperature(self):
        """K."""
        return self._atoms.get_temperature()

    @property
    def potential_energy(self):
        """eV."""
        return self._atoms.get_potential_energy()

    def structure(self):
        """A copy with momenta and constraints."""
        return self._atoms.copy()

    def forget(self):
        """Do nothing: results do not depend on earlier calculations."""

    def energies(self):
        """Atomic energies in eV, or None."""
        return self._atoms.get_potential_energies() if 'energies' in self._calc.implemented_properties else None

    def grade(self):
        """Extrapolation grade of each atom, or None."""
        if getattr(getattr(self._calc, 'potential', None), 'uncertainty', None) is None:
            return None
        return self._calc.uncertainty(self._atoms, forces=False)['grade']

    def coordination(self, cutoff):
        """Number of neighbors of each atom."""
        return coordination_numbers(self._atoms, cutoff)


class NativeDriver(_Driver):
    """:class:`.Dynamics` with the model and the settings of a VVCalculator."""

    def __init__(self, atoms, calc, settings, thermostat_work, step):
        p = calc.parameters
        same = {name: p[name] for name in ('device', 'engine', 'skin', 'threads', 'precision', 'on_extrapolation')}
        check = p['check_interval']
        if p['device'] != 'cpu' and check == calc.default_parameters['check_interval']:
            check = None  # the default of Dynamics on a GPU
        self._dynamics = Dynamics(atoms, calc.potential, _integrator(settings), settings.timestep, reporters=(),
                                  check_interval=check, model_name=str(p['model']), **same)  # fmt: skip
        self._n_atoms = len(atoms)
        self._dynamics.state.thermostat_work, self._dynamics.state.step = thermostat_work, step
        self._dynamics.run(0)  # computes energies and pairs of the start, and checks the grade

    @property
    def temperature(self):
        """K."""
        return self._dynamics.temperature

    @property
    def potential_energy(self):
        """eV."""
        return self._dynamics.potential_energy

    def structure(self):
        """A copy with momenta and constraints."""
        return self._dynamics.structure()

    def forget(self):
        """Discard everything on which the next step depends and which a checkpoint does not hold."""
        self._dynamics.forget()

    def energies(self):
        """Atomic energies in eV."""
        return host(self._dynamics.state.energies)

    def grade(self):
        """Extrapolation grade of each atom, or None."""
        return self._dynamics.grade()

    def coordination(self, cutoff):
        """Number of neighbors of each atom within ``cutoff``, or within the potential's cutoff if that is shorter."""
        return host(self._dynamics.forces.coordination(min(cutoff, self._dynamics.potential.cutoff)))


def make_driver(atoms, calc, settings, thermostat_work, step):
    """Driver for resolved settings that starts from a state at ``step``."""
    return (NativeDriver if settings.dynamics == 'native' else AseDriver)(atoms, calc, settings, thermostat_work, step)


def with_velocities(atoms, settings):
    """Copy of a structure that can be run, with momenta.

    If there are no momenta, or all are zero, they are drawn at twice the temperature.

    Raises
    ------
    StructureError
        Positions, momenta or masses are invalid, or no atom can move.
    """
    if len(atoms) == 0:
        raise StructureError('the structure has no atoms')
    atoms = atoms.copy()
    check_structure(atoms.positions, atoms.cell[:], atoms.pbc)
    check_atomic_numbers(atoms.numbers)
    check_array(atoms.get_masses(), 'masses', (len(atoms),), 'amu', above=0, error=StructureError)
    momenta = check_array(atoms.get_momenta(), 'momenta', (len(atoms), 3), error=StructureError)
    if atoms.get_number_of_degrees_of_freedom() <= 0:
        raise StructureError(
            f'constraints leave no degree of freedom to {len(atoms)} atoms: there is no motion and no temperature. '
            'Remove some of them, or freeze fewer layers.'
        )
    if len(atoms) == 1 and not atoms.constraints and settings.thermostat in ('berendsen', 'csvr'):
        raise StructureError(
            f'the thermostat {settings.thermostat} cannot control the temperature of a single free atom, which moves '
            "with the centre of mass. Use more atoms, or thermostat='langevin'."
        )
    if not momenta.any():
        if atoms.has('momenta'):
            log.info('the atoms of the structure are at rest: velocities are drawn at twice the temperature')
        rng = np.random.default_rng(settings.seed)
        thermalize_momenta(atoms, temperature_K=2 * settings.temperature, rng=rng)
        if not atoms.constraints and len(atoms) > 1:
            Stationary(atoms)
    return atoms


def can_drive(atoms, calc):
    """Whether :class:`.Dynamics` can replace ``calc`` for these atoms."""
    if not isinstance(calc, VVCalculator) or isinstance(calc, CommitteeCalculator):
        return False
    try:
        frozen_atoms(atoms)
    except NotImplementedError:
        return False
    return True


def _integrator(settings):
    temperature, taut, seed = settings.temperature, settings.taut, settings.seed
    return {
        'berendsen': Berendsen(temperature, taut),
        'csvr': CSVR(temperature, taut, seed),
        'langevin': Langevin(temperature, 1.0 / taut, seed),
        'none': VelocityVerlet(),
    }[settings.thermostat]
