"""Structures and trajectories in 3D in a notebook."""

import re
from html import unescape

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from mlffvv_analysis.notebook import show


@pytest.fixture
def frames():
    frames = [bulk('Cu', cubic=True) for _ in range(3)]
    for k, atoms in enumerate(frames):
        atoms.rattle(0.05, seed=k)
        atoms.arrays['grade'] = np.full(4, 0.1 * k)
        atoms.info['time_ps'] = 0.5 * k
        atoms.calc = EMT()
        atoms.get_potential_energies()
    return frames


def test_a_trajectory_with_its_arrays(frames):
    html = show(frames, color='grade')._repr_html_()
    page = unescape(re.fullmatch(r'<iframe srcdoc="([^"]*)" title=.*></iframe>', html, re.S)[1])
    assert page.lstrip().lower().startswith('<!doctype html>')
    assert page.index('"grade"') < page.index('"local_energy"') < page.index('"Cu"')
    assert '1.00 ps' in page


def test_the_view_needs_no_network(frames, tmp_path):
    show(frames[0]).page.save(tmp_path / 'atoms.html')
    text = (tmp_path / 'atoms.html').read_text()
    assert not re.search(r'(src|href)="?(https?:)?//', text)
    assert len(text) < 100_000


def test_the_frames_do_not_change(frames):
    before = frames[0].copy()
    show(frames)
    assert frames[0] == before
    assert 'local_energy' not in frames[0].arrays


def test_frames_and_colors_are_checked(frames):
    with pytest.raises(ValueError, match='no frames'):
        show([])
    with pytest.raises(ValueError, match=r"\(grade, local_energy, .*\), got 'phase'|got 'phase'"):
        show(frames, color='phase')
    with pytest.raises(ValueError, match='equally many atoms'):
        show([frames[0], frames[0] * (2, 1, 1)])
