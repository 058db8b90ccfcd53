"""Columns of a timeline: each function maps a frame to a dictionary of numbers whose names include the units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import displacements, energies, morphology, orientation
from .grains import BOUNDARY, INTERIOR
from .phases import BCC, fractions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .frame import Frame


IDENTITY = np.array([0, 0, 0, 1.0])
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
    """Mean atomic energies of the classes of atoms in the column; NaN without atomic energies."""
    known = frame.energies is not None
    values = frame.energies if known else np.full(len(frame.atoms), np.nan)
    column = frame.column
    means = energies.mean_by_class(values[column], frame.classes[column])
    out = {f'e_{name}_eV': value for name, value in means.items()}
    out['e_excess_per_surface_atom_eV'] = means['surface'] - means['interior']
    out['e_mean_eV'] = values.mean()
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
    """Grains, boundary atoms, the largest boundary, and the orientation of the top of the column."""
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
    top = ids[frame.regions['top'] & (ids >= 0)]
    main = grains[np.bincount(top).argmax()] if len(top) else None
    cubic = main is not None and main.phase != 'hcp'
    out['top_misorientation_deg'] = float(orientation.misorientation(main.orientation, IDENTITY)) if cubic else np.nan
    out['top_rotation_z_deg'] = orientation.rotation_about_z(main.orientation) if cubic else np.nan
    first = frame.boundaries[0] if frame.boundaries else None
    out['n_boundaries'] = len(frame.boundaries)
    out['n_twins'] = sum(b.twin for b in frame.boundaries)
    out['boundary_extent_A'] = first.extent if first else np.nan
    out['boundary_misorientation_deg'] = first.misorientation if first else np.nan
    out['boundary_twin_deviation_deg'] = first.twin_deviation if first else np.nan
    return out


def motion(frame: Frame) -> dict:
    """Mean displacements since the first frame, averaged over all atoms and over the column."""
    means = displacements.mean_displacements(frame.displacements, frame.column)
    out = {f'{name}_A': value for name, value in means.items()}
    length, unit = displacements.slide(frame.displacements, frame.regions['top'])
    out['top_slide_A'] = length
    out['top_slide_azimuth_deg'] = float(np.degrees(np.arctan2(unit[1], unit[0]))) if length > 0 else np.nan
    out['msd_column_A2'] = displacements.mean_square(frame.displacements, frame.column)
    adatoms = frame.atoms.get_tags() == 2
    if adatoms.any():
        out['adatom_msd_A2'] = displacements.mean_square(frame.displacements, adatoms)
        out['adatom_cn'] = frame.coordination[adatoms].mean()
    return out


def shape(frame: Frame) -> dict:
    """Height, width, kink, convexity and torsion of the column."""
    body = frame.body
    _, radii, _ = morphology.radius_profile(body, floor=frame.floor)
    kink, kink_height = morphology.kink_angle(body[body[:, 2] > frame.floor])
    out = {
        'height_A': morphology.height(frame.atoms, ~frame.column if not frame.column.all() else None),
        'base_radius_A': radii[0] if len(radii) else np.nan,
        'widest_radius_A': np.nanmax(radii) if np.isfinite(radii).any() else np.nan,
        'aspect': morphology.aspect_ratio(body, frame.floor),
        'kink_deg': kink,
        'kink_height_A': kink_height - frame.floor,
        'convexity': morphology.convexity(type(frame.atoms)(f'H{len(body)}', body)),
        'detached': int((frame.column & ~frame.attached).sum()),
    }
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


OBSERVABLES = {'coordination': coordination, 'energy': energy, 'phase': phase, 'grain': grain, 'motion': motion,
               'shape': shape}  # fmt: skip


def row(frame: Frame, names: Sequence[str]) -> dict:
    """All numbers of the named observables of a frame."""
    out = {}
    for name in names:
        out |= OBSERVABLES[name](frame)
    return {key: value.item() if isinstance(value, np.generic) else value for key, value in out.items()}


def _mean(values, mask):
    return float(np.asarray(values)[mask].mean()) if mask.any() else np.nan
