"""Packed trajectories in OVITO: its import_file() and OVITO Pro find this reader where the package is installed."""

from __future__ import annotations

import os

import numpy as np
from ase.io import ulm
from ovito.io import FileReaderInterface
from ovito.io.ase import ase_to_ovito

from .frames import HEADER, TAG, read_frame


class PackedReader(FileReaderInterface):
    """Reader of ``.vvtraj`` files."""

    @staticmethod
    def detect(filename):
        """Whether a file is a packed trajectory."""
        with open(filename, 'rb') as file:
            return file.read(HEADER).startswith(b'- of Ulm' + TAG.encode())

    def scan(self, filename, register_frame):
        """Tell OVITO of each frame."""
        if os.path.getsize(filename) < HEADER:
            return
        with ulm.Reader(filename) as file:
            for k in range(len(file)):
                time = file[k].info.get('time_ps')
                register_frame(frame_info=k, label=f'frame {k}' if time is None else f'{time:g} ps')

    def parse(self, data, *, filename, frame_info=0, **_):
        """Put a frame into OVITO's data, with all arrays as particle properties."""
        with ulm.Reader(filename) as file:
            atoms = read_frame(file, frame_info or 0)
        ase_to_ovito(atoms, data)
        for name, value in atoms.info.items():
            if np.ndim(value) == 0:
                data.attributes[name] = value
