"""Errors of a potential on the cores of labelled cut-outs, and its extrapolation grades in a large run."""

from __future__ import annotations

import numpy as np

from ..calculators import VVCalculator
from ..checks import check_array
from ..errors import DatasetError
from ..io.datasets import labels_of

QUANTILES = (0.5, 0.9, 0.99, 0.999, 1.0)


def core_errors(model, cut_outs):
    """Errors of forces and atomic energies on the cores of labelled cut-outs.

    A calculation and a model may divide the energy among neighboring atoms differently. Therefore atomic energies are
    compared relative to a reference atom of the same cut-out: the one with the most neighbors within 4.5 Å or, if there
    are several, the one of these nearest to the core.

    Parameters
    ----------
    model : None, str, Path or VVPotential
    cut_outs : sequence of Atoms
        Structures with the array ``core``, forces and optionally atomic energies.

    Returns
    -------
    dict
        ``atoms`` (number of core atoms), ``force_mae`` and ``force_rmse`` (eV/Å, per component), ``force_mean`` (mean
        norm of the labels) and, with atomic energies, ``energy_mae`` (eV) of the relative energies.

    Raises
    ------
    DatasetError
        A cut-out has no core or no forces.
    """
    cut_outs = list(cut_outs)
    if not cut_outs:
        raise DatasetError('there are no labelled cut-outs to compare with')
    calc = VVCalculator(model, on_extrapolation='ignore')
    force, size, energy = [], [], []
    for k, (atoms, found) in enumerate(zip(cut_outs, calc.evaluate_many(cut_outs))):
        labels = labels_of(atoms)
        core = atoms.arrays.get('core')
        if core is None or not np.any(core) or labels.forces is None:
            raise DatasetError(
                f'cut-out {k} has no {"forces" if core is not None else "array core"}; give structures from mlffvv cut '
                'that mlffvv label has labelled'
            )
        core = np.asarray(core, bool)
        check_array(labels.forces, f'forces of cut-out {k}', (len(atoms), 3), 'eV/Å', error=DatasetError)
        force.append((found['forces'] - labels.forces)[core])
        size.append(np.linalg.norm(labels.forces[core], axis=1))
        if labels.energies is not None:
            deep = deepest(atoms, core)
            error = found['energies'] - labels.energies
            others = core & (np.arange(len(atoms)) != deep)
            energy.append(error[others] - error[deep])
    force = np.concatenate(force)
    out = {
        'atoms': len(force),
        'force_mae': float(np.abs(force).mean()),
        'force_rmse': float(np.sqrt((force**2).mean())),
        'force_mean': float(np.concatenate(size).mean()),
    }
    if energy:
        out['energy_mae'] = float(np.abs(np.concatenate(energy)).mean())
    return out


def deepest(atoms, core, reach=4.5):
    """The atom with the most neighbors within ``reach`` (Å); if there are several, the one nearest to the core."""
    D = atoms.get_all_distances(mic=True)
    neighbors = (reach > D).sum(axis=1)
    return int(np.lexsort((D[:, core].min(axis=1), -neighbors))[0])


def grade_statistics(model, frames):
    """Quantiles of the grade over all atoms of all frames, and the fraction of atoms with a grade above one.

    Returns
    -------
    dict
        ``quantiles`` ({probability: grade}), ``above_one``.
    """
    calc = VVCalculator(model, on_extrapolation='ignore')
    grade = np.concatenate([calc.uncertainty(atoms, forces=False)['grade'] for atoms in frames])
    return {'quantiles': {str(q): float(np.quantile(grade, q)) for q in QUANTILES},
            'above_one': float((grade > 1).mean())}  # fmt: skip


def size_convergence(model, atoms, centre, sizes=(60, 80, 110, 150), reference=None, **settings):
    """Change of the model's forces on the core as a function of the size of the cut-out.

    Parameters
    ----------
    model : None, str, Path or VVPotential
    atoms : Atoms
        Parent.
    centre : int
    sizes : sequence of int
    reference : ndarray, shape (n_atoms, 3), eV/Å, optional
        Forces in the parent. The default is those of the model.
    **settings
        Settings of :func:`.cut_out`.

    Returns
    -------
    list of dict
        ``size``, ``n_core`` and ``force_change`` (eV/Å, root mean square norm over the core) of each cut-out.
    """
    from .cut_out import cut_out

    calc = VVCalculator(model, on_extrapolation='ignore')
    reference = calc.evaluate_many([atoms])[0]['forces'] if reference is None else reference
    out = []
    for size in sizes:
        piece = cut_out(atoms, centre, size=size, calc=calc, **settings)
        core = piece.arrays['core']
        here = calc.evaluate_many([piece])[0]['forces'][core] @ piece.info['rotation']
        change = here - reference[piece.arrays['parent_index'][core]]
        out.append({'size': len(piece), 'n_core': int(core.sum()),
                    'force_change': float(np.sqrt((change**2).sum(axis=1).mean()))})  # fmt: skip
    return out
