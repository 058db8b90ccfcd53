"""The PWmat calculator."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ase.calculators.calculator import CalculatorSetupError, all_changes
from ase.calculators.genericfileio import GenericFileIOCalculator
from ase.calculators.singlepoint import SinglePointCalculator

from ..electrode import DEFAULT_REFERENCE
from ..solvent import Solvent
from .inputs import has_outputs, make_inputs, present
from .jobs import as_job
from .outputs import Unfinished, as_final, is_on, read_frames, read_moved
from .profile import PWmatProfile
from .settings import check_settings
from .solvent_keys import fixed_potential
from .template import PWmatTemplate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from ase import Atoms


log = logging.getLogger(__name__)

# Settings stated in the dendrite study (Adv. Energy Mater. 13, 2202892): PWmat(**PAPER, kpts=(2, 2, 2), ...)
PAPER = {'xcfunctional': 'PBE', 'ecut': 60.0, 'ecut2': 240.0, 'e_error': 1e-10}


class PWmat(GenericFileIOCalculator):
    """ASE calculator that runs PWmat, the plane-wave program of the dendrite study.

    It provides ``energy`` = ``free_energy`` (eV, E_tot of a self-consistent calculation), ``forces`` (eV/Å, -dE/dR, the
    negative of the values in PWmat's files), ``energies`` (eV, per atom from ENERGY_DECOMP, shifted by a constant so
    that their sum is the energy), and ``stress`` (eV/Å^3, tensile positive; in a solvent only if ``out_stress=True``).
    The Fermi level is available from :meth:`get_fermi_level`.

    Parameters
    ----------
    directory : path
        Directory of one calculation. If it contains a finished calculation of the same structure and settings, the
        results are read, and the log says so. A directory with another calculation is refused. Only the calculator
        that filled a directory calculates there again, as optimizers require.
    job : 'scf', 'relax', RelaxationJob or MolecularDynamicsJob
        Relaxations and dynamics move the atoms. For these use :meth:`run`, :attr:`final` and :attr:`trajectory`.
    kpts : None, three ints, float or dict
        k-points in ASE's conventions: a grid through Γ, a density in points per 1/Å, or ``{'size' or 'density': ...,
        'gamma': True or False}``. The default is Γ only. A density of 4 yields the 2 x 2 x 2 grid of the dendrite study
        for 100 atoms of lithium.
    symmetry : None or {'all', 'space', 'none', 'time'}
        Symmetries that reduce the k-points. The default is that of PWmat.
    solvent : Solvent, optional
    potential : float, optional
        Fix the potential of the electrode (V) instead of its number of electrons. This is possible only for
        self-consistent calculations in a solvent with ions. A larger ``fermide`` (0.25 eV) helps convergence. The
        energy is PWmat's E_tot for the resulting number of electrons. The forces are the negative gradient of the
        grand potential, therefore there is no ``free_energy``.
    reference : {'Li', 'SHE'}
        Reference electrode of the potential: Li/Li+, for which 0 V is a Fermi level of -1.38 eV, or the standard
        hydrogen electrode, for which it is -4.42 eV.
    potential_mixing : (float, float)
        mix_Q and drho_pulay of FIX_FERMI. Smaller values are slower and safer.
    pseudopotentials : dict, optional
        File names by element. They are required for elements for which the folder does not contain exactly one file.
    overwrite : bool
        Replace another calculation or an unfinished one in the directory.
    profile : PWmatProfile, optional
        How to start PWmat. Parts of it can be given as ``command``, ``pseudo_dir`` and ``nodes``. Missing values are
        taken from the section [pwmat] of ASE's configuration file, see :class:`PWmatProfile`.
    **keywords
        Keywords of etot.input in PWmat's units, in upper or lower case and with ``_`` instead of a dot: ``ecut`` (Ry),
        ``e_error`` (eV), ``fermide`` (eV), ``spin``, ``scf_iter0_1``; :mod:`.keywords` contains all. Unless given,
        XCFUNCTIONAL is PBE, ECUT2 is 4 ECUT (which accurate forces require), ENERGY_DECOMP is T, and large files that
        are not needed for the results are not written.

    Examples
    --------
    >>> from ase_mlffvv import PWmat, Solvent                                              # doctest: +SKIP
    >>> atoms.calc = PWmat(directory='scf', ecut=60, kpts=3.0, solvent=Solvent.pc_dme())   # doctest: +SKIP
    >>> atoms.get_potential_energies()                                                     # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        directory: str | Path = '.',
        job: Any = 'scf',
        kpts: Any = None,
        symmetry: bool | None = None,
        solvent: Solvent | None = None,
        potential: float | None = None,
        reference: str = DEFAULT_REFERENCE,
        potential_mixing: tuple[float, float] = (0.1, 0.06),
        pseudopotentials: Mapping[str, str] | None = None,
        overwrite: bool = False,
        profile: Any = None,
        command: str | None = None,
        pseudo_dir: str | Path | None = None,
        nodes: tuple[int, int] | None = None,
        **keywords: Any,
    ):
        job = as_job(job)
        if solvent is not None and not isinstance(solvent, Solvent):
            raise CalculatorSetupError(f'solvent must be a Solvent, such as Solvent.pc_dme(), got {solvent!r}')
        settings = _with_defaults(check_settings(keywords), job, solvent)
        if potential is not None:
            settings['FIX_FERMI'] = fixed_potential(potential, reference, potential_mixing)
            if job is not None:
                raise CalculatorSetupError(
                    "potential works with job='scf' only. To relax at a potential, take the charge that PWmat reports "
                    'there as num_electron of a relaxation, and repeat both.'
                )
            if solvent is None or solvent.kappa_squared == 0:
                raise CalculatorSetupError(
                    'potential needs a solvent with ions (kappa_squared > 0): only there is the Fermi level absolute'
                )
        parameters = {
            'job': job, 'kpts': kpts, 'symmetry': symmetry, 'solvent': solvent,
            'pseudopotentials': dict(pseudopotentials or {}), 'settings': settings,
        }  # fmt: skip
        profile = _profile(self.cfg, profile, command, pseudo_dir, nodes)
        template = PWmatTemplate(_properties(settings, job))
        super().__init__(template=template, profile=profile, directory=directory, parameters=parameters)
        self.overwrite = overwrite
        self._mine = False  # whether this object made the contents of the directory
        self._final = None

    def __getstate__(self):
        return {**self.__dict__, '_mine': False}  # a copy must not overwrite files of the original

    def __repr__(self):
        job = self.parameters['job']
        return f"PWmat({'scf' if job is None else job!r} in '{self.directory}', {self.parameters['settings']})"

    def todict(self) -> dict:
        """Settings as plain numbers and strings, for files and databases."""
        p = self.parameters
        given = {
            'job': 'scf' if p['job'] is None else {'name': p['job'].name, **p['job'].todict()},
            'kpts': p['kpts'] if p['kpts'] is None or isinstance(p['kpts'], dict | float | int) else list(p['kpts']),
            'symmetry': p['symmetry'],
            'solvent': None if p['solvent'] is None else p['solvent'].to_dict(),
            'pseudopotentials': p['pseudopotentials'],
            **p['settings'],
        }
        return {key: value for key, value in given.items() if value not in (None, {})}

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ('energy',),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Calculate or read the results of a structure."""
        job = self.parameters['job']
        if job is not None:
            raise CalculatorSetupError(
                f'this calculator is for a {job.name}, which moves the atoms, so the results would belong to another '
                'structure: call calc.run(atoms) and use the structure it returns, calc.final and calc.trajectory'
            )
        atoms = self.atoms if atoms is None else atoms
        self.results = {}
        self.results = self._bring(atoms)
        self.atoms = atoms.copy()

    def run(self, atoms: Atoms) -> Atoms:
        """Run the job, or read its results if the directory already contains them.

        Parameters
        ----------
        atoms : Atoms
            Initial structure, which is not changed.

        Returns
        -------
        Atoms
            The last structure with its energy, forces and so on. Tags, constraints and other arrays are those of
            ``atoms``.
        """
        return self._finish(atoms, start=True)

    def read(self, atoms: Atoms) -> Atoms:
        """Read the results as :meth:`run` does, but never start PWmat; for jobs that a queueing system runs.

        Raises
        ------
        Unfinished
            The job has not started, is still running, or was stopped.
        """
        return self._finish(atoms, start=False)

    def _finish(self, atoms, start):
        found = self._bring(atoms, start)
        if self.parameters['job'] is None:
            final, results = atoms.copy(), found
        else:
            final, results = as_final(atoms, found[-1]), found[-1].calc.results
        self.atoms, self.results = final.copy(), dict(results)
        final.calc = SinglePointCalculator(final, **{k: v for k, v in results.items() if k != 'fermi_level'})
        self._final = final
        return final

    @property
    def final(self) -> Atoms:
        """Structure that :meth:`run` returned."""
        if self._final is None:
            raise CalculatorSetupError('nothing was run yet: call calc.run(atoms)')
        return self._final

    @property
    def trajectory(self) -> list[Atoms]:
        """Frames of a relaxation or of dynamics with their results, as :func:`ase.io.read` returns them. The job may
        still be running or may have been stopped."""
        return read_frames(self.directory, allow_cut=True)

    def write_inputfiles(self, atoms: Atoms, properties: Sequence[str] = ()) -> None:
        """Write the input files, for example to run PWmat by a queueing system; :meth:`read` then reads the results.

        Nothing is done if the directory already contains this calculation.
        """
        inputs = self._inputs(atoms)
        if 'etot.input' not in present(self.directory) or inputs.differences(self.directory):
            self._prepare(inputs, atoms)

    def _inputs(self, atoms):
        return make_inputs(atoms, self.parameters, self.profile, self.directory)

    def _bring(self, atoms, start=True):
        """Results or frames from the directory if it contains them, otherwise from a run of PWmat."""
        inputs = self._inputs(atoms)
        where = self.directory.resolve()
        if has_outputs(self.directory) and not inputs.differences(self.directory):
            try:
                results = self._read()
            except Unfinished as error:
                if not start:
                    raise
                self._refuse_to_lose_steps(error)
                log.info('PWmat: the calculation in %s was not finished and starts again', where)
            else:
                log.info('PWmat: read the finished calculation in %s (same structure and settings)', where)
                return results
        elif not start:
            self._check_directory(inputs, atoms, 'Read')
            raise Unfinished(f"PWmat has not begun in '{where}': there is no output")
        self._prepare(inputs, atoms)
        log.info("PWmat: running '%s' in %s", self.profile.command, where)
        self.template.execute(self.directory, self.profile)
        return self._read()

    def _read(self):
        job = self.parameters['job']
        return self.template.read_results(self.directory) if job is None else read_moved(self.directory, job)

    def _check_directory(self, inputs, atoms, todo='Use'):
        differences = inputs.differences(self.directory)
        if differences:
            shown = '; '.join(differences[:4]) + ('; ...' if len(differences) > 4 else '')
            raise CalculatorSetupError(
                f"'{self.directory.resolve()}' holds another calculation ({shown}). {todo} another directory for "
                f'{atoms.symbols}' + (', or overwrite=True.' if todo == 'Use' else '.')
            )

    def _prepare(self, inputs, atoms):
        if not (self._mine or self.overwrite):
            self._check_directory(inputs, atoms)
        self.directory.mkdir(exist_ok=True, parents=True)
        inputs.write(self.directory)
        self._mine = True

    def _refuse_to_lose_steps(self, error):
        frames = 0 if self.parameters['job'] is None else len(self.trajectory)
        if frames and not self.overwrite:
            raise Unfinished(
                f'{error}\nIts {frames} frames in MOVEMENT would be lost if it started again: go on from the last of '
                'them (calc.trajectory[-1]) in another directory, or use overwrite=True.'
            ) from error


def _with_defaults(given, job, solvent):
    """Settings, completed by those that this calculator needs for labels."""
    settings = {'XCFUNCTIONAL': 'PBE', **given}
    if 'ECUT2' not in settings:
        settings.setdefault('ACCURACY', 'HIGH')
        if 'ECUT' in settings and settings['ACCURACY'] != 'NORM':
            settings['ECUT2'] = 4 * settings['ECUT']
    can_split = settings['XCFUNCTIONAL'].upper() in ('PBE', 'LDA') and not settings.get('NUM_BLOCKED_PSI')
    if is_on(settings, 'ENERGY_DECOMP') and not can_split:
        raise CalculatorSetupError('ENERGY_DECOMP works with XCFUNCTIONAL LDA or PBE and NUM_BLOCKED_PSI = F only')
    if can_split and (job is None or job.name == 'MD'):
        settings.setdefault('ENERGY_DECOMP', True)
    if job is None:
        settings.setdefault('OUT.FORCE', True)
        settings.setdefault('OUT.STRESS', solvent is None)
    for name in ('OUT.WG', 'OUT.RHO', 'OUT.VR'):
        settings.setdefault(name, False)
    if solvent is not None:
        settings['IN.SOLVENT'] = True
    return settings


def _properties(settings, job):
    """Properties that calculations with these settings always provide; a missing one would start PWmat again."""
    on = {
        'energy': True,
        'free_energy': 'FIX_FERMI' not in settings,
        'energies': is_on(settings, 'ENERGY_DECOMP'),
        'forces': job is not None or is_on(settings, 'OUT.FORCE'),
        'stress': job is not None or is_on(settings, 'OUT.STRESS'),
    }
    return tuple(name for name, present in on.items() if present)


def _profile(cfg, profile, command, pseudo_dir, nodes):
    """Profile of the configuration file, with the given values in place of its own."""
    given = {'command': command, 'pseudo_dir': pseudo_dir, 'nodes': nodes}
    given = {name: value for name, value in given.items() if value is not None}
    if profile is not None:
        if given:
            raise CalculatorSetupError(f'give profile or {", ".join(given)}, not both')
        return profile
    known = {}
    if 'pwmat' in cfg.parser:
        section = cfg.parser['pwmat']
        known = {name: section[name] for name in ('command', 'pseudo_dir', 'nodes') if name in section}
    return PWmatProfile(**{**known, **given})
