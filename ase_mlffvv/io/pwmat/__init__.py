"""PWmat files: structures and trajectories as ASE formats, readers of outputs, readers and writers of inputs.

``ase.io`` imports this module to learn of the formats ``pwmat-config`` and ``pwmat-movement``, so it must stay light:
take functions from its modules. Units and signs are converted where a file is read or written (:mod:`.units`).
"""

from ase.utils.plugins import ExternalIOFormat

# Code 'S': the functions open files themselves, so that a file is replaced only when the new one is complete.
# '.config' belongs to DL_POLY and '.xyz' to extxyz, so names are claimed narrowly; other names are read by content.
pwmat_config = ExternalIOFormat(
    desc='PWmat structure (atom.config)',
    code='1S',
    module='ase_mlffvv.io.pwmat.atom_config',
    glob=['atom.config', '*[._-]atom.config', 'final.config', '*[._-]final.config'],
    # 'N', a line 'Lattice' and a row of numbers; not the first frame of a MOVEMENT, and not Lattice="..." of extxyz
    magic_regex=rb'\s*\d+\b(?![^\n]*Iteration)[^\n]*\n\s*(?i:lattice(?:[ \t]+vector[^\n]*|[ \t]*\r?|[ \t]*#[^\n]*))\n'
    rb'\s*(?:[-+.\dEeDd]+[ \t]+){2}[-+.\d]',
)
pwmat_movement = ExternalIOFormat(
    desc='PWmat trajectory (MOVEMENT)',
    code='+S',
    module='ase_mlffvv.io.pwmat.movement',
    glob=['*MOVEMENT', 'OUT.MLMD'],
    magic_regex=rb'\s*\d+\s+atoms\s*,\s*Iteration',
)
