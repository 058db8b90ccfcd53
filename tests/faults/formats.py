"""A sound file of each format, how it is read, and the errors that a damaged one must raise."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from mlffvv_analysis.stream import frames as stream

from ase_mlffvv.errors import (
    CheckpointError,
    DatasetError,
    PWmatFileError,
    StructureFileError,
    TrajectoryError,
    VVFileError,
)
from ase_mlffvv.fitting.checkpoint import FitCheckpoint
from ase_mlffvv.fitting.information import NormalMatrix
from ase_mlffvv.fitting.surroundings import KnownSurroundings
from ase_mlffvv.io.checkpoint import load_checkpoint, save_checkpoint
from ase_mlffvv.io.datasets import read_frames
from ase_mlffvv.io.packed.frames import read_mlffvv_packed, write_mlffvv_packed
from ase_mlffvv.io.pwmat import etot_input, outputs, solvent_input, steps
from ase_mlffvv.io.pwmat import report as pwmat_report
from ase_mlffvv.io.pwmat.atom_config import read_pwmat_config, write_pwmat_config
from ase_mlffvv.io.pwmat.movement import read_pwmat_movement
from ase_mlffvv.jobs import record
from ase_mlffvv.jobs.folder import JobFolder, read_job
from ase_mlffvv.labelling.compute import Task, compute
from ase_mlffvv.labelling.store import bare, read_record
from ase_mlffvv.learning import loop
from ase_mlffvv.model import VVPotential

from ..io.pwmat import files as pwmat
from ..toys import random_potential

RELAXSTEPS = """It=    0 NEW   E= -0.1354E+03 Av_F= 0.33E+00 M_F= 0.67E+00 dE=.0E+00 dRho=.0E+00 SCF=  9 dL= 0.00E+00
It=    1 CORR  E= -0.1355E+03 Av_F= 0.12E+00 M_F= 0.27E+00 dE=.1E-04 dRho=.2E-02 SCF=  5 dL= 0.11E-01
"""
MDSTEPS = """Iter(fs)=    1.0000 Etot,Ep,Ek(eV)= -0.1354E+03 -0.1355E+03 0.1000E+00 Temp(K)= 300.0 dE= .1E-04 SCF=  5
Iter(fs)=    2.0000 Etot,Ep,Ek(eV)= -0.1354E+03 -0.1356E+03 0.2000E+00 Temp(K)= 310.0 dE= .1E-04 SCF=  4
"""
REPORT = """ JOB = SCF
 ECUT =  50.0
 end of etot.input report
 iter=   9   ave_lin= 1.5  iCGmth=   3
   E_tot(eV)            = -.38753996720000E+03    -.1E-05
   E_Fermi(eV)          =  -2.25
 ending_scf_reason = tol_E_error
"""


class Damaged(Exception):
    """Said by a reader that reports a damaged file in another way than by an error."""


@dataclass(frozen=True)
class Format:
    """A format of files.

    Parameters
    ----------
    name : str
    write : callable
        Writes a sound file to a folder and returns its path.
    read : callable
        Reads a file; returns something to compare, a list for frames.
    error : type
        The exception that a damaged file raises.
    text : bool
        Plain text of others without a checksum, where a digit that became another digit is not noticed.
    grows : bool
        A program writes the file bit by bit, so that a shorter one is a sound file, too.
    """

    name: str
    write: Callable
    read: Callable
    error: type
    text: bool = False
    grows: bool = False


def structure(k=0):
    """Copper with labels, an integer array and info."""
    atoms = bulk('Cu', cubic=True)
    atoms.rattle(0.1, seed=k)
    atoms.info = {'step': 10 * k, 'time_ps': 0.25 * k}
    atoms.set_array('coordination', np.arange(4) + 8)
    atoms.set_array('local_energy', np.linspace(-1.9, -1.8, 4) + 0.01 * k)
    atoms.calc = SinglePointCalculator(atoms, energy=-7.5 - 0.1 * k, forces=0.1 * atoms.positions)
    return atoms


def plain(atoms):
    """Everything in a structure, as a digest."""
    results = atoms.calc.results if atoms.calc else {}
    parts = {**atoms.arrays, **atoms.info, **results, 'cell': atoms.cell[:], 'pbc': atoms.pbc,
             'constraints': str(atoms.constraints)}  # fmt: skip
    text = [f'{name} {np.asarray(value).dtype} {np.asarray(value).tolist()}' for name, value in sorted(parts.items())]
    return hashlib.sha256('\n'.join(text).encode()).hexdigest()


def _text(name, content):
    def make(folder):
        path = folder / name
        path.write_text(content)
        return path

    return make


def _vv(folder):
    potential = random_potential(cubic=False, families=('density',))
    potential.card.update(title='a test', accuracy=1.25)
    potential.save(folder / 'm.vv')
    return folder / 'm.vv'


def _read_vv(path):
    potential = VVPotential.load(path)
    return potential.digest(), json.dumps(potential.card)


def _packed(folder):
    write_mlffvv_packed(folder / 't.vvtraj', [structure(k) for k in range(4)])
    return folder / 't.vvtraj'


def _job(path):
    return SimpleNamespace(path=path.parent, digest='d', file='settings.json')


def _run_checkpoint(folder):
    path = folder / record.CHECKPOINT
    atoms = structure()
    atoms.set_momenta(atoms.positions)
    record.save_checkpoint(_job(path), atoms, record.Progress(10, 0.25, 1000, 500))
    return path


def _read_run_checkpoint(path):
    atoms, progress = record.load_checkpoint(_job(path))
    return plain(atoms), progress


def _fit_checkpoint(folder):
    FitCheckpoint(folder / 'm.vv.part', {'seed': 1}, 'f').save(random_potential(cubic=False).blocks)
    return folder / 'm.vv.part'


def _read_fit_checkpoint(path):
    notes = []
    (block,) = FitCheckpoint(path, {'seed': 1}, 'f').resume((None,), notes)
    return block.coefficients.tobytes(), block.terms.tobytes(), block.projection.tobytes()


def _timeline_state(folder):
    save_checkpoint(folder / 't.state', 'timeline', {'last': np.eye(3), 'column x': np.arange(9.0)}, {'frames': 9})
    return folder / 't.state'


def _read_timeline_state(path):
    arrays, data = load_checkpoint(path, 'timeline')
    return {name: a.tobytes() for name, a in arrays.items()}, data


def _settings(folder, name='settings.json'):
    with JobFolder(folder / 'job', name, {'dynamics': {'timestep': 2.0}, 'seed': 3}, what='a job') as job:
        job.save(steps=5000, model={'name': 'li-pbe-2-fast', 'sha256': 64 * 'a'}, changes=[])
    return folder / 'job' / name


def _finished_file(folder):
    path = _settings(folder).with_name('cut_outs.extxyz')
    with JobFolder(path.parent, 'settings.json', None, what='a job') as job:
        write(path, [structure(k) for k in range(2)])
        job.sign(path)
    return path


def _read_finished_file(path):
    job = JobFolder(path.parent, 'settings.json', None, what='a job')
    job.entries = read_job(path.parent, 'settings.json', 'a job')[1]
    return [plain(atoms) for atoms in job.verified(path, partial(read, format='extxyz'), ':')]


FACTS = {'calculator': 'emt', 'settings': {}, 'settings_hash': 64 * 'b', 'hash': 64 * 'c'}


def _result(folder):
    folder = folder / '00000-abc'
    folder.mkdir()
    compute(Task(bare(structure()), 'emt', {}, False, folder, FACTS))
    return folder / 'result.json'


def _read_result(path):
    found = read_record(path.parent, 64 * 'c', 4)  # warns of a damaged file, and the structure is computed again
    if found is None:
        raise Damaged(str(path))
    return found


def _round(folder):
    here = folder / 'loop' / 'round_0'
    here.mkdir(parents=True)
    loop._finish(here, {'round': 0, 'errors': {'force_mae': 0.0125}, 'structures': 8}, 0.0)
    return here / 'round.json'


def _read_round(path):
    return loop._round(None, path.parents[2], None, 0, False)


def _normal(folder):
    known = KnownSurroundings((np.eye(3),), (np.arange(6.0).reshape(2, 3),), (1.5,))
    NormalMatrix('f' * 64, np.eye(3) + 0.1, known).save(folder / 'normal.npz')
    return folder / 'normal.npz'


def _read_normal(path):
    found = NormalMatrix.load(path)
    return found.functions, found.matrix.tobytes(), found.known.bound, [a.tobytes() for a in found.known.gram]


def _extxyz(folder):
    write(folder / 't.extxyz', [structure(k) for k in range(3)])
    return folder / 't.extxyz'


def _config(folder):
    write_pwmat_config(folder / 'atom.config', pwmat.labelled()[0])
    return folder / 'atom.config'


def _movement(folder):
    (folder / 'MOVEMENT').write_text(pwmat.frame(0, extra=pwmat.MD) + pwmat.frame(1, extra=pwmat.MD))
    return folder / 'MOVEMENT'


def _read_movement(path):
    frames = list(read_pwmat_movement(path))
    for atoms in frames:
        atoms.info.pop('scf_iterations', None)  # the only entry that may get lost in silence
    return [plain(atoms) for atoms in frames]


def _force(path):
    numbers, forces = outputs.read_out_force(path)
    return numbers.tolist(), forces.tolist()


def _rows(function, path):
    columns = function(path)
    return [str(values) for values in zip(*(np.asarray(column).tolist() for column in columns.values()))]


def _endiv(path):
    return {name: np.asarray(value).tolist() for name, value in outputs.read_out_endiv(path, [3, 3]).items()}


def _report(path):
    found = pwmat_report.read_report(path)
    return [f'{name} {found[name]}' for name in ('energy', 'fermi_level', 'converged') if name in found]


def _stress(path):
    return outputs.read_out_stress(path, Atoms('Li', cell=[3, 3, 3], pbc=True)).tolist()


_OUT = '   3     0.1250000000    -0.2500000000     0.5000000000\n'
_ENDIV = """ Etot,ENDIV(eV)= -0.3875399672E+03  0.3255710784E+02
 atomic energies  -0.4200970750E+03  dE
   3   0.1627854894E+02   -0.9946522671E+02    0.2999999196E+01
   3   0.1627855890E+02   -0.9946530372E+02    0.3000000581E+01
"""
_ETOT = '1 4\nJOB = SCF\nIN.ATOM = atom.config\nIN.PSP1 = Li.SG15\nECUT = 50.0\nENERGY_DECOMP = T, 2\n'
_SOLVENT = 'DIELECTRIC_CONST = 35.5\nSURFACE_TENSION = 4.5\nPARAM_CHARGE.1 = 1.0, 2.0, 3.0\n'
_ROWS = '  0.125000 0.010000 0.020000\n  0.010000 0.250000 0.030000\n  0.020000 0.030000 -0.125000\n'

FORMATS = [
    Format('.vv', _vv, _read_vv, VVFileError),
    Format('.vvtraj', _packed, lambda p: [plain(a) for a in read_mlffvv_packed(p, slice(None))], TrajectoryError),
    Format('checkpoint.state', _run_checkpoint, _read_run_checkpoint, CheckpointError),
    Format('checkpoint of a fit', _fit_checkpoint, _read_fit_checkpoint, CheckpointError),
    Format('timeline.state', _timeline_state, _read_timeline_state, CheckpointError),
    Format('settings.json', _settings, lambda p: read_job(p.parent, p.name, 'a job'), FileExistsError),
    Format('label.json', partial(_settings, name='label.json'), lambda p: read_job(p.parent, p.name, 'labels'),
           FileExistsError),
    Format('result.json', _result, _read_result, Damaged),
    Format('round.json', _round, _read_round, ValueError),
    Format('normal.npz', _normal, _read_normal, DatasetError),
    Format('cut_outs.extxyz', _finished_file, _read_finished_file, FileExistsError),
    Format('extxyz, analysis', _extxyz, lambda p: [plain(a) for a, _ in stream(p)], StructureFileError, text=True),
    Format('extxyz, labels', _extxyz, lambda p: [plain(a) for a in read_frames(p)], StructureFileError, text=True),
    Format('MOVEMENT', _movement, _read_movement, PWmatFileError, text=True),
    Format('atom.config', _config, lambda p: plain(read_pwmat_config(p)), PWmatFileError, text=True),
    Format('OUT.FORCE', _text('OUT.FORCE', f'   2\n\n{_OUT}{_OUT}'), _force, PWmatFileError, text=True),
    Format('OUT.ENDIV', _text('OUT.ENDIV', _ENDIV), _endiv, PWmatFileError, text=True),
    Format('OUT.STRESS', _text('OUT.STRESS', f' stress tensor (eV)\n{_ROWS}'), _stress, PWmatFileError, text=True),
    Format('REPORT', _text('REPORT', REPORT), _report, PWmatFileError, text=True, grows=True),
    Format('RELAXSTEPS', _text('RELAXSTEPS', RELAXSTEPS), partial(_rows, steps.read_relaxsteps), PWmatFileError,
           text=True, grows=True),
    Format('MDSTEPS', _text('MDSTEPS', MDSTEPS), partial(_rows, steps.read_mdsteps), PWmatFileError, text=True,
           grows=True),
]  # fmt: skip
INPUTS = [  # written by hand: any text that can be read is meant
    Format('etot.input', _text('etot.input', _ETOT), etot_input.read_etot_input, PWmatFileError, text=True),
    Format('IN.SOLVENT', _text('IN.SOLVENT', _SOLVENT), solvent_input.read_solvent_input, PWmatFileError, text=True),
]
BY_NAME = {kind.name: kind for kind in [*FORMATS, *INPUTS]}


def fresh(kind, folder):
    """Sound file of a format in a new folder, and what is read from it."""
    folder = Path(folder)
    path = kind.write(folder)
    return path, kind.read(path)
