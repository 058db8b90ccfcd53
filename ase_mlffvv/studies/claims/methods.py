"""Methods of the paper whose acceptance is a number (M11 to M14), on crystals and on frames of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.build import bulk
from mlffvv_analysis.coordination import CUTOFF, coordination_numbers
from mlffvv_analysis.embedding import embed, shell_features, silhouette
from mlffvv_analysis.frame import Frame
from mlffvv_analysis.grains import BOUNDARY, INTERIOR, SUBSURFACE, SURFACE
from mlffvv_analysis.phases import NAMES, phases
from mlffvv_analysis.statistics import Estimate
from scipy.stats import spearmanr

from .criteria import Criterion, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms


def m11(warm: Sequence[Atoms]) -> Verdict:
    """Adaptive common neighbor analysis tells fcc, hcp and bcc, in perfect crystals and in bulk bcc at 250 K."""
    # OVITO computes it, so that the agreement with OVITO needs no test
    parts = []
    for name, a in (('bcc', 3.44), ('fcc', 4.33), ('hcp', 3.06)):
        crystal = bulk('Li', name, a=a, orthorhombic=name == 'hcp', cubic=name != 'hcp') * (5, 5, 5)
        share = float((phases(crystal) == NAMES.index(name)).mean())
        parts.append(Criterion(f'perfect {name}', exact([share]), 1.0))
    shares = [float((phases(atoms) == NAMES.index('bcc')).mean()) for atoms in warm]
    return Verdict('M11', str(m11.__doc__), (*parts, Criterion('bcc in bulk at 250 K', exact(shares), 0.95)))


def m12(frames: Sequence[Atoms], most: int = 300) -> Verdict:
    """Coordination numbers are numbers of neighbors closer than 3.45 Å."""
    # compared with all distances of up to 300 atoms per frame
    shares = []
    for atoms in frames:
        chosen = np.random.default_rng(0).permutation(len(atoms))[:most]
        found = coordination_numbers(atoms, CUTOFF)[chosen]
        near = [(atoms.get_distances(k, range(len(atoms)), mic=True) < CUTOFF).sum() - 1 for k in chosen]
        shares.append(float((found == near).mean()))
    return Verdict('M12', str(m12.__doc__), (Criterion('atoms whose number agrees', exact(shares), 1.0),))


def m13(frames: Sequence[Atoms]) -> Verdict:
    """Surface, interior of grains, boundaries and subsurface divide the atoms completely and without overlap."""
    shares = []
    for frame in map(Frame, frames):
        inside = np.isin(frame.classes, (INTERIOR, BOUNDARY, SUBSURFACE))
        good = (frame.surface ^ frame.bulk) & (frame.surface == (frame.classes == SURFACE)) & (frame.bulk == inside)
        shares.append(float(good.mean()))
    return Verdict('M13', str(m13.__doc__), (Criterion('atoms in exactly one class', exact(shares), 1.0),))


def m14(cell: Atoms) -> Verdict:
    """A map of the features of the 230-atom cell shows bulk, subsurface and surface atoms apart, by energy, too."""
    # the cell at 250 K with atomic energies; layers: 0 surface, 1 beside it, 2 inside
    frame, features = Frame(cell), shell_features(cell)
    layers = np.where(frame.exposed, 0, np.where(frame.deep, 2, 1))
    score = silhouette(features, layers) if len(np.unique(layers)) > 1 else np.nan
    order = float(-spearmanr(layers, frame.energies).statistic)
    same = float(np.array_equal(embed(features, 0), embed(features, 0)))
    return Verdict('M14', str(m14.__doc__), (
        Criterion('silhouette of the layers', exact([score]), 0.3),
        Criterion('rank correlation of energy and layer', exact([order]), 0.8),
        Criterion('two maps of one seed are equal', exact([same]), 1.0),
    ))  # fmt: skip


def exact(values: Sequence[float]) -> Estimate:
    """Smallest of several numbers that have no statistical error, as an estimate."""
    value = float(min(values)) if len(values) else np.nan
    return Estimate(value, value, value, len(values))
