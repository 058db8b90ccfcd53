"""What the analysis finds can be looked at in ase gui, on a display or a virtual one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.io import write
from mlffvv_analysis.frame import Frame

from ase_mlffvv.structures import column

SHOT = Path(__file__).with_name('gui_shot.py')


@pytest.fixture
def display(tmp_path):
    pytest.importorskip('tkinter')
    if os.environ.get('DISPLAY'):
        yield os.environ['DISPLAY']
        return
    if shutil.which('Xvfb') is None:
        pytest.skip('no display: neither $DISPLAY nor Xvfb')
    read, out = os.pipe()
    command = ['Xvfb', '-displayfd', str(out), '-screen', '0', '1280x900x24', '-nolisten', 'tcp']
    with subprocess.Popen(command, pass_fds=[out], stderr=subprocess.DEVNULL) as server:
        os.close(out)
        with os.fdopen(read) as number:
            yield f':{number.readline().strip()}'
        server.terminate()


def test_arrays_are_offered_for_colouring(display, tmp_path):
    from matplotlib.image import imread

    write(tmp_path / 'a.extxyz', Frame(column(diameter=4, height=5, box=7)).coloured())
    environment = {**os.environ, 'DISPLAY': display, 'MPLBACKEND': 'TkAgg'}
    done = subprocess.run([sys.executable, SHOT, tmp_path / 'a.extxyz', 'coordination', tmp_path / 'shot.png'],
                          env=environment, capture_output=True, text=True, timeout=120)  # fmt: skip
    assert done.returncode == 0, done.stderr
    structure = imread(tmp_path / 'shot.png')[60:690, 10:690, :3].reshape(-1, 3)
    coloured = structure[np.ptp(structure, axis=1) > 0.1]
    assert len(np.unique((coloured * 8).astype(int), axis=0)) >= 4  # several coordination numbers
