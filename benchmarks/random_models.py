"""Models with random parameters, which are as fast as fitted models of the same size and need no download."""

from __future__ import annotations

import numpy as np


def write_nep(path, cutoffs=(8.0, 4.0), n_max=(6, 6), basis=(6, 6), l_max=(4, 2, 0), neurons=30, seed=0):
    """Write a nep.txt file with an NEP4 model for lithium; by default, it has the default size of GPUMD.

    Parameters
    ----------
    path : str or Path
    cutoffs : (float, float), Å
        Cutoffs of radial and of angular functions.
    n_max, basis : (int, int)
        Highest indices of the functions, and of the Chebyshev polynomials of which they consist, radial and angular.
    l_max : (int, int, int)
        l_max of three-body terms, then 2 or 0 for with or without four-body terms, then 1 or 0 for with or without
        five-body terms.
    neurons, seed : int

    Notes
    -----
    For the number and order of the parameters, see Fan et al., J. Chem. Phys. 157, 114801 (2022), and the manual of
    GPUMD. The scaling factors of the descriptor, one per component, come last.
    """
    rng = np.random.default_rng(seed)
    size = n_max[0] + 1 + (n_max[1] + 1) * (l_max[0] + (l_max[1] > 0) + (l_max[2] > 0))
    parameters = (size + 2) * neurons + 1 + sum((n + 1) * (k + 1) for n, k in zip(n_max, basis))
    header = [('nep4', 1, 'Li'), ('cutoff', *cutoffs, 200, 200), ('n_max', *n_max), ('basis_size', *basis),
              ('l_max', *l_max), ('ANN', neurons, 0)]  # fmt: skip
    with open(path, 'w') as f:
        f.writelines(' '.join(map(str, line)) + '\n' for line in header)
        f.writelines(f'{x:.7e}\n' for x in (*0.1 * rng.normal(size=parameters), *np.full(size, 0.1)))


def mace(irreps, cutoff=6.0, seed=0):
    """MACE model for lithium in single precision, with two layers, spherical harmonics up to l = 3, and correlation 3.

    Parameters
    ----------
    irreps : str
        Irreducible representations of the messages, such as ``'128x0e + 128x1o'``.
    cutoff : float, Å
        Cutoff of each layer.
    seed : int

    Returns
    -------
    torch.nn.Module
        Model whose remaining settings are the defaults of ``mace_run_train``.
    """
    import torch
    from e3nn import o3
    from mace.modules import ScaleShiftMACE, interaction_classes
    from mace.tools.torch_tools import default_dtype

    torch.manual_seed(seed)
    with default_dtype('float32'):
        return ScaleShiftMACE(
            r_max=cutoff, num_bessel=8, num_polynomial_cutoff=5, max_ell=3, num_interactions=2, correlation=3,
            interaction_cls_first=interaction_classes['RealAgnosticResidualInteractionBlock'],
            interaction_cls=interaction_classes['RealAgnosticResidualInteractionBlock'],
            hidden_irreps=o3.Irreps(irreps), MLP_irreps=o3.Irreps('16x0e'), gate=torch.nn.functional.silu,
            radial_MLP=[64, 64, 64], num_elements=1, atomic_numbers=[3], atomic_energies=np.zeros(1),
            avg_num_neighbors=42.0, atomic_inter_scale=1.0, atomic_inter_shift=0.0,
        )  # fmt: skip
