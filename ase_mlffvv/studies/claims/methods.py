"""Methods of the paper whose acceptance is a number (M11 to M14), on crystals and on frames of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.build import bulk
from mlffvv_analysis.coordination import CUTOFF, coordination_numbers
from mlffvv_analysis.embedding import embed, shell_features, silhouette
from mlffvv_analysis.extras import need
from mlffvv_analysis.frame import Frame
from mlffvv_analysis.grains import BOUNDARY, INTERIOR, SUBSURFACE, SURFACE
from mlffvv_analysis.orientation import orientations
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
        parts.append(reached(f'perfect {name}', [share], 1.0))
    shares = [float((phases(atoms) == NAMES.index('bcc')).mean()) for atoms in warm]
    matched = [float((orientations(atoms)[0] == NAMES.index('bcc')).mean()) for atoms in warm]
    told = reached('the same by template matching', matched, -np.inf)
    return Verdict('M11', str(m11.__doc__), (*parts, reached('bcc in bulk at 250 K', shares, 0.95), told))


def m12(frames: Sequence[Atoms], most: int = 300) -> Verdict:
    """Coordination numbers are numbers of neighbors closer than 3.45 Å."""
    # compared with all distances of up to 300 atoms per frame
    shares = []
    for atoms in frames:
        chosen = np.random.default_rng(0).permutation(len(atoms))[:most]
        found = coordination_numbers(atoms, CUTOFF)[chosen]
        near = [(atoms.get_distances(k, range(len(atoms)), mic=True) < CUTOFF).sum() - 1 for k in chosen]
        shares.append(float((found == near).mean()))
    return Verdict('M12', str(m12.__doc__), (reached('atoms whose number agrees', shares, 1.0),))


def m13(frames: Sequence[Atoms]) -> Verdict:
    """Surface, interior of grains, boundaries and subsurface divide the atoms completely and without overlap."""
    shares = []
    for frame in map(Frame, frames):
        inside = np.isin(frame.classes, (INTERIOR, BOUNDARY, SUBSURFACE))
        good = (frame.surface ^ frame.bulk) & (frame.surface == (frame.classes == SURFACE)) & (frame.bulk == inside)
        shares.append(float(good.mean()))
    return Verdict('M13', str(m13.__doc__), (reached('atoms in exactly one class', shares, 1.0),))


def m14(cell: Atoms) -> Verdict:
    """A map of the 230-atom cell shows clusters of bulk, subsurface and surface atoms, which differ in energy, too."""
    # the cell at 250 K with atomic energies; silhouette of the classes by coordination in the map; three clusters of
    # the map, ranked by their mean coordination, beside the energies of their atoms
    need('sklearn')
    from sklearn.cluster import KMeans

    frame, features = Frame(cell), shell_features(cell)
    xy = embed(features, 0)
    clusters = KMeans(3, n_init=10, random_state=0).fit_predict(xy)
    order = np.argsort([frame.coordination[clusters == k].mean() for k in range(3)])
    rank = np.argsort(order)[clusters]
    layers = np.where(frame.exposed, 0, np.where(frame.deep, 2, 1))
    inside = Estimate(*[silhouette(features, layers)] * 3, 1) if len(np.unique(layers)) > 1 else exact_nan()
    return Verdict('M14', str(m14.__doc__), (
        reached('silhouette of surface and bulk by coordination, in the map', [silhouette(xy, frame.surface)], 0.3),
        reached('rank correlation of clusters and energies', [float(-spearmanr(rank, frame.energies).statistic)], 0.8),
        reached('two maps of one seed are equal', [float(np.array_equal(xy, embed(features, 0)))], 1.0),
        Criterion('silhouette of three layers in the space of the features', inside),
    ))  # fmt: skip


def exact_nan() -> Estimate:
    """An estimate without a value."""
    return Estimate(np.nan, np.nan, np.nan, 0)


def reached(name: str, values: Sequence[float], low: float) -> Criterion:
    """Criterion for the smallest of several numbers that have no statistical error."""
    value = float(min(values)) if len(values) else np.nan
    return Criterion(name, Estimate(value, value, value, len(values)), low, least=1)
