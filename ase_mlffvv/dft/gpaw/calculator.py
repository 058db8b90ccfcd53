"""GPAWSolvent: ASE calculator of density-functional energies in vacuum or in an implicit solvent."""

from __future__ import annotations

from copy import deepcopy
from importlib import metadata
from typing import TYPE_CHECKING

from ase.calculators.calculator import (
    CalculationFailed,
    Calculator,
    CalculatorSetupError,
    PropertyNotImplementedError,
    all_changes,
)
from ase.units import Bohr, Ha

from ..cavity import SPACING, cavity_targets, measure
from ..cells import checked_cell
from ..electrode import DEFAULT_REFERENCE, electrode_potential, fermi_level
from .checks import as_solvent, check_settings, kpoints

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ase import Atoms

    from ..solvent import Solvent


CONVERGENCE = {'energy': 1e-5, 'density': 1e-5, 'eigenstates': 1e-9}  # eV, electrons, eV^2; per electron

# names of extra_results; the electronic parts are those without the energy of surface and volume
CAVITY_PROPERTIES = ('el_energy', 'el_forces', 'el_energies', 'surface', 'surface_gradient', 'surfaces', 'volume',
                     'volume_gradient', 'volumes')  # fmt: skip

INSTALL = (
    'GPAW is not installed. On Debian or Ubuntu: apt-get install libxc-dev libopenblas-dev, then '
    'CC=g++ pip install ".[dft]" in the folder of ase-mlffvv (or CC=g++ pip install gpaw gpaw-data).'
)


class GPAWSolvent(Calculator):
    """ASE calculator: plane-wave PAW density-functional theory (GPAW) with an implicit solvent.

    Properties: ``energy`` = ``free_energy`` (eV; the free energy of the electrons at the smearing's temperature, of
    which the forces are the derivative), ``energies`` (eV, per atom, sum to the energy), ``forces`` (eV/Å),
    ``charges`` (e, Hirshfeld), and in vacuum ``stress`` (eV/Å^3, Voigt xx, yy, zz, yz, xz, xy, tensile positive).
    Energies are relative to the reference atoms of GPAW's PAW data sets.

    In a solvent ``get_property`` and the dictionary ``extra_results`` also give the two parts of the free energy
    F = F_el + surface_tension * S + pressure * V: ``el_energy`` (eV), ``el_forces`` (eV/Å) and ``el_energies`` (eV) of
    F_el; ``surface`` S (Å^2), its ``surface_gradient`` dS/dR (Å) and the shares of the atoms ``surfaces`` (Å^2);
    ``volume`` V, ``volume_gradient`` and ``volumes`` likewise (Å^3, Å^2, Å^3). ASE's files do not hold these.

    Parameters
    ----------
    solvent : None, Solvent or dict
        None is vacuum.
    xc : {'PBE', 'PBEsol', 'RPBE', 'LDA'}
    cutoff : float, eV
        Kinetic energy of the shortest plane wave.
    kpts : float or (int, int, int)
        Density of k-points in Å (see Notes), or their numbers in a Monkhorst-Pack mesh.
    gamma : bool
        Shift the mesh so that it holds the Gamma point; meshes of odd numbers do anyway.
    smearing : float, eV
        Width of the distribution of electrons over levels.
    distribution : {'marzari-vanderbilt', 'fermi-dirac'}
        The former keeps the free energy close to the energy without smearing.
    charge : float, e
        Charge of the cell; needs a solvent with ions, which screen it.
    potential : float, V, optional
        Electrode potential to hold; the charge follows. Needs a solvent with ions.
    reference : {'Li', 'SHE'}
        What ``potential`` is measured against: Li/Li+ (Fermi level -1.38 eV at 0 V) or the standard hydrogen electrode
        (-4.42 eV).
    potential_tolerance : float, V
    symmetry : bool
        Use the point group of the structure; good for crystals at rest, wasted on others.
    spacing : float, Å
        Grid of the solvent's potential.
    solver_tolerance : float
        Relative residual of the solvent's potential.
    convergence : dict, optional
        GPAW's criteria, replacing the defaults of this class (:data:`CONVERGENCE`).
    maxiter : int
        Steps to self-consistency.
    txt : str, optional
        GPAW's log file; '-' is the standard output.

    Notes
    -----
    The cell is periodic in all directions whatever ``atoms.pbc``; a direction that is not periodic needs at least
    5 Å of empty space. A direction with so much empty space gets one k-point, others ceil(kpts * 2 pi / |a_i|); the
    default 5 gives 5 x 5 x 5 for 16 atoms of lithium and errors of some 2 meV/Å and 2 meV per atom there; 6.5 halves
    the latter. Differences between a solvent and vacuum need less: 3 leaves 0.3 meV/Å.

    At a fixed potential the energy is the grand free energy F - E_F (N - N_neutral), whose derivative the forces are.

    Electrons are not spin-polarised, and the stress is offered in vacuum only. One process, one thread: set
    ``OMP_NUM_THREADS=1`` and run several structures side by side.

    Examples
    --------
    >>> from ase.build import bcc100
    >>> from ase_mlffvv.dft.gpaw import GPAWSolvent
    >>> from ase_mlffvv.dft.solvent import Solvent
    >>> slab = bcc100('Li', (1, 1, 9), a=3.44, vacuum=6)
    >>> slab.calc = GPAWSolvent(Solvent.pc_dme())         # doctest: +SKIP
    >>> slab.get_potential_energies()                     # doctest: +SKIP
    """

    implemented_properties = ['energy', 'free_energy', 'energies', 'forces', 'charges', 'stress']
    ignored_changes = {'initial_charges'}
    nolabel = True
    default_parameters = {
        'solvent': None,
        'xc': 'PBE',
        'cutoff': 350.0,
        'kpts': 5.0,
        'gamma': False,
        'smearing': 0.2,
        'distribution': 'marzari-vanderbilt',
        'charge': 0.0,
        'potential': None,
        'reference': DEFAULT_REFERENCE,
        'potential_tolerance': 0.005,
        'symmetry': False,
        'spacing': SPACING,
        'solver_tolerance': 1e-8,
        'convergence': None,
        'maxiter': 200,
        'txt': None,
    }

    def __init__(self, solvent: Solvent | None = None, **settings: Any):
        _import_gpaw()
        self._dft = None
        self.extra_results: dict[str, Any] = {}
        super().__init__(solvent=solvent, **settings)

    def _get_name(self):
        return 'gpaw-solvent'

    def set(self, **settings: Any) -> dict:
        """Change settings; any change discards the results."""
        unknown = sorted(set(settings) - set(self.default_parameters))
        if unknown:
            raise TypeError(f'unknown settings {", ".join(unknown)}; known: {", ".join(self.default_parameters)}')
        new = {**self.default_parameters, **self.parameters, **settings}
        if 'solvent' in settings:
            solvent = as_solvent(settings['solvent'])
            settings['solvent'] = new['solvent'] = None if solvent is None else solvent.to_dict()
        check_settings(new)
        # the stress, last, is known in vacuum only
        self.implemented_properties = type(self).implemented_properties[: None if new['solvent'] is None else -1]
        changed = super().set(**settings)
        if changed:
            self.reset()
            self._dft = None
        return changed

    @property
    def code(self):
        """Name and version of the program."""
        return f'gpaw {metadata.version("gpaw")}'

    @property
    def solvent(self) -> Solvent | None:
        """The solvent, None in vacuum."""
        return as_solvent(self.parameters['solvent'])

    @property
    def dft(self):
        """GPAW's own object of the last calculation, for what is not offered here."""
        if self._dft is None:
            raise CalculatorSetupError('there is no calculation yet; ask for an energy first')
        return self._dft

    @property
    def fermi_level(self) -> float:
        """Fermi level in eV: against the bulk of the solution where there are ions, else against the cell's mean."""
        return float(self.dft.ibzwfs.fermi_level * Ha)

    @property
    def electrode_potential(self) -> float:
        """Potential in V against :attr:`parameters` ``reference``; needs a solvent with ions."""
        if self.solvent is None or self.solvent.kappa_squared == 0:
            raise CalculatorSetupError('without ions in the solvent (kappa_squared > 0) no potential is defined')
        return electrode_potential(self.fermi_level, self.parameters['reference'])

    @property
    def total_charge(self) -> float:
        """Charge of the cell in e."""
        return -float(self.dft.pot_calc.charge)

    @property
    def extrapolated_energy(self) -> float:
        """Energy extrapolated to zero smearing, eV."""
        work = (self._wanted_level() or 0.0) * self.total_charge
        return float(self.dft.energies.total_extrapolated * Ha) + work

    def _wanted_level(self):
        """Fermi level of a fixed potential, eV."""
        p = self.parameters
        return None if p['potential'] is None else fermi_level(p['potential'], p['reference'])

    def __getstate__(self):
        return {**self.__dict__, '_dft': None}

    def get_property(self, name, atoms=None, allow_calculation=True):
        """A property of ASE, or one of :data:`CAVITY_PROPERTIES`."""
        if name not in CAVITY_PROPERTIES:
            return super().get_property(name, atoms, allow_calculation)
        if self.solvent is None:
            raise PropertyNotImplementedError(f'{name} needs a solvent')
        if super().get_property('energy', atoms, allow_calculation) is None:
            return None
        return deepcopy(self.extra_results[name])

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ('energy',),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Compute energies, forces and charges; the stress where it is asked for."""
        super().calculate(atoms, properties, system_changes)
        self.results, self.extra_results = {}, {}
        atoms = checked_cell(self.atoms)
        if atoms.get_initial_magnetic_moments().any():
            raise CalculatorSetupError('GPAWSolvent is not spin-polarised, but atoms have initial magnetic moments')
        from gpaw import KohnShamConvergenceError

        try:
            if system_changes or self._dft is None:
                self._converge(atoms, system_changes)
            self.results = self._collect(atoms, 'stress' in properties)
        except KohnShamConvergenceError as error:
            raise CalculationFailed(
                f'the electrons of {atoms.get_chemical_formula()} did not converge in {self.parameters["maxiter"]} '
                'steps. More smearing, a larger maxiter, or a better starting structure helps; see the log (txt=).'
            ) from error
        except AssertionError as error:  # as in its search for the Fermi level
            raise CalculationFailed(
                f'GPAW gave up on {atoms.get_chemical_formula()}, in the middle of its own code; another smearing, '
                'distribution or kpts helps, see the traceback'
            ) from error
        except Exception:
            self._dft = None
            raise

    def _converge(self, atoms, changes):
        dft, self._dft = self._dft, None  # one that fails is not continued
        if dft is None or self.parameters['symmetry'] or {'numbers', 'cell', 'pbc'} & set(changes):
            dft = self._new(atoms)
        else:
            dft.move_atoms(atoms)
            dft.converge()
        self._dft = dft

    def _new(self, atoms):
        from gpaw.new.calculation import DFT

        from .charges import use_structure_factors

        p, solvent = self.parameters, self.solvent
        extensions = []
        if solvent is not None:
            from .coupling import SolventInput

            level = self._wanted_level()
            level = None if level is None else level / Ha
            tolerance = p['potential_tolerance'] / Ha
            extensions = [
                SolventInput(solvent, p['spacing'] / Bohr, p['solver_tolerance'], -p['charge'], level, tolerance)
            ]
        dft = DFT(
            atoms,
            mode={'name': 'pw', 'ecut': p['cutoff']},
            xc=p['xc'],
            kpts={'size': kpoints(atoms, p['kpts']), 'gamma': bool(p['gamma'])},
            occupations={'name': p['distribution'], 'width': p['smearing']},
            symmetry={} if p['symmetry'] else {'point_group': False},
            convergence=CONVERGENCE if p['convergence'] is None else p['convergence'],
            maxiter=p['maxiter'],
            extensions=extensions,
            txt=p['txt'],
            converge=False,
        )
        use_structure_factors(dft)
        dft.converge()
        return dft

    def _collect(self, atoms, stress):
        from .energies import atomic_energies

        dft = self._dft
        extension = dft.pot_calc.extensions[0] if dft.pot_calc.extensions else None
        free = float(dft.energies.total_free * Ha)
        energies, charges = atomic_energies(dft, extension)
        missing = free - energies.sum()
        if abs(missing) > 2e-4 * len(atoms):
            raise CalculationFailed(
                f'atomic energies of {atoms.get_chemical_formula()} miss the free energy by {missing:.1e} eV; a '
                'smaller spacing of the solvent grid helps'
            )
        energies += missing / len(atoms)
        level = self._wanted_level()
        if level is not None:  # the grand free energy, F - E_F (N - N_neutral)
            energies += level * charges
            free = energies.sum()
        results = {
            'energy': float(free),
            'free_energy': float(free),
            'energies': energies,
            'forces': dft.calculate_forces(),
            'charges': charges,
        }
        if stress:
            results['stress'] = dft.calculate_stress()
        if extension is not None:
            cavity = measure(extension.cavity.interface, extension.atoms)
            totals = {name: results[name] for name in ('energy', 'forces', 'energies')}
            self.extra_results = cavity_targets(cavity, self.solvent, **totals)
        return results


def _import_gpaw():
    try:
        import gpaw
        import gpaw.new.calculation
    except ImportError as error:
        raise CalculatorSetupError(f'{INSTALL} ({error})') from error
    if gpaw.mpi.world.size > 1:
        raise CalculatorSetupError(
            f'GPAWSolvent runs in one process, but MPI started {gpaw.mpi.world.size}. Run structures side by side.'
        )
