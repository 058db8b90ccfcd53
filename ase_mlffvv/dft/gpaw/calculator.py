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

    It computes ``energy`` = ``free_energy`` (eV; the electronic free energy at the temperature of the smearing, whose
    negative derivative is the forces), ``energies`` (eV, per atom; their sum is the energy), ``forces`` (eV/Å),
    ``charges`` (e, Hirshfeld), and in vacuum ``stress`` (eV/Å^3, Voigt order xx, yy, zz, yz, xz, xy, tensile
    positive). Energies are relative to the reference atoms of GPAW's PAW data sets.

    In a solvent, ``get_property`` and the dictionary ``extra_results`` also provide the parts of the free energy
    F = F_el + surface_tension * S + pressure * V: ``el_energy`` (eV), ``el_forces`` (eV/Å) and ``el_energies`` (eV) of
    F_el; the surface S as ``surface`` (Å^2), its derivative dS/dR as ``surface_gradient`` (Å) and atomic contributions
    as ``surfaces`` (Å^2); and likewise ``volume``, ``volume_gradient`` and ``volumes`` for V (Å^3, Å^2, Å^3). The file
    formats of ASE do not store these.

    Parameters
    ----------
    solvent : None, Solvent or dict
        None is vacuum.
    xc : {'PBE', 'PBEsol', 'RPBE', 'LDA'}
    cutoff : float, eV
        Kinetic-energy cutoff of the plane waves.
    kpts : float or (int, int, int)
        Density of k-points in Å (see Notes), or their numbers in a Monkhorst-Pack mesh.
    gamma : bool
        Shift the mesh so that it includes the Gamma point. Meshes with odd numbers always include it.
    smearing : float, eV
        Width of the smearing of the occupation numbers.
    distribution : {'marzari-vanderbilt', 'fermi-dirac'}
        With the former, the free energy stays close to the energy without smearing.
    charge : float, e
        Charge of the cell. It requires a solvent with ions, which screen it.
    potential : float, V, optional
        Fixed electrode potential; the charge is adjusted to it. It requires a solvent with ions.
    reference : {'Li', 'SHE'}
        Reference electrode of ``potential``: Li/Li+ (Fermi level -1.38 eV at 0 V) or the standard hydrogen electrode
        (-4.42 eV).
    potential_tolerance : float, V
    also_vacuum : bool
        Continue to vacuum from the solution in the solvent, which takes a fraction of the iterations of a new
        calculation: ``extra_results`` also contains ``vacuum_energy`` (eV), ``vacuum_forces`` (eV/Å) and
        ``vacuum_energies`` (eV). It requires a solvent and a neutral cell.
    symmetry : bool
        Use the point group of the structure. This is useful for perfect crystals and has no benefit for others.
    spacing : float, Å
        Grid spacing for the potential of the solvent.
    solver_tolerance : float
        Tolerance of the relative residual of the potential of the solvent.
    convergence : dict, optional
        Convergence criteria of GPAW, which replace the defaults of this class (:data:`CONVERGENCE`).
    maxiter : int
        Maximum number of self-consistency iterations.
    txt : str, optional
        Log file of GPAW; '-' is the standard output.

    Notes
    -----
    The cell is treated as periodic in all directions regardless of ``atoms.pbc``. Along directions that are not
    periodic, at least 5 Å of empty space are required. A direction with this much empty space gets one k-point, others
    ``ceil(kpts * 2 pi / |a_i|)``. The default of 5 yields a 5 x 5 x 5 mesh for 16 atoms of lithium, with errors of some
    2 meV/Å and 2 meV per atom; a value of 6.5 halves the latter. Differences between a solvent and vacuum converge
    faster: a value of 3 leaves errors of 0.3 meV/Å.

    At a fixed potential the energy is the grand free energy F - E_F (N - N_neutral), and the forces are its negative
    derivative.

    Calculations are not spin-polarised, and the stress is available in vacuum only. The calculator runs in one process
    with one thread: set ``OMP_NUM_THREADS=1`` and calculate several structures in parallel.

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
        'also_vacuum': False,
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
        # the stress, which is last, is available in vacuum only
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
        """GPAW's object of the last calculation, for results that this class does not provide."""
        if self._dft is None:
            raise CalculatorSetupError('there is no calculation yet; ask for an energy first')
        return self._dft

    @property
    def fermi_level(self) -> float:
        """Fermi level in eV, relative to the bulk solution if it has ions, otherwise to the mean over the cell."""
        return float(self.dft.ibzwfs.fermi_level * Ha)

    @property
    def electrode_potential(self) -> float:
        """Potential in V relative to :attr:`parameters` ``reference``; requires a solvent with ions."""
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
        """Fermi level that corresponds to the fixed potential, eV."""
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
        """Compute energies, forces and charges, and the stress if requested."""
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
        except AssertionError as error:  # e.g. in GPAW's search for the Fermi level
            raise CalculationFailed(
                f'GPAW gave up on {atoms.get_chemical_formula()}, in the middle of its own code; another smearing, '
                'distribution or kpts helps, see the traceback'
            ) from error
        except Exception:
            self._dft = None
            raise

    def _converge(self, atoms, changes):
        dft, self._dft = self._dft, None  # a calculation that fails is not continued
        if dft is None or self.parameters['symmetry'] or {'numbers', 'cell', 'pbc'} & set(changes):
            dft = self._new(atoms)
        else:
            dft.move_atoms(atoms)
            _forget_steps(dft.scf_loop.mixer)
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
        dft = self._dft
        extension = dft.pot_calc.extensions[0] if dft.pot_calc.extensions else None
        free = float(dft.energies.total_free * Ha)
        energies, charges = _atomic_energies(dft, extension, atoms)
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
        if self.parameters['also_vacuum']:
            self.extra_results.update(self._continue_to_vacuum(atoms))
        return results

    def _continue_to_vacuum(self, atoms):
        dft, self._dft = self._dft, None  # from here on it is not the calculation in the solvent
        dft.pot_calc.extensions[0].present = False
        dft.potential, dft.energies, _ = dft.pot_calc.calculate(dft.density, dft.ibzwfs, dft.potential.vHt_x)
        _forget_steps(dft.scf_loop.mixer)
        dft.converge()
        dft.results = {}
        energies, _ = _atomic_energies(dft, None, atoms)
        return {
            'vacuum_energy': float(dft.energies.total_free * Ha),
            'vacuum_energies': energies,
            'vacuum_forces': dft.calculate_forces(),
        }


def _forget_steps(mixer):
    """Let a mixer begin anew: GPAW's reset keeps lengths of steps, which are tiny after convergence."""
    for name, value in (('A', 0.0), ('B', 1.0), ('trust_radius', None), ('last_dNt', float('inf'))):
        if hasattr(mixer, name):
            setattr(mixer, name, value)


def _atomic_energies(dft, extension, atoms):
    """Atomic energies (eV) that sum to the free energy, and charges."""
    from .energies import atomic_energies

    energies, charges = atomic_energies(dft, extension)
    missing = float(dft.energies.total_free * Ha) - energies.sum()
    if abs(missing) > 2e-4 * len(atoms):
        raise CalculationFailed(
            f'atomic energies of {atoms.get_chemical_formula()} miss the free energy by {missing:.1e} eV; a smaller '
            'spacing of the solvent grid, or a density that is converged further, helps'
        )
    return energies + missing / len(atoms), charges


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
