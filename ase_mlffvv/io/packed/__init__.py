"""Packed trajectories (``.vvtraj``): frames of many atoms, compressed, as an ASE format with random access.

``ase.io`` imports this module to learn of the format, so it must stay light: take functions from :mod:`.frames`.
"""

from ase.utils.plugins import ExternalIOFormat

mlffvv_packed = ExternalIOFormat(
    desc='packed trajectory of mlffvv',
    code='+S',
    module='ase_mlffvv.io.packed.frames',
    ext='vvtraj',
    magic=b'mlffvv-packed',
)
