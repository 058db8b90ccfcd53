"""Packed trajectories in OVITO: its import_file() and OVITO Pro find this reader where the package is installed."""

from __future__ import annotations

import os

import numpy as np
from ovito.io import FileReaderInterface
from ovito.io.ase import ase_to_ovito

from .frames import read_mlffvv_packed
from .records import MAGIC


class PackedReader(FileReaderInterface):
    """Reader of ``.vvtraj`` files."""

    @staticmethod
    def detect(filename):
        """Whether a file is a packed trajectory."""
        with open(filename, 'rb') as file:
            return file.read(len(MAGIC)) == MAGIC

    def scan(self, filename, register_frame):
        """Tell OVITO of each frame."""
        if os.path.getsize(filename) == 0:
            return
        for k, atoms in enumerate(read_mlffvv_packed(filename, slice(None))):
            time = atoms.info.get('time_ps')
            register_frame(frame_info=k, label=f'frame {k}' if time is None else f'{time:g} ps')

    def parse(self, data, *, filename, frame_info=0, **_):
        """Put a frame into OVITO's data, with all arrays as particle properties."""
        (atoms,) = read_mlffvv_packed(filename, frame_info or 0)
        ase_to_ovito(atoms, data)
        for name, value in atoms.info.items():
            if np.ndim(value) == 0:
                data.attributes[name] = value
