"""Keywords of PWmat's input files as data: kind, default of the program, unit, and allowed values.

Kinds are ``bool``, ``int``, ``float``, ``str``, ``numbers`` (one or several) and ``switch`` (True or False, optionally
followed by numbers). ``values`` are the allowed values of ``str`` and ``int``, and the smallest and largest count of
numbers for ``numbers`` and ``switch``. A ``#`` in a name stands for the number of an element or of a line. Units are
those of the program, because values are written as they are given. The source is the manual of PWmat.
"""

from typing import NamedTuple


class Keyword(NamedTuple):
    name: str
    kind: str
    default: str = ''
    unit: str = ''
    values: tuple = ()


ETOT = (
    # precision and memory
    Keyword('ACCURACY', 'str', 'NORM', '', ('NORM', 'HIGH', 'VERYHIGH')),
    Keyword('PRECISION', 'str', 'AUTO', '', ('AUTO', 'SINGLE', 'DOUBLE', 'MIX')),
    Keyword('CONVERGENCE', 'str', 'EASY', '', ('EASY', 'DIFFICULT')),
    Keyword('NUM_MPI_PER_GPU', 'int', '1'),
    Keyword('NUM_BLOCKED_PSI', 'bool', 'F'),
    Keyword('WF_STORE2DISK', 'int', '0', '', (0, 1)),
    # basis and system
    Keyword('ECUT', 'float', 'WFC_CUTOFF of the pseudopotential', 'Ry'),
    Keyword('ECUT2', 'float', '2 ECUT, 4 ECUT from ACCURACY HIGH on', 'Ry'),
    Keyword('ECUT2L', 'float', 'ECUT2 for norm-conserving pseudopotentials', 'Ry'),
    Keyword('ECUTP', 'float', 'ECUT, 4 ECUT from ACCURACY HIGH on', 'Ry'),
    Keyword('N123', 'numbers', 'from ECUT2', 'grid points', (3, 3)),
    Keyword('N123_METH', 'int', '0', '', (0, 1)),
    Keyword('N123L', 'numbers', 'from ECUT2L', 'grid points', (3, 3)),
    Keyword('NS123', 'numbers', 'by the program', 'grid points', (3, 3)),
    Keyword('P123', 'numbers', 'from ECUTP', 'grid points', (3, 3)),
    Keyword('SYMM_PREC', 'float', '1e-5'),
    Keyword('SPIN', 'int', '1', '', (1, 2, 22, 222)),
    Keyword('NUM_ELECTRON', 'float', 'that of the neutral system', 'electrons'),
    Keyword('NUM_ELECTRON_SPIN', 'numbers', 'free', 'electrons', (2, 2)),
    Keyword('NUM_BAND', 'int', '1.05 NUM_ELECTRON / 2 + 10 for SPIN 1'),
    Keyword('RCUT', 'float', 'largest of IN.PSP_RCUT#', 'Bohr'),
    Keyword('IN.PSP_RCUT#', 'float', 'that of the pseudopotential, or 3.5', 'Bohr'),
    Keyword('SOM_SPHERE_RCUT', 'float', 'RCUT', 'Å'),
    Keyword('NONLOCAL', 'int', '2', '', (1, 2, 3)),
    # self-consistency
    Keyword('E_ERROR', 'float', '2.7211e-6 per electron', 'eV'),
    Keyword('RHO_ERROR', 'float', '5e-5'),
    Keyword('RHO_RELATIVE_ERROR', 'float', '0'),
    Keyword('FORCE_RELATIVE_ERROR', 'float'),
    Keyword('WG_ERROR', 'float', '1e-4', 'Hartree'),
    Keyword('FERMIDE', 'float', '0.025', 'eV'),
    Keyword('MIN_SCF_ITER', 'int', '1'),
    Keyword('MAX_SCF_ITER', 'int', '100'),
    Keyword('SCF_ITER0_#', 'numbers', '6 4 3 0 0.025 1; 94 4 3 1 0.025 1', 'fifth: eV', (6, 6)),
    Keyword('SCF_ITER1_#', 'numbers', '40 4 3 1 0.025 1', 'fifth: eV', (6, 6)),
    Keyword('PULAY_MIX_OPT', 'numbers', '30 1 0 1 0', '', (5, 5)),
    Keyword('KERK_AMIN', 'float', '0.3'),
    Keyword('KERK_AMIX', 'float', '0.4'),
    Keyword('KERK_AMIX_MAG', 'float', '0.4'),
    Keyword('KERK_BMIX', 'float', '0.5'),
    Keyword('KERK_BMIX_MAG', 'float', '1e-5'),
    Keyword('LDAU_MIX', 'float', '0.7'),
    Keyword('PULAY_WEIGHT_SPIN', 'float', '1'),
    Keyword('PULAY_WEIGHT_NS', 'float', '1'),
    # functional and corrections
    Keyword('XCFUNCTIONAL', 'str', 'PBE'),
    Keyword('HSE_DETAIL', 'numbers', '1 1 0 6 1 1', '', (1, 6)),
    Keyword('HSE_OMEGA', 'float', '0.2', '1/Bohr'),
    Keyword('HSE_ALPHA', 'float', '0.25'),
    Keyword('HSE_BETA', 'float'),
    Keyword('RELAX_HSE', 'numbers', '20 0.05 2', '', (3, 3)),
    Keyword('VDW', 'str', 'NONE', '', ('NONE', 'DFT-D2', 'DFT-D3', 'PAIR')),
    Keyword('LONDON_S6', 'float', '0.75'),
    Keyword('LONDON_RCUT', 'float', '200', 'Bohr'),
    Keyword('DFTD3_S6', 'float'),
    Keyword('DFTD3_RS6', 'float'),
    Keyword('DFTD3_S18', 'float'),
    Keyword('DFTD3_RS18', 'float'),
    Keyword('DFTD3_ALPHA6', 'float'),
    Keyword('DFTD3_VERSION', 'int'),
    Keyword('DFTD3_3BODY', 'bool', 'T'),
    Keyword('DFTD3_CUTOFF', 'float', '94.868', 'Bohr'),
    Keyword('DFTD3_CUTOFF_CN', 'float', '40', 'Bohr'),
    Keyword('COULOMB', 'numbers', '0', 'fractions of the cell vectors', (1, 4)),
    Keyword('LDAU_PSP#', 'numbers', 'off', 'eV', (2, 3)),
    Keyword('LDAU_RCUT_PSP#', 'float', '6', 'Bohr'),
    Keyword('STRESS_CORR', 'numbers', 'off', 'plane waves, eV', (4, 4)),
    Keyword('CONSTRAINT_MAG', 'int', '0', '', (0, 1)),
    Keyword('SPIN222_MAGDIR_STEPFIX', 'int', '0 for LDA, else 1000'),
    Keyword('MD_VV_SCALE', 'int', '100', 'steps'),
    # atomic energies and charges
    Keyword('ENERGY_DECOMP', 'switch', 'F 1', '', (0, 1)),
    Keyword('ENERGY_DECOMP_SPECIAL', 'numbers', '1 for each element', '', (1, 99)),
    Keyword('ENERGY_DECOMP_SPECIAL1', 'numbers', '1 for each element', '', (1, 99)),
    Keyword('ENERGY_DECOMP_SPECIAL2', 'numbers', '1', '', (1, 199)),
    Keyword('CHARGE_DECOMP', 'bool', 'F'),
    # further input files, which must be in the directory
    Keyword('IN.WG', 'bool', 'F'),
    Keyword('IN.RHO', 'bool', 'F'),
    Keyword('IN.RHO_ADD', 'bool', 'F'),
    Keyword('IN.VR', 'bool', 'F'),
    Keyword('IN.VEXT', 'bool', 'F'),
    Keyword('IN.KPT', 'bool', 'F'),
    Keyword('IN.SYMM', 'bool', 'F'),
    Keyword('IN.OCC', 'bool', 'F'),
    Keyword('IN.EXT_FORCE', 'bool', 'F'),
    # output files
    Keyword('OUT.WG', 'bool', 'T'),
    Keyword('OUT.RHO', 'bool', 'T'),
    Keyword('OUT.VR', 'bool', 'T'),
    Keyword('OUT.HSEWR', 'bool', 'T'),
    Keyword('OUT.ELF', 'switch', 'F 1e-4', '', (0, 1)),
    Keyword('OUT.VATOM', 'bool', 'F'),
    Keyword('OUT.FORCE', 'bool', 'T'),
    Keyword('OUT.STRESS', 'bool', 'T for relaxations, else F'),
    Keyword('OUT.MLMD', 'bool', 'F'),
    Keyword('OUT.SOLVENT_CHARGE', 'bool', 'F'),
)

# keys that an argument of PWmat writes
ARGUMENT = {
    'NODE1': 'nodes',
    'NODE2': 'nodes',
    'JOB': 'job',
    'IN.ATOM': 'the structure',
    'IN.PSP#': 'pseudopotentials',
    'MP_N123': 'kpts and symmetry',
    'RELAX_DETAIL': 'job=RelaxationJob(...)',
    'IN.RELAXOPT': 'job=RelaxationJob(...)',
    'MD_DETAIL': 'job=MolecularDynamicsJob(...)',
    'IN.MDOPT': 'job=MolecularDynamicsJob(...)',
    'IN.SOLVENT': 'solvent',
    'FIX_FERMI': 'potential',
}

RELAXOPT = (
    Keyword('PSTRESS_EXTERNAL', 'float', '0', 'GPa'),
    Keyword('RELAX_MAXMOVE', 'float', '1', 'Bohr'),
    Keyword('LBFGS_MEMORY', 'int', '30'),
    Keyword('FIRE_DT', 'float', '1', 'fs'),
    Keyword('NSTEP_OUTPUT_RHO', 'int', '100', 'steps'),
    Keyword('CELL_FIX', 'numbers', '0 1 1 1', '', (4, 4)),
)

MDOPT = (
    Keyword('MD_CELL_TAU', 'float', '400 time steps', 'fs'),
    Keyword('MD_ION_TAU', 'float', '40 time steps', 'fs'),
    Keyword('MD_LV_GAMMA', 'float', '0.01', '1/fs'),
    Keyword('MD_NPT_GAMMA', 'float', '0.01', '1/fs'),
    Keyword('MD_NPT_PEXT', 'float', '0', 'GPa'),
    Keyword('MD_NPT_PEXT_XYZ', 'numbers', '0 0 0', 'GPa', (3, 3)),
    Keyword('MD_NPT_ISOSCALEV', 'int', '0', '', (0, 1)),
    Keyword('MD_BERENDSEN_TAU', 'float', '500 time steps', 'fs'),
    Keyword('MD_BERENDSEN_TAUP', 'float', '500 time steps', 'fs'),
    Keyword('MD_BERENDSEN_CEL_STEPS', 'int', '1', 'steps'),
    Keyword('MD_SEED', 'int', '12345'),
    Keyword('MD_AVET_TIMEINTERVAL', 'float', '100 time steps', 'fs'),
    Keyword('MD_ZERO_TOTMOMENT', 'bool', 'F'),
    Keyword('NSTEP_OUTPUT_RHO', 'int', '100', 'steps'),
)
