"""Small structures cut out of large ones, with core atoms that have exactly the surroundings of the large one."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from ..checks import check_choice, check_number, check_seed, check_whole
from ..errors import StructureError
from .boxes import find_boxes, volume_per_atom
from .healing import connected, find_holes, relax, remove_close, vectors_between
from .local import Local, local_atoms

RADIUS = 19.0  # Å; atoms within this distance of the centre reproduce the forces on the core in the parent
CORES = (20, 16, 13, 10, 8, 6, 4, 3, 2, 1)
TRIED = 6
LONGEST_REACH = 50.0  # Å


def cut_out(atoms, centre, core=None, size=80, shape='periodic', *, reach=4.5, calc=None, limit=1.0, vacuum=12.0,
            seed=0):  # fmt: skip
    """Cut a small structure out of a large one, for calculations that are too expensive for the large one.

    The core consists of the atoms nearest to the centre. All atoms within ``reach`` of a core atom stay exactly where
    they are. The atoms around them, the buffer, only need to be reasonable. Free clusters of a metal show strong size
    effects. Therefore the piece is periodic: in three directions inside a solid, in two directions at its surface, with
    the outward normal along z. Of many boxes and angles, the one is chosen for which the numbers of neighbors across
    the boundaries change least. There, buffer atoms that are too close to a periodic image are removed, and holes are
    filled. Finally the buffer is relaxed.

    Parameters
    ----------
    atoms : Atoms
        The parent structure, with any periodicity.
    centre : int
        Index of the atom in the middle of the core.
    core : int, optional
        Number of core atoms. The default is as many as the box allows, up to 20.
    size : int
        Approximate number of atoms. The result may have up to 15 % more or fewer.
    shape : {'periodic', 'free'}
        ``'free'`` takes the ``size`` atoms nearest to the core in a large box, for molecules and insulators.
    reach : float, Å
        Within this distance of a core atom, the structure is identical to the parent. The default includes two shells
        of neighbors in bcc lithium. With the cutoff of the potential, cores would consist of a single atom.
    calc : ASE calculator, optional
        Calculator that relaxes the buffer. Boxes are then compared by the forces on the core, which should be those in
        the parent, and, if the calculator has ``uncertainty``, by the grade of the buffer. Without a calculator the
        buffer is repaired but not relaxed.
    limit : float
        Grade that the buffer should not exceed.
    vacuum : float, Å
        Thickness of the empty space along z; use 10 or more for calculations with a solvent.
    seed : int
        Seed of the annealing of the buffer.

    Returns
    -------
    Atoms
        The cut-out, with core atoms first. It has the arrays ``core`` (bool) and ``parent_index`` (-1 for added atoms)
        and, in ``info``, ``centre`` (index in the parent), ``shape``, ``reach``, ``n_core``, ``rotation`` (from vectors
        of the parent to vectors of the cut-out), ``removed`` and ``added`` (numbers of atoms). With ``calc`` there are
        also ``core_force_change`` (eV/Å, root mean square over the core) and, if it has ``uncertainty``,
        ``grade_core`` and ``grade_buffer`` (largest grades).

    Raises
    ------
    ValueError
        There is no such centre, or a setting is invalid.
    StructureError
        No box of this size contains the surroundings of the core, or atoms remain too close to periodic images.
    """
    _check(atoms, size, shape, reach, core, vacuum)
    centre = check_whole(centre, 'centre', low=0, high=len(atoms) - 1)
    check_number(limit, 'limit', low=0)
    check_seed(seed)
    size, core = int(size), None if core is None else int(core)
    _check_cell(atoms, reach)
    local = local_atoms(atoms, centre, max(RADIUS, 2 * reach + 4))
    if shape == 'free':
        out = _free(atoms, local, core or 1, size, reach, vacuum)
        return _finish(out, atoms, local, centre, reach, calc, 'free')
    boxes = find_boxes(local, CORES if core is None else (core,), size, reach)
    if not boxes:
        raise StructureError(_too_small(local, core or 1, size, reach))
    made = [_mended(atoms, local, box, reach, vacuum) for box in boxes[: 4 * TRIED]]
    made = sorted((out for out in made if out is not None), key=_misfit)[:TRIED]
    if not made:
        raise StructureError(
            f'{min(len(boxes), 4 * TRIED)} boxes of about {size} atoms around atom {centre} were tried, but in each '
            'atoms remain too close through a new periodic boundary; use a larger size or a smaller core'
        )
    if calc is not None:
        forces = forces_of(Atoms(atoms.numbers[local.index], local.vectors), calc)
        made = [_relaxed(out, reach, calc, forces) for out in made]
        made.sort(key=lambda out: _cost(out, limit))
        annealed = _relaxed(made[0].copy(), reach, calc, forces, temperature=300.0, seed=seed)
        made = sorted([annealed, *made], key=lambda out: _cost(out, limit))
    return _finish(made[0], atoms, local, centre, reach, calc, 'periodic')


def _check(atoms, size, shape, reach, core, vacuum):
    check_choice(shape, 'shape', ('periodic', 'free'))
    check_number(reach, 'reach', 'Å', above=0, high=LONGEST_REACH)
    check_number(vacuum, 'vacuum', 'Å', above=0)
    check_whole(size, 'size', 'atoms', low=2)
    if core is not None:
        check_whole(core, 'core', 'atoms', low=1)
    if core is not None and core >= size:
        raise ValueError(f'a core of {core} atoms does not fit into a cut-out of {size}')
    if len(atoms) <= size:
        raise ValueError(f'the structure has {len(atoms)} atoms, a cut-out would have {size}: use it as it is')


def _check_cell(atoms, reach):
    heights = 1 / np.linalg.norm(atoms.cell.complete().reciprocal(), axis=1)
    for axis in np.flatnonzero(atoms.pbc & (heights <= 2 * reach)):
        raise StructureError(
            f'the core is larger than the cell: with a reach of {reach:g} Å it needs {2 * reach:g} Å, but the structure'
            f' repeats after {heights[axis]:.2f} Å along vector {axis}. Use a shorter reach, or the structure as it is.'
        )


def _too_small(local, core, size, reach):
    needed = int(local.around(local.core(core), reach).sum())
    extent = np.ptp(local.vectors[local.around(local.core(core), reach)], axis=0)
    return (
        f'no box of about {size} atoms holds the surroundings of a core of {core} atoms within {reach:g} Å: these are '
        f'{needed} atoms in {" x ".join(f"{x:.1f}" for x in extent)} Å, which must not meet their periodic images. Use '
        'a larger size, a smaller core or a shorter reach; or a smaller size where the solid is thin.'
    )


def _mended(atoms, local: Local, box, reach, vacuum):
    """Atoms of a box after removing and adding atoms, or None if kept atoms remain too close to images."""
    positions = local.vectors[box.members] @ box.rotation.T
    left = remove_close(positions, box.kept, box.core, box.lengths, local.spacing, reach)
    removed = int((~left).sum())
    positions, kept, core = positions[left], box.kept[left], box.core[left]
    members = box.members[left]
    holes = find_holes(positions, core, box.lengths, local.spacing, reach)
    positions = np.vstack([positions, holes])
    index = np.concatenate([local.index[members], np.full(len(holes), -1)])
    kept, core = (np.concatenate([x, np.zeros(len(holes), bool)]) for x in (kept, core))
    joined = connected(positions, kept, box.lengths, local.spacing)
    positions, index, kept, core = positions[joined], index[joined], kept[joined], core[joined]
    distance = np.sqrt((vectors_between(positions, positions[core], box.lengths) ** 2).sum(-1))
    if (distance[~kept] <= reach).any():
        return None
    numbers = _numbers(atoms, index, positions, box.lengths)
    cell = np.where(np.isfinite(box.lengths), box.lengths, np.ptp(positions[:, 2]) + vacuum)
    out = Atoms(numbers, positions, cell=cell, pbc=np.isfinite(box.lengths))
    out.arrays.update(core=core, kept=kept, parent_index=index)
    ratio = len(out) * volume_per_atom(local) / out.get_volume() if out.pbc.all() else 1.0
    out.info.update(rotation=box.rotation, removed=removed, added=int((index < 0).sum()), misfit=box.misfit,
                    density=ratio)  # fmt: skip
    return out


def _misfit(out):
    """Cost by which repaired boxes are sorted: change of coordination and density minus a bonus for a large core."""
    changed = (out.info['removed'] - out.info['added']) / len(out)
    return (out.info['misfit'] + 150 * (out.info['density'] - 1) ** 2 + 5 * max(0.0, changed - 0.1)
            - 0.03 * out.arrays['core'].sum())  # fmt: skip


def _numbers(atoms, index, positions, lengths):
    """Atomic numbers. An added atom gets that of its nearest neighbor from the parent."""
    numbers = np.where(index < 0, 0, atoms.numbers[index])
    new = np.flatnonzero(index < 0)
    if len(new):
        known = np.flatnonzero(index >= 0)
        square = (vectors_between(positions[new], positions[known], lengths) ** 2).sum(-1)
        numbers[new] = numbers[known][square.argmin(axis=1)]
    return numbers


def _free(atoms, local: Local, core, size, reach, vacuum):
    """The atoms around the core, nearest first, in a box with empty space on all sides."""
    kept = local.around(local.core(core), reach)
    if kept.sum() > 1.15 * size:
        raise StructureError(_too_small(local, core, size, reach))
    order = np.argsort(~kept, kind='stable')[: max(size, int(kept.sum()))]
    positions = local.vectors[order]
    out = Atoms(atoms.numbers[local.index[order]], positions, cell=np.ptp(positions, axis=0) + vacuum, pbc=True)
    out.arrays.update(core=order < core, kept=kept[order], parent_index=local.index[order])
    out.info.update(rotation=np.eye(3), removed=0, added=0)
    return out


def forces_of(atoms, calc):
    """Forces, eV/Å, computed without changing the results stored in ``calc`` if possible."""
    if hasattr(calc, 'evaluate_many'):
        return calc.evaluate_many([atoms])[0]['forces']
    atoms = atoms.copy()
    atoms.calc = calc
    return atoms.get_forces()


def _relaxed(out, reach, calc, parent_forces, **settings):
    """Relax the buffer, and record the effect on the forces on the core in info."""
    relax(out, out.arrays['kept'], out.arrays['core'], reach, calc, **settings)
    core = out.arrays['core']
    wanted = parent_forces[: core.sum()] @ out.info['rotation'].T
    change = forces_of(out, calc)[core] - wanted
    out.info['core_force_change'] = float(np.sqrt((change**2).sum(axis=1).mean()))
    if hasattr(calc, 'uncertainty'):
        grade = calc.uncertainty(out, forces=False)['grade']
        out.info['grade_core'] = float(grade[core].max())
        out.info['grade_buffer'] = float(grade[~core].max())
    return out


def _cost(out, limit):
    """Cost of a relaxed cut-out: change of the forces on the core, grade of the buffer, minus a bonus for the core."""
    beyond = max(0.0, out.info.get('grade_buffer', 0.0) - limit)
    return out.info['core_force_change'] / 0.03 + 2 * beyond - 0.05 * out.arrays['core'].sum()


def _finish(out, atoms, local, centre, reach, calc, shape):
    """Check the surroundings of the core, sort the atoms, and centre them in a box periodic in all directions."""
    core = out.arrays['core']
    _check_core(out, local, reach)
    order = np.argsort(~core, kind='stable')
    out = out[order]
    del out.arrays['kept']
    out.pbc = True
    out.info.update(centre=int(centre), shape=shape, reach=float(reach), n_core=int(core.sum()))
    out.positions += out.cell.lengths() / 2 - _middle(out)
    return out


def _middle(out):
    """Midpoint of the bounding box of the atoms."""
    return (out.positions.max(axis=0) + out.positions.min(axis=0)) / 2


def _check_core(out, local, reach):
    """Raise StructureError unless the surroundings of each core atom are the parent's."""
    lengths = np.where(out.pbc, out.cell.lengths(), np.inf)
    core = np.flatnonzero(out.arrays['core'])
    D = vectors_between(out.positions, out.positions[core], lengths)
    for k, i in enumerate(core):
        here = D[:, k][(D[:, k] ** 2).sum(-1) <= reach**2] @ out.info['rotation']
        there = local.vectors - local.vectors[k]
        there = there[(there**2).sum(-1) <= reach**2]
        if len(here) != len(there) or np.abs(here[:, None] - there[None]).max(-1).min(axis=1).max() > 1e-10:
            raise StructureError(
                f'the surroundings of core atom {i} are not those of the parent within {reach:g} Å ({len(here)} and '
                f'{len(there)} atoms); this is an error of the program'
            )
