"""The codes that are compared; each is prepared for a structure and then returns the seconds of an evaluation of it.

``peer.make(atoms)`` returns a function ``code(moved) -> seconds`` for structures that differ from ``atoms`` by some
thousandths of an ångström. It evaluates energy and forces of all atoms on one thread. Times are processor times, summed
over all threads of the process: other programs affect them less than wall-clock time, and additional threads give no
advantage.
"""

from __future__ import annotations

import ctypes
import io
import sys
import tempfile
import warnings
from collections.abc import Callable
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from time import process_time

from ase.calculators.emt import EMT
from lammps_peer import Lammps
from random_models import mace, write_nep

from ase_mlffvv import VVCalculator
from ase_mlffvv.model.find import find_potential, shipped
from ase_mlffvv.neighbors import pair_list
from ase_mlffvv.structures import A_LITHIUM


@contextmanager
def quiet():
    """Context that suppresses hints of packages about other packages that could be installed."""
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


@dataclass
class Peer:
    """A code to compare with.

    Attributes
    ----------
    name : str
    make : callable
        Called with a structure; returns the function that is timed.
    about : str
        Description of the model: kind, size, cutoff.
    pairs : callable, optional
        Called with a structure, finds its pairs and returns the seconds that this takes.
    finds_pairs : bool
        Whether pairs are found in each evaluation, so that its time includes that for finding pairs.
    modules : tuple of str
        Modules to import, in this order, to test whether the code is installed.
    package : str
        Package to install.
    largest : int
        Largest number of atoms that fits into memory and takes a reasonable time.
    fitted : bool
        Whether the model is fitted to lithium, so that its forces are meaningful.
    """

    name: str
    make: Callable
    about: str
    pairs: Callable | None = None
    finds_pairs: bool = False
    modules: tuple = ()
    package: str = ''
    largest: int = sys.maxsize
    fitted: bool = False

    def missing(self):
        """Reason why the code cannot run, or ''."""
        for module in self.modules:
            try:
                with quiet():
                    import_module(module)
            except (ImportError, OSError, RuntimeError) as error:  # RuntimeError: mpi4py without an MPI library
                return f'{self.name} is left out: {error}. Install it with: pip install {self.package}'
        return ''


class Ase:
    """Time that an ASE calculator takes for energy and forces, in seconds.

    Parameters
    ----------
    calc : Calculator
    prepare : callable, optional
        Called with a structure; returns the structure to evaluate. Not included in the time.
    """

    def __init__(self, calc, prepare=None):
        self.calc = calc
        self.prepare = prepare or (lambda atoms: atoms)

    def __call__(self, atoms):
        atoms = self.prepare(atoms)
        start = process_time()
        self.calc.get_property('forces', atoms)
        self.calc.get_property('energy', atoms)
        return process_time() - start


def make_shipped(atoms, name, precision):
    return Ase(VVCalculator(name, threads=1, precision=precision, on_extrapolation='ignore'))


def shipped_pairs(atoms, name):
    cutoff = find_potential(name).cutoff + VVCalculator.default_parameters['skin']
    start = process_time()
    pair_list(atoms.positions, atoms.cell[:], atoms.pbc, cutoff, threads=1)
    return process_time() - start


def as_copper(atoms):
    """The same structure of copper at its experimental density (fcc, 3.61 Å), because EMT does not support lithium."""
    copper = atoms.copy()
    copper.numbers[:] = 29
    copper.set_cell(atoms.cell[:] * (3.61**3 / 4 / (A_LITHIUM**3 / 2)) ** (1 / 3), scale_atoms=True)
    return copper


def make_emt(atoms):
    return Ase(EMT(), as_copper)


def make_nep(atoms, **size):
    from calorine.calculators import CPUNEP

    with tempfile.TemporaryDirectory() as folder:
        write_nep(Path(folder) / 'nep.txt', **size)
        code = Ase(CPUNEP(str(Path(folder) / 'nep.txt')))
        code(atoms)  # reads the file
    return code


def nep_pairs(atoms, cutoffs):
    """Upper bound of the time to find pairs, from the smallest model with the same cutoffs."""
    moved = atoms.copy()
    moved.positions += 1e-3
    return make_nep(atoms, cutoffs=cutoffs, n_max=(0, 0), basis=(0, 0), l_max=(1, 0, 0), neurons=1)(moved)


def make_mace(atoms, irreps):
    import torch

    torch.set_num_threads(1)
    with quiet():
        from mace.calculators import MACECalculator

        calc = MACECalculator(models=mace(irreps), device='cpu', default_dtype='float32')
    return Ase(calc)


def keep_freed_memory():
    """Make the C library keep freed memory for all codes; otherwise, page faults double the time of MACE."""
    libc = ctypes.CDLL(None)
    if sys.platform == 'linux' and hasattr(libc, 'mallopt'):
        M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # malloc.h
        libc.mallopt(M_TRIM_THRESHOLD, -1)
        libc.mallopt(M_MMAP_MAX, 0)


def our_peer(name, precision='float64'):
    label = name if precision == 'float64' else f'{name}, {precision}'
    return Peer(label, partial(make_shipped, name=name, precision=precision), 'this package',
                partial(shipped_pairs, name=name), fitted=True)  # fmt: skip


def lammps_peer(name, style, coefficients, about, fitted=True):
    return Peer(name, partial(Lammps, style=style, coefficients=coefficients), f'LAMMPS, {about}',
                modules=('mpi4py.MPI', 'lammps'), package='"lammps[mpi]" mpi4py', fitted=fitted)  # fmt: skip


def nep_peer(name, cutoffs, **size):
    return Peer(name, partial(make_nep, cutoffs=cutoffs, **size),
                f'calorine, NEP4 of random parameters, {cutoffs[0]:g} and {cutoffs[1]:g} Å, {size["neurons"]} neurons',
                partial(nep_pairs, cutoffs=cutoffs), finds_pairs=True,
                modules=('calorine.calculators',), package='calorine')  # fmt: skip


def mace_peer(irreps):
    return Peer(f'MACE {irreps}', partial(make_mace, irreps=irreps),
                'mace-torch, random parameters, two layers of 6 Å, single precision', finds_pairs=True,
                modules=('mace.calculators',), package='mace-torch', largest=2000)  # fmt: skip


ZUO = '{{folder}}/{0}.snapcoeff {{folder}}/{0}.snapparam Li'
PEERS = [
    *[our_peer(name) for name in shipped() if 'solvent' not in name],
    our_peer('li-pbe-2-fast', 'float32'),
    our_peer('li-pbe-2-accurate', 'float32'),
    lammps_peer('SNAP', 'snap', ZUO.format('Li_Zuo_JPCA2020'), '2J = 8, 5.1 Å'),
    lammps_peer('quadratic SNAP', 'snap', ZUO.format('Li_Zuo_JPCA2020.quadratic'), '2J = 6, 5.1 Å'),
    lammps_peer('MEAM', 'meam', '{folder}/library.meam Li NULL Li', 'first neighbors, 4 Å'),
    lammps_peer('EIM', 'eim', 'Li {folder}/ffield.eim Li', 'of the embedded-atom form, for lithium halides, 7.1 Å',
                fitted=False),
    nep_peer('NEP, default size', (8.0, 4.0), neurons=30),
    nep_peer('NEP, larger', (6.0, 5.0), basis=(8, 8), l_max=(4, 2, 1), neurons=50),
    mace_peer('64x0e'),
    mace_peer('128x0e + 128x1o'),
    Peer('EMT of ASE', make_emt, 'in Python, as many atoms of copper at its own density'),
]  # fmt: skip


def here(names=None):
    """Those of the named codes (by default, all) that can run; reasons why others cannot are printed."""
    known = [peer.name for peer in PEERS]
    unknown = sorted(set(names or ()) - set(known))
    if unknown:
        raise ValueError(f'no such code: {", ".join(unknown)}; there are {", ".join(known)}')
    chosen = [peer for peer in PEERS if names is None or peer.name in names]
    reasons = [peer.missing() for peer in chosen]
    for reason in filter(None, reasons):
        print(reason)
    return [peer for peer, reason in zip(chosen, reasons) if not reason]
