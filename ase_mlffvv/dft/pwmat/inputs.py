"""Input files of one calculation: their contents, comparison with those in a directory, and writing."""

from __future__ import annotations

import filecmp
import io
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculatorSetupError
from ase.constraints import FixAtoms, FixCartesian

from ...errors import PWmatFileError, check_structure
from ...io.pwmat.atom_config import read_pwmat_config, write_pwmat_config
from ...io.pwmat.blocks import TENSORS
from ...io.pwmat.etot_input import read_etot_input, write_etot_input
from ...io.pwmat.frame import ARRAYS
from ...io.pwmat.keywords import key_lines, read_keys
from ...io.pwmat.solvent_input import read_solvent_input, write_solvent_input
from ...io.pwmat.text import reading, replacing
from .kpoints import mp_n123
from .pseudopotentials import find_pseudopotentials
from .solvent_keys import solvent_keys

OPTIONAL = ('IN.SOLVENT', 'IN.RELAXOPT', 'IN.MDOPT')
INPUTS = ('etot.input', 'atom.config', *OPTIONAL)
OUTPUTS = ('REPORT', 'MOVEMENT', 'RELAXSTEPS', 'MDSTEPS', 'final.config', 'OUT.*', 'pwmat.out', 'pwmat.err')
SAME = 1e-9  # Å


@dataclass
class Inputs:
    """Settings of etot.input, structure, keys of the other input files by name, and pseudopotential files by name."""

    settings: dict
    structure: Atoms
    others: dict
    pseudopotentials: dict

    def texts(self):
        """Texts of the files by name."""
        texts = {name: io.StringIO() for name in ('etot.input', 'atom.config', *self.others)}
        write_etot_input(texts['etot.input'], self.settings)
        write_pwmat_config(texts['atom.config'], self.structure)
        for name, keys in self.others.items():
            if name == 'IN.SOLVENT':
                write_solvent_input(texts[name], keys)
            else:
                texts[name].writelines(key_lines(keys))
        return {name: text.getvalue() for name, text in texts.items()}

    def write(self, directory):
        """Remove the files of an earlier calculation, and write all input files."""
        for name in (*OPTIONAL, *OUTPUTS):
            for path in directory.glob(name):
                if path.is_file():
                    path.unlink()
        for key, value in self.settings.items():
            on = value[0] if isinstance(value, tuple) else value
            if key.startswith('IN.') and on is True and key not in self.others and not (directory / key).is_file():
                raise CalculatorSetupError(f"{key} = T needs the file {key} in '{directory.resolve()}'; put it there")
        for name, path in self.pseudopotentials.items():
            if path.resolve() != (directory / name).resolve():
                shutil.copyfile(path, directory / name)
        for name, text in self.texts().items():
            with replacing(directory / name) as out:
                out.write(text)

    def differences(self, directory) -> list:
        """How the calculation in a directory differs from this one; empty if it is the same or there is none."""
        there = present(directory)
        if not there:
            return []
        found = []
        for name, text in self.texts().items():
            path = directory / name
            if not path.is_file():
                found += [f'it has {", ".join(there[:3])} but no {name}'] if has_outputs(directory) else []
                continue
            try:
                found += _COMPARE[name](path, io.StringIO(text))
            except PWmatFileError as error:
                found.append(str(error))
        for name, path in self.pseudopotentials.items():
            other = directory / name
            if other.is_file() and not filecmp.cmp(path, other, shallow=False):
                found.append(f'{name} is another file')
        return found


def make_inputs(atoms, parameters, profile, directory) -> Inputs:
    """Inputs for a structure; see :class:`.PWmat` for the parameters."""
    if len(atoms) == 0:
        raise CalculatorSetupError('the structure has no atoms')
    check_structure(atoms.positions, atoms.cell[:], atoms.pbc)
    if atoms.cell.rank < 3:
        raise CalculatorSetupError(
            f'PWmat needs three cell vectors, got the cell {atoms.cell[:].tolist()}. Use for example '
            'atoms.center(vacuum=8.0); directions with pbc False get a single k-point.'
        )
    job = parameters['job']
    symbols = list(dict.fromkeys(atoms.symbols))
    folder = directory if profile.pseudo_dir is None else profile.pseudo_dir
    files = find_pseudopotentials(symbols, folder, parameters['pseudopotentials'])
    settings = {
        'NODE1': profile.nodes[0],
        'NODE2': profile.nodes[1],
        'JOB': 'SCF' if job is None else job.name,
        'IN.ATOM': 'atom.config',
        **{f'IN.PSP{n}': path.name for n, path in enumerate(files.values(), 1)},
        'MP_N123': mp_n123(parameters['kpts'], atoms, parameters['symmetry']),
        **parameters['settings'],
    }
    if atoms.has('initial_magmoms') and np.any(atoms.get_initial_magnetic_moments()) and 'SPIN' not in settings:
        settings['SPIN'] = 2 if atoms.get_initial_magnetic_moments().ndim == 1 else 222
    others = {}
    if parameters['solvent'] is not None:
        others['IN.SOLVENT'] = solvent_keys(parameters['solvent'], len(files))
    if job is not None:
        settings.update(job.settings())
        if job.file():
            settings[job.options_file], others[job.options_file] = True, job.file()
    named = {path.name: path for path in files.values()}
    return Inputs(settings, _plain(atoms, job), others, named)


def _plain(atoms, job):
    """The structure without labels of other calculators, with fixed atoms and momenta only if the job uses them."""
    plain = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
    plain.info = {name: atoms.info[name] for name in TENSORS if name in atoms.info}
    for name in ARRAYS:
        if name in atoms.arrays:
            plain.set_array(name, atoms.arrays[name])
    if atoms.has('initial_magmoms') and np.any(atoms.get_initial_magnetic_moments()):
        plain.set_initial_magnetic_moments(atoms.get_initial_magnetic_moments())
    if job is None:
        return plain
    for constraint in atoms.constraints:
        if not isinstance(constraint, FixAtoms | FixCartesian):
            raise CalculatorSetupError(
                f'PWmat can fix atoms along x, y and z only, not by {type(constraint).__name__}; remove this constraint'
            )
    if job.name == 'MD' and atoms.has('momenta'):
        plain.set_array('masses', atoms.get_masses())
        plain.set_momenta(atoms.get_momenta(), apply_constraint=False)
    plain.set_constraint(atoms.constraints)
    return plain


def present(directory):
    """Names of PWmat's files in a directory, except pseudopotentials."""
    directory = Path(directory)
    return [path.name for name in (*INPUTS, *OUTPUTS) for path in sorted(directory.glob(name)) if path.is_file()]


def has_outputs(directory):
    return any(name not in INPUTS for name in present(directory))


def _settings(read):
    def compare(path, text):
        there, here = read(path), read(text)
        for settings in (there, here):
            for node in ('NODE1', 'NODE2'):  # the division of the work does not change the results
                settings.pop(node, None)
        keys = [key for key in {**here, **there} if _folded(here.get(key)) != _folded(there.get(key))]
        return [f'{key} is {_shown(there.get(key))} there, {_shown(here.get(key))} here' for key in keys]

    return compare


def _folded(value):
    if isinstance(value, tuple):
        return tuple(map(_folded, value))
    return value.casefold() if isinstance(value, str) else value


def _shown(value):
    return 'not set' if value is None else ' '.join(map(str, value)) if isinstance(value, tuple) else str(value)


def _structures(path, text):
    there, here = read_pwmat_config(path), read_pwmat_config(text)
    if len(there) != len(here):
        return [f'{there.symbols} there, {here.symbols} here']
    other = np.flatnonzero(there.numbers != here.numbers)
    if len(other):
        k = other[0]
        return [f'atom {k} is {there.symbols[k]} there, {here.symbols[k]} here ({there.symbols}, {here.symbols})']
    if abs(there.cell - here.cell).max() > SAME:
        return [f'cell {there.cell[:].tolist()} there, {here.cell[:].tolist()} here']
    moved = here.cell.scaled_positions(there.positions - here.positions)
    moved = np.linalg.norm((moved - moved.round()) @ here.cell[:], axis=1)
    if moved.max() > SAME:
        return [f'{np.count_nonzero(moved > SAME)} atoms are elsewhere, by up to {moved.max():.3g} Å']
    if str(there.constraints) != str(here.constraints):
        return ['other atoms are fixed']
    for name in {*here.arrays, *there.arrays} - {'numbers', 'positions'}:
        a, b = (x.arrays.get(name, np.zeros(1)) for x in (there, here))
        if a.shape != b.shape or not np.allclose(a, b, rtol=1e-12, atol=1e-9):
            return [f'other {name}']
    if any(np.any(there.info.get(name, 0) != here.info.get(name, 0)) for name in TENSORS):
        return [f'other {" or ".join(TENSORS)}']
    return []


def _read_options(file):
    with reading(file) as (text, name):
        return read_keys(text.read().splitlines(), 0, name)


_COMPARE = {
    'etot.input': _settings(read_etot_input),
    'atom.config': _structures,
    'IN.SOLVENT': _settings(read_solvent_input),
    'IN.RELAXOPT': _settings(_read_options),
    'IN.MDOPT': _settings(_read_options),
}
