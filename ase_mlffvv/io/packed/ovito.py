"""Packed trajectories in OVITO: its import_file() and OVITO Pro find this reader where the package is installed."""

from __future__ import annotations

import numpy as np
from ovito.io import FileReaderInterface
from ovito.io.ase import ase_to_ovito

from .frames import read_mlffvv_packed
from .records import MAGIC, Records


class PackedReader(FileReaderInterface):
    """Reader of ``.vvtraj`` files."""

    @staticmethod
    def detect(filename):
        """Whether a file is a packed trajectory."""
        with open(filename, 'rb') as file:
            return file.read(len(MAGIC)) == MAGIC

    def scan(self, filename, register_frame):
        """Tell OVITO of each frame."""
        with open(filename, 'rb') as file:
            for k in range(len(Records(file, filename))):
                register_frame(frame_info=k, label=f'frame {k}')

    def parse(self, data, *, filename, frame_info=0, **_):
        """Put a frame into OVITO's data, with all arrays as particle properties."""
        atoms = next(read_mlffvv_packed(filename, int(frame_info or 0)))
        ase_to_ovito(atoms, data)
        for name, value in atoms.info.items():
            if np.ndim(value) == 0:
                data.attributes[name] = value
