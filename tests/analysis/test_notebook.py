"""Structures and trajectories in 3D in a notebook."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from mlffvv_analysis.notebook import show

pytestmark = pytest.mark.filterwarnings(
    'ignore:chemiscope.show only displays:UserWarning', 'ignore::DeprecationWarning'
)


@pytest.fixture
def frames():
    pytest.importorskip('chemiscope', reason='the extra notebook is not installed')
    frames = [bulk('Cu', cubic=True) for _ in range(3)]
    for k, atoms in enumerate(frames):
        atoms.rattle(0.05, seed=k)
        atoms.arrays['grade'] = np.full(4, 0.1 * k)
        atoms.calc = EMT()
        atoms.get_potential_energies()
    return frames


def test_a_trajectory_with_its_arrays(frames):
    widget = show(frames, color='grade')
    data = widget.value if isinstance(widget.value, str) else str(widget.value)
    assert 'grade' in data
    assert 'local_energy' in data
    assert widget.settings['structure'][0]['color'] == {'property': 'grade'}


def test_the_program_of_the_widget_needs_no_network(frames):
    widget = show(frames[0])
    assert len(str(widget._esm)) > 1_000_000  # the whole program, not an address


def test_frames_and_colors_are_checked(frames):
    with pytest.raises(ValueError, match='no frames'):
        show([])
    with pytest.raises(ValueError, match=r"\(grade, local_energy\), got 'phase'"):
        show(frames, color='phase')
