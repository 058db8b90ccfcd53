"""Columns of a timeline: each function maps a frame to a dictionary of numbers whose names include the units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import displacements, energies, heights, morphology, orientation
from .foot import foot_width
from .grains import BOUNDARY, INTERIOR
from .phases import BCC, fractions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .frame import Frame


IDENTITY, ADATOM = np.array([0, 0, 0, 1.0]), 2  # no rotation; tag of adatoms
FOOT = {'100': (1, 0), '010': (0, 1), '110': (1, 1), '1m10': (1, -1)}  # directions of the substrate
PHASES = ('bcc', 'fcc', 'hcp', 'other')


def coordination(frame: Frame) -> dict:
    """Mean coordination numbers of the column and its surface atoms, and the number of surface atoms."""
    surface = frame.surface & frame.column
    numbers, n = frame.coordination[frame.column], max(frame.column.sum(), 1)
    return {
        'cn_surface': _mean(frame.coordination, surface),
        'n_surface': int(surface.sum()),
        'surface_fraction': surface.sum() / n,
        'cn8_fraction': (numbers == 8).sum() / n,
        'cn_column': _mean(frame.coordination, frame.column),
        'smooth_surface_fraction': _mean(frame.exposed, frame.column),
    }


def energy(frame: Frame) -> dict:
    """Mean atomic energies and numbers of the classes of atoms in the column; energies are NaN if they are not known.

    ``e_bcc_interior_eV`` is the mean over the bcc atoms inside of grains, and ``e_top_minus_bottom_grain_eV`` its
    difference between the main grains of the top and the bottom of the column.
    """
    known = frame.energies is not None
    values = frame.energies if known else np.full(len(frame.atoms), np.nan)
    column = frame.column
    means = energies.mean_by_class(values[column], frame.classes[column])
    out = {f'e_{name}_eV': value for name, value in means.items()}
    out['e_excess_per_surface_atom_eV'] = means['surface'] - means['interior']
    out['e_mean_eV'] = values.mean()
    counts = energies.count_by_class(frame.classes[column])
    out |= {f'n_{name}_column': count for name, count in counts.items() if name != 'surface'}
    inner = column & (frame.classes == INTERIOR) & (frame.templates[0] == BCC)
    out['e_bcc_interior_eV'] = _mean(values, inner)
    top, bottom = (frame.main_grain(part) for part in ('top', 'bottom'))
    both = top is not None and bottom is not None and top != bottom
    ids = frame.grains[0]
    out['e_top_minus_bottom_grain_eV'] = (
        _mean(values, inner & (ids == top)) - _mean(values, inner & (ids == bottom)) if both else np.nan
    )
    return out


def phase(frame: Frame) -> dict:
    """Fractions of crystal structures in the column and its halves, from a-CNA and from template matching.

    Template matching counts only atoms without a neighbor on the surface: others lack some neighbors of the templates
    and may match a wrong one.
    """
    out, everywhere = {}, np.ones(len(frame.atoms), bool)
    for method, labels, mask in (('acna', frame.acna, everywhere), ('ptm', frame.templates[0], frame.deep)):
        for region in ('column', 'top', 'bottom'):
            shares = fractions(labels, frame.regions[region] & mask)
            out |= {f'{method}_{name}_{region}': shares[name] for name in PHASES}
    return out


def grain(frame: Frame) -> dict:
    """Grains, boundary atoms, the largest boundary and the largest twin, and orientations of the top and the bottom.

    Orientations are those of the grains with the most atoms in the upper and the lower half of the column.
    ``largest_bcc_share`` is the share of the bcc atoms below the skin that the largest grain among them holds: 1 in one
    crystal. ``twin_trace_deg`` is the angle between the trace of a twin and the horizontal, seen along its ⟨110⟩ axis.
    """
    ids, grains = frame.grains
    bcc = frame.templates[0] == BCC
    out = {
        'n_grains': len(grains),
        'n_grains_100': sum(g.size > 100 for g in grains),
        'largest_grain': grains[0].size if grains else 0,
        'largest_grain_share': (ids[bcc] == 0).mean() if grains and bcc.any() else np.nan,
        'n_interior': int((frame.classes == INTERIOR).sum()),
        'n_boundary': int((frame.classes == BOUNDARY).sum()),
    }
    inner = bcc & frame.deep
    in_bcc = np.bincount(ids[inner & (ids >= 0)], minlength=1)
    out['largest_bcc_share'] = in_bcc.max() / inner.sum() if inner.any() else np.nan
    for part in ('top', 'bottom'):
        number = frame.main_grain(part)
        cubic = number is not None and grains[number].phase != 'hcp'
        axes = grains[number].orientation if cubic else None
        out[f'{part}_misorientation_deg'] = float(orientation.misorientation(axes, IDENTITY)) if cubic else np.nan
        out[f'{part}_rotation_z_deg'] = orientation.rotation_about_z(axes) if cubic else np.nan
    first = frame.boundaries[0] if frame.boundaries else None
    out['n_boundaries'] = len(frame.boundaries)
    out['n_twins'] = sum(b.twin for b in frame.boundaries)
    out['boundary_extent_A'] = first.extent if first else np.nan
    out['boundary_misorientation_deg'] = first.misorientation if first else np.nan
    out['boundary_twin_deviation_deg'] = first.twin_deviation if first else np.nan
    twin = next((b for b in frame.boundaries if b.twin), None)
    out['twin_extent_A'] = twin.extent if twin else np.nan
    out['twin_angle_deg'] = twin.twin_angle if twin else np.nan
    out['twin_plane_off_deg'] = max(off for _, off in twin.planes) if twin else np.nan
    out['twin_trace_deg'] = twin.trace_angle(twin.axis_in(grains)) if twin else np.nan
    return out


def motion(frame: Frame) -> dict:
    """Mean displacements since the first frame, averaged over all atoms and over the column.

    ``top_dx_A``, ``top_dy_A`` and ``top_dz_A`` are averages over the atoms that formed the upper half of the column in
    the first frame.
    """
    means = displacements.mean_displacements(frame.displacements, frame.column)
    out = {f'{name}_A': value for name, value in means.items()}
    length, unit = displacements.slide(frame.displacements, frame.regions['top'])
    out['top_slide_A'] = length
    out['top_slide_azimuth_deg'] = float(np.degrees(np.arctan2(unit[1], unit[0]))) if length > 0 else np.nan
    out['msd_column_A2'] = displacements.mean_square(frame.displacements, frame.column)
    first_top = frame.reference.regions['top']
    for axis, name in enumerate('xyz'):
        out[f'top_d{name}_A'] = _mean(frame.displacements[:, axis], first_top)
    return out | (adatoms(frame) if (frame.atoms.get_tags() == ADATOM).any() else {})


def adatoms(frame: Frame) -> dict:
    """Coordination, incorporation and motion of the adatoms (tag 2).

    ``cn_terrace`` is the mean coordination number of the other surface atoms of the column,
    ``adatom_incorporated_share`` the share of adatoms with at least as many neighbors, and ``adatom_bulk_share`` that
    of adatoms in the bulk.
    ``adatom_relative_msd_A2`` is their mean squared displacement relative to the atoms that surrounded them at first,
    so that it does not count how these were carried along.
    """
    mine = frame.atoms.get_tags() == ADATOM
    numbers = frame.coordination[mine]
    terrace = _mean(frame.coordination, frame.surface & frame.column & ~mine)
    i, j = frame.reference.pairs
    host = mine[i] & ~mine[j]
    count = np.bincount(i[host], minlength=len(mine))
    around = np.column_stack([np.bincount(i[host], frame.displacements[j[host], k], minlength=len(mine))
                              for k in range(3)]) / np.maximum(count, 1)[:, None]  # fmt: skip
    return {
        'adatom_msd_A2': displacements.mean_square(frame.displacements, mine),
        'adatom_relative_msd_A2': displacements.mean_square(frame.displacements - around, mine & (count > 0)),
        'adatom_cn': numbers.mean(),
        'cn_terrace': terrace,
        'adatom_incorporated_share': (numbers >= terrace).mean() if np.isfinite(terrace) else np.nan,
        'adatom_bulk_share': frame.bulk[mine].mean(),
        'adatom_detached_share': (~frame.attached)[mine].mean(),
    }


def shape(frame: Frame) -> dict:
    """Height, width, kink, convexity and torsion of the column, and the width of its foot along four directions."""
    body = frame.body
    _, radii, _ = morphology.radius_profile(body, floor=frame.floor)
    kink, kink_height = morphology.kink_angle(body[body[:, 2] > frame.floor])
    out = {
        'height_A': heights.height(frame.atoms, ~frame.column if not frame.column.all() else None),
        'base_radius_A': radii[0] if len(radii) else np.nan,
        'widest_radius_A': np.nanmax(radii) if np.isfinite(radii).any() else np.nan,
        'aspect': morphology.aspect_ratio(body, frame.floor),
        'kink_deg': kink,
        'kink_height_A': kink_height - frame.floor,
        'convexity': morphology.convexity(type(frame.atoms)(f'H{len(body)}', body)),
        'detached': int((frame.column & ~frame.attached).sum()),
    }
    for name, direction in FOOT.items():
        out[f'foot_{name}_A'] = foot_width(body, frame.floor, direction)
    out['torsion_deg'], out['top_shift_A'] = np.nan, np.nan
    try:
        before, after = (morphology.outline(top_of(f)) for f in (frame.reference, frame))
    except ValueError:  # too few atoms for an outline
        return out
    out['torsion_deg'] = morphology.torsion_angle(before, after)
    out['top_shift_A'] = float(np.linalg.norm(after.centre - before.centre))
    return out


def top_of(frame: Frame) -> float:
    """Positions of the atoms in the upper half of the body of a column."""
    z = frame.body[:, 2]
    return frame.body[z > (z.min() + z.max()) / 2] if len(z) else frame.body


def grade(frame: Frame) -> dict:
    """Largest extrapolation grade, and share of the atoms outside of the training data (grade above 1); NaN without."""
    values = frame.atoms.arrays.get('grade')
    known = values is not None and len(values)
    return {'grade_max': float(np.max(values)) if known else np.nan,
            'extrapolated_share': float((np.asarray(values) > 1).mean()) if known else np.nan}  # fmt: skip


OBSERVABLES = {'coordination': coordination, 'energy': energy, 'phase': phase, 'grain': grain, 'motion': motion,
               'shape': shape, 'grade': grade}  # fmt: skip


def row(frame: Frame, names: Sequence[str]) -> dict:
    """All numbers of the named observables of a frame."""
    out = {}
    for name in names:
        out |= OBSERVABLES[name](frame)
    return {key: value.item() if isinstance(value, np.generic) else value for key, value in out.items()}


def _mean(values, mask):
    return float(np.asarray(values)[mask].mean()) if mask.any() else np.nan
