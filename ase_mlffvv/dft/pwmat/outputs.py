"""Results in a directory of PWmat, and errors found in it."""

from __future__ import annotations

import re
import warnings
from collections import deque
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from ase.calculators.calculator import CalculationFailed

from ...errors import PWmatFileError, PWmatWarning
from ...io.pwmat.atom_config import read_pwmat_config
from ...io.pwmat.etot_input import read_etot_input
from ...io.pwmat.frame import summing_to
from ...io.pwmat.movement import read_pwmat_movement
from ...io.pwmat.outputs import read_out_endiv, read_out_force, read_out_stress
from ...io.pwmat.report import read_report
from ...io.pwmat.steps import read_relaxsteps
from .inputs import present

LOGS = ('pwmat.err', 'pwmat.out', 'REPORT')


class Unfinished(CalculationFailed):
    """PWmat did not finish: the output is missing or incomplete."""


class NotConverged(CalculationFailed):
    """PWmat finished, but did not reach the requested accuracy."""


def log_tail(directory, lines=8):
    """The last lines of PWmat's output, for error messages."""
    parts = []
    for name in LOGS:
        path = Path(directory) / name
        if path.is_file():
            with open(path, errors='replace') as text:
                last = deque((line.rstrip('\n') for line in text if line.strip()), lines)
            if last:
                parts.append('\n'.join([f'--- end of {name}:', *last]))
    return '\n'.join(parts) or f'(no output in {Path(directory).resolve()})'


@contextmanager
def _whole(directory):
    """Replace errors due to missing or damaged files by one that names the directory and shows the end of the log."""
    try:
        yield
    except (PWmatFileError, FileNotFoundError) as error:
        raise Unfinished(
            f'PWmat did not come to its end in {directory.resolve()}: {error}\n{log_tail(directory)}'
        ) from error


def is_on(settings, key, default=False):
    value = settings.get(key, default)
    return bool(value[0] if isinstance(value, tuple) else value)


def read_scf(directory) -> dict:
    """Results of a self-consistent calculation.

    Parameters
    ----------
    directory : path
        Directory with etot.input and atom.config, which determine the contents of the other files.

    Returns
    -------
    dict
        ``energy`` and ``free_energy`` (eV, E_tot of REPORT; at a fixed potential there is no ``free_energy``, because
        the forces are then derivatives of another quantity), ``fermi_level`` (eV), ``forces`` (eV/Å, negative of
        OUT.FORCE), ``energies`` (eV, OUT.ENDIV shifted by a constant so that their sum is the energy), and ``stress``
        (eV/Å^3, tensile positive), each only if etot.input requests it.

    Raises
    ------
    Unfinished
        The calculation was killed, or a file is missing or cut off.
    NotConverged
        REPORT says that the iterations ended before a tolerance was met.
    """
    directory = Path(directory)
    settings, atoms = read_etot_input(directory / 'etot.input'), read_pwmat_config(directory / 'atom.config')
    with _whole(directory):
        report = read_report(directory / 'REPORT')
    _check_report(report, directory)
    energy = report['energy']
    results = {'energy': energy}
    if not is_on(settings, 'FIX_FERMI'):
        results['free_energy'] = energy
    if 'fermi_level' in report:
        results['fermi_level'] = report['fermi_level']
    with _whole(directory):
        if is_on(settings, 'OUT.FORCE', True):
            numbers, results['forces'] = read_out_force(directory / 'OUT.FORCE')
            _check_order(numbers, atoms, directory / 'OUT.FORCE')
        if is_on(settings, 'OUT.STRESS'):
            results['stress'] = read_out_stress(directory / 'OUT.STRESS', atoms)
        if is_on(settings, 'ENERGY_DECOMP'):
            atomic = read_out_endiv(directory / 'OUT.ENDIV')
            _check_order(atomic['numbers'], atoms, directory / 'OUT.ENDIV')
            results['energies'] = summing_to(energy, atomic['E_atom'])
    return results


def _check_report(report, directory):
    if 'converged' not in report:
        raise Unfinished(
            f'PWmat was stopped in {directory.resolve()} after {report.get("scf_iterations", "some")} iterations: '
            f"REPORT has no 'ending_scf_reason'.\n{log_tail(directory)}"
        )
    if not report['converged']:
        change = f'last change of the energy {report["energy_change"]:.1e} eV, ' if 'energy_change' in report else ''
        raise NotConverged(
            f'PWmat did not converge in {report.get("scf_iterations", "all its")} iterations in {directory.resolve()} '
            f"({change}reason '{report['ending_scf_reason']}'). Try a larger max_scf_iter or fermide (eV), "
            f"convergence='DIFFICULT', or another start.\n{log_tail(directory)}"
        )


def _check_order(numbers, atoms, path):
    here = atoms.numbers.tolist()
    there = numbers.tolist()
    if here == there:
        return
    if sorted(here) != sorted(there):
        raise PWmatFileError(
            f'{path}: expected rows of {len(here)} atoms ({atoms.symbols}), found {len(there)}. The file is cut off '
            'or belongs to another structure.'
        )
    k = next(k for k, (a, b) in enumerate(zip(here, there)) if a != b)
    raise CalculationFailed(
        f'{path.resolve()} lists the elements in another order than atom.config (from atom {k} on), so its rows cannot '
        'be given to atoms. Sort the structure by element, for example with ase.build.sort(atoms).'
    )


def read_frames(directory, allow_cut=False) -> list:
    """Structures of MOVEMENT with their results. Atoms do not jump by cell vectors if the file permits this.

    Parameters
    ----------
    directory : path
    allow_cut : bool
        Return the complete frames of an unfinished job, possibly none.
    """
    directory = Path(directory)
    if allow_cut and not (directory / 'MOVEMENT').is_file():
        return []
    with _whole(directory), warnings.catch_warnings():
        warnings.simplefilter('ignore', PWmatWarning)  # the last frame may be cut off; the caller counts frames
        try:
            return list(read_pwmat_movement(directory / 'MOVEMENT', unwrapped=True))
        except PWmatFileError:
            if allow_cut:
                return []
            raise


def read_moved(directory, job) -> list:
    """Frames of a finished relaxation or dynamics.

    Raises
    ------
    Unfinished
        There are fewer steps than requested, and the job did not finish.
    NotConverged
        A relaxation did not converge to its tolerances.
    """
    directory = Path(directory)
    frames = read_frames(directory)
    if job.name == 'MD':
        if len(frames) < job.steps:
            raise _stopped(directory, len(frames), job.steps)
        bad = _unconverged_iterations(directory / 'REPORT')
        if bad:
            warnings.warn(
                f'{directory.resolve()}: {bad} of {len(frames)} steps did not reach self-consistency; allow more '
                'iterations by max_scf_iter',
                PWmatWarning, stacklevel=3,
            )  # fmt: skip
        return frames
    with _whole(directory):
        report, table = read_report(directory / 'REPORT'), read_relaxsteps(directory / 'RELAXSTEPS')
    if table['kind'][-1] != 'END' and len(table['kind']) < job.steps and 'time' not in report:
        raise _stopped(directory, len(table['kind']), job.steps)
    if report.get('converged') is False:
        _check_report(report, directory)
    force = table['max_force'][-1]
    stress = _stress_per_atom(frames[-1], job)
    if force > 1.001 * job.fmax or stress > 1.001 * job.stress_tolerance:
        also = f', largest stress {stress:.3g} eV per atom (tolerance {job.stress_tolerance:g})' if stress else ''
        raise NotConverged(
            f'the relaxation in {directory.resolve()} ended after {len(table["kind"])} of {job.steps} steps with a '
            f'largest force of {force:.3g} eV/Å (tolerance {job.fmax:g}){also}. Its frames are in MOVEMENT; go on from '
            f'the last of them in another directory.\n{log_tail(directory)}'
        )
    return frames


def _stress_per_atom(atoms, job):
    """Largest strain derivative per atom, eV; 0 if it need not vanish or is unknown."""
    if not job.cell or job.options or 'stress' not in atoms.calc.results or 'stress_mask' in atoms.info:
        return 0.0
    return float(abs(atoms.calc.results['stress']).max() * atoms.get_volume() / len(atoms))


def _stopped(directory, n, steps):
    return Unfinished(
        f'PWmat was stopped in {directory.resolve()} after {n} of {steps} steps (files: '
        f'{", ".join(present(directory))}).\n{log_tail(directory)}'
    )


def _unconverged_iterations(path):
    if not path.is_file():
        return 0
    reasons = re.findall(r'^\s*ending_scf_reason\s*=\s*(.*)', path.read_text(errors='replace'), re.MULTILINE)
    return sum(not reason.strip().lower().startswith('tol') for reason in reasons)


def as_final(atoms, frame):
    """The given structure with cell, positions and momenta of the last frame."""
    final = atoms.copy()
    final.set_cell(frame.cell)
    final.set_positions(frame.positions, apply_constraint=False)
    if frame.has('momenta'):
        masses = np.array(final.get_masses() / frame.get_masses())[:, None]
        final.set_momenta(frame.get_momenta() * masses, apply_constraint=False)
    return final
