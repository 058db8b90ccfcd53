"""Numbers at the doors of the analysis."""

import numpy as np
from ase import Atoms
from ase.build import bulk
from mlffvv_analysis.boundaries import find_boundaries
from mlffvv_analysis.coordination import coordination_numbers, histogram, smooth_coordination, surface_and_bulk
from mlffvv_analysis.coordination import surface_by_mesh as by_mesh
from mlffvv_analysis.displacements import change_points, hops, mean_displacements, rate, segments
from mlffvv_analysis.embedding import embed, shell_features, silhouette
from mlffvv_analysis.energies import area, excess_per_area, work_of_separation_per_area
from mlffvv_analysis.frame import Frame, Settings
from mlffvv_analysis.grains import find_grains, neighbor_pairs
from mlffvv_analysis.heights import height
from mlffvv_analysis.morphology import (
    Outline,
    aspect_ratio,
    convexity,
    kink_angle,
    largest_cluster,
    outline,
    radius_profile,
    torsion_angle,
)
from mlffvv_analysis.orientation import mean_orientation, nearest_direction, orientations
from mlffvv_analysis.relaxing import relax
from mlffvv_analysis.statistics import band, compare
from mlffvv_analysis.surfaces import surface_energies, wulff
from mlffvv_analysis.timeline import timeline

from .rows import COUNT, FINITE, NAN, NATURAL, NOT_NEGATIVE, POSITIVE, SEED, door, optional, refuses, row, table

CRYSTAL = bulk('Li', cubic=True, a=3.44) * (2, 2, 2)
LABELS, QUATERNIONS = np.zeros(16, int), np.zeros((16, 4))
TIME = np.arange(12.0)
SQUARE = Outline(np.zeros(2), np.eye(2), np.ones(720))
BROKEN = CRYSTAL.copy()
BROKEN.positions[3, 1] = NAN
NO_HEIGHT = CRYSTAL.copy()
NO_HEIGHT.positions[0, 2] = NAN
FLAT = CRYSTAL.copy()
FLAT.cell[2] = 0

NEIGHBORS = [
    *door('coordination_numbers cutoff', lambda v: coordination_numbers(CRYSTAL, v), POSITIVE),
    *door('smooth_coordination inner', lambda v: smooth_coordination(CRYSTAL, v, 4.0), POSITIVE),
    *door('smooth_coordination outer', lambda v: smooth_coordination(CRYSTAL, 3.0, v), (*POSITIVE, 2.0)),
    *door('surface_and_bulk cn8', lambda v: surface_and_bulk([8], v), ('other', 3, None)),
    *door('surface_by_mesh radius', lambda v: by_mesh(CRYSTAL, v), POSITIVE),
    *door('surface_by_mesh depth', lambda v: by_mesh(CRYSTAL, depth=v), NOT_NEGATIVE),
    *door('histogram top', lambda v: histogram([8], top=v), NATURAL),
    *door('neighbor_pairs reach', lambda v: neighbor_pairs(CRYSTAL, v), POSITIVE),
    *door('largest_cluster reach', lambda v: largest_cluster(CRYSTAL, v), POSITIVE),
    *door('find_grains angle', lambda v: find_grains(CRYSTAL, LABELS, QUATERNIONS, angle=v), POSITIVE),
    *door('find_grains min_size', lambda v: find_grains(CRYSTAL, LABELS, QUATERNIONS, min_size=v), NATURAL),
    *door('find_grains core', lambda v: find_grains(CRYSTAL, LABELS, QUATERNIONS, core=v), NOT_NEGATIVE),
    *door('find_grains reach', lambda v: find_grains(CRYSTAL, LABELS, QUATERNIONS, reach=v), POSITIVE),
    *door('find_boundaries gap', lambda v: find_boundaries(CRYSTAL, LABELS, [], gap=v), POSITIVE),
    *door('find_boundaries min_points', lambda v: find_boundaries(CRYSTAL, LABELS, [], min_points=v), COUNT),
    *door('orientations rmsd', lambda v: orientations(CRYSTAL, v), POSITIVE),
    *door('orientations structures', lambda v: orientations(CRYSTAL, structures=v), ('bcc', ['sc']), error=ValueError),
    *door('shell_features cutoff', lambda v: shell_features(CRYSTAL, v), POSITIVE),
    *door('shell_features count', lambda v: shell_features(CRYSTAL, count=v), COUNT),
    *door('tsne perplexity', lambda v: embed(np.eye(5), perplexity=v), POSITIVE),
    *door('tsne seed', lambda v: embed(np.eye(5), seed=v), SEED),
    *door('silhouette sample', lambda v: silhouette(np.eye(5), [0, 0, 1, 1, 1], sample=v), COUNT),
    row('labels of other atoms', lambda: find_grains(CRYSTAL, LABELS[:2], QUATERNIONS), ValueError, '16', '2'),
    row('nan positions', lambda: coordination_numbers(BROKEN), ValueError, 'positions of 1 of 16'),
    row('no third vector', lambda: coordination_numbers(FLAT), ValueError, 'periodic along c'),
    row('mean of no orientations', lambda: mean_orientation([]), ValueError, 'at least one'),
    row('direction of nothing', lambda: nearest_direction([0, 0, 0]), ValueError, 'zero'),
]

SHAPES = [
    *door('height quantile', lambda v: height(CRYSTAL, quantile=v), (*NOT_NEGATIVE, 1.5)),
    *door('radius_profile spacing', lambda v: radius_profile(CRYSTAL.positions, v), POSITIVE),
    *door('radius_profile floor', lambda v: radius_profile(CRYSTAL.positions, floor=v), optional(FINITE)),
    *door('kink_angle spacing', lambda v: kink_angle(CRYSTAL.positions, v), POSITIVE),
    *door('kink_angle ends', lambda v: kink_angle(CRYSTAL.positions, ends=v), NATURAL),
    *door('convexity radius', lambda v: convexity(CRYSTAL, radius=v), POSITIVE),
    *door('aspect_ratio floor', lambda v: aspect_ratio(CRYSTAL.positions, v), FINITE),
    *door('aspect_ratio spacing', lambda v: aspect_ratio(CRYSTAL.positions, 0.0, v), POSITIVE),
    *door('torsion_angle fold', lambda v: torsion_angle(SQUARE, SQUARE, v), COUNT),
    *door('torsion_angle least', lambda v: torsion_angle(SQUARE, SQUARE, least=v), NOT_NEGATIVE),
    row('height of nan', lambda: height(NO_HEIGHT), ValueError, 'z of atoms', 'nan'),
    row('outline of a line', lambda: outline([[0, 0], [1, 1], [2, 2]]), ValueError, 'line', '3 atoms'),
]

SERIES = [
    *door('rate window', lambda v: rate(TIME, TIME, v), POSITIVE),
    *door('change_points min_span', lambda v: change_points(TIME, TIME, v), optional(POSITIVE)),
    *door('change_points penalty', lambda v: change_points(TIME, TIME, penalty=v), POSITIVE),
    *door('change_points tolerance', lambda v: change_points(TIME, TIME, tolerance=v), NOT_NEGATIVE),
    *door('change_points at_most', lambda v: change_points(TIME, TIME, at_most=v), COUNT),
    *door('segments flat', lambda v: segments(TIME, TIME, v), NOT_NEGATIVE),
    *door('hops distance', lambda v: hops(TIME, np.zeros((12, 1, 3)), v), POSITIVE),
    *door('hops persist', lambda v: hops(TIME, np.zeros((12, 1, 3)), persist=v), COUNT),
    row('hops of nan', lambda: hops(TIME, np.full((12, 1, 3), NAN)), ValueError, 'finite'),
    row('falling time', lambda: rate(-TIME, TIME), ValueError, 'time must increase'),
    row('nan in a series', lambda: rate(TIME, TIME * NAN), ValueError, 'finite'),
    row('flat displacements', lambda: mean_displacements([1, 2, 3]), ValueError, '(n_atoms, 3)', '(3,)'),
    *door('band level', lambda v: band([TIME], [TIME], v), POSITIVE),
    *door('band points', lambda v: band([TIME], [TIME], points=v), optional(COUNT)),
    row('band of nan', lambda: band([TIME], [TIME * NAN]), ValueError, 'finite'),
    row('band of nothing', lambda: band([], []), ValueError, 'replica'),
    *door('compare level', lambda v: compare([1, 2], [3, 4], v), (*POSITIVE, 2)),
    *door('compare seed', lambda v: compare([1, 2], [3, 4], seed=v), SEED),
    row('compare one run', lambda: compare([1], [2, 3]), ValueError, 'two runs', '1 and 2'),
    row('compare nan', lambda: compare([1, NAN], [2, 3]), ValueError, 'finite'),
]

ENERGIES = [
    *door('excess_per_area energy', lambda v: excess_per_area(v, 2, -1.9, 1.0), FINITE),
    *door('excess_per_area face', lambda v: excess_per_area(1.0, 2, -1.9, v), POSITIVE),
    *door('excess_per_area count', lambda v: excess_per_area(1.0, 2, -1.9, 1.0, v), COUNT),
    *door('work_of_separation first', lambda v: work_of_separation_per_area(v, 2, 1, 1), FINITE),
    *door('surface_energies a', lambda v: surface_energies(None, ['100'], v), POSITIVE, 'a must be'),
    *door('relax fmax', lambda v: relax(CRYSTAL, v), POSITIVE),
    *door('relax steps', lambda v: relax(CRYSTAL, steps=v), COUNT),
    row('area without a cell', lambda: area(Atoms('Li')), ValueError, 'cell'),
    row('wulff of a negative energy', lambda: wulff({'100': -1.0}), ValueError, 'positive', '-1.0'),
    row('wulff of nothing', lambda: wulff({}), ValueError, 'positive', 'none'),
]

FRAMES = [
    *door('Settings cutoff', lambda v: Settings(cutoff=v), POSITIVE),
    *door('Settings grain_angle', lambda v: Settings(grain_angle=v), (*POSITIVE, 360)),
    *door('Settings min_grain', lambda v: Settings(min_grain=v), NATURAL),
    *door('Settings rmsd', lambda v: Settings(rmsd=v), POSITIVE),
    *door('Settings surface', lambda v: Settings(surface=v), ('other', 3, None)),
    *door('Settings cn8', lambda v: Settings(cn8=v), ('other', 3, None)),
    *door('timeline processes', lambda v: timeline([CRYSTAL], processes=v), COUNT),
    *door('timeline frame_time_ps', lambda v: timeline([CRYSTAL], frame_time_ps=v), optional(POSITIVE)),
    row('frame without atoms', lambda: Frame(CRYSTAL[:0]), ValueError, 'no atoms'),
    row('no such observable', lambda: timeline([CRYSTAL], observables=['x']), ValueError, 'x', 'coordination'),
    row('no frames', lambda: timeline([], progress=False), ValueError, 'frame'),
]


@table(NEIGHBORS)
def test_neighbors(row):
    refuses(row)


@table(SHAPES)
def test_shapes(row):
    refuses(row)


@table(SERIES)
def test_series(row):
    refuses(row)


@table(ENERGIES)
def test_energies(row):
    refuses(row)


@table(FRAMES)
def test_frames(row):
    refuses(row)
