"""Values of the feature families in torch: the differentiable float64 definition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .harmonics import legendre_factor


def basis_values(d, grid):
    """Raised-cosine basis functions ``(1 + cos(2 pi ((d - a)/(b - a) - 1/2)))/2`` on [a, b), zero elsewhere.

    Parameters
    ----------
    d : torch.Tensor, any shape, Å
    grid : array_like, shape (n, 2), Å

    Returns
    -------
    torch.Tensor, shape of ``d`` plus (n,)
    """
    a, b = torch.as_tensor(np.asarray(grid), dtype=d.dtype, device=d.device).T
    d = d[..., None]
    value = 0.5 * (1 + torch.cos(2 * torch.pi * ((d - a) / (b - a) - 0.5)))
    return torch.where((d >= a) & (d < b), value, torch.zeros_like(value))


@dataclass(frozen=True)
class Environment:
    """Neighbors of centre atoms of one element, padded to the same number of neighbors.

    Attributes
    ----------
    D : torch.Tensor, shape (n_centres, n_max, 3), Å
        Vectors from the centre atom to each neighbor; arbitrary in the padding.
    type : torch.Tensor, shape (n_centres, n_max), int64
        Element index of each neighbor; -1 marks padding.
    n_types : int
    """

    D: torch.Tensor
    type: torch.Tensor
    n_types: int

    @property
    def real(self):
        return self.type >= 0

    @property
    def distance(self):
        """Distances in Å, shape (n_centres, n_max); 1 in the padding, so that gradients stay finite."""
        square = (self.D**2).sum(-1)
        return torch.sqrt(torch.where(self.real, square, torch.ones_like(square)))

    def by_type(self, values):
        """Values (n_centres, n_max, n) placed in the block of the element of each neighbor.

        The shape of the result is (n_centres, n_max, n_types * n); other blocks are zero.
        """
        one_hot = torch.nn.functional.one_hot(self.type.clamp(min=0), self.n_types).to(values.dtype)
        one_hot = one_hot * self.real[..., None]
        return (one_hot[..., :, None] * values[..., None, :]).flatten(-2)


def cosine2_values(family, environment, centre):
    """Features of each centre atom, shape (n_centres, size)."""
    d = environment.distance
    phi = basis_values(d, family.grids[centre]) * (d < family.cutoff[centre])[..., None]
    return environment.by_type(phi).sum(dim=1)


def cosine3_values(family, environment, centre):
    """Features of each centre atom, shape (n_centres, size)."""
    d = environment.distance
    phi = basis_values(d, family.legs[centre]) * (d < family.cutoff[centre])[..., None]
    phi = environment.by_type(phi)
    D = environment.D
    square = ((D[:, None] - D[:, :, None]) ** 2).sum(-1)
    both = environment.real[:, :, None] & environment.real[:, None, :]
    both = both & ~torch.eye(D.shape[1], dtype=torch.bool, device=D.device)
    side = torch.sqrt(torch.where(both & (square > 0), square, torch.ones_like(square)))
    both = both & (square >= 1e-8) & (side <= family.side_cutoff[centre])
    psi = basis_values(side, family.sides[centre]) * both[..., None]
    table = torch.einsum('apu,aqv,apqc->auvc', phi, phi, psi)
    u, v, c = torch.as_tensor(family.index(centre, environment.n_types), device=D.device).T
    return table[:, u, v, c]


def density_values(family, environment, centre):
    """Features of each centre atom, shape (n_centres, size)."""
    A = _moments(family, environment, centre)
    one, two, three = family.products(environment.n_types)
    width = [environment.n_types * family.channels(l) for l in range(family.l_max + 1)]
    columns = [A[:, torch.as_tensor(one)]]
    for a, b, l in two.tolist():
        stop = (2 * l + 1) * width[l]
        columns.append((A[:, a : a + stop : width[l]] * A[:, b : b + stop : width[l]]).sum(1, keepdim=True))
    for a, b, c, coefficient in three:
        coefficient = torch.as_tensor(coefficient, dtype=A.dtype, device=A.device)
        columns.append((A[:, a] * A[:, b] * A[:, c] * coefficient).sum(1, keepdim=True))
    return torch.cat(columns, dim=1)


def _moments(family, environment, centre):
    """Moments of the neighbor density of each centre atom, (n_centres, n_moments)."""
    d, cutoff = environment.distance, family.cutoff[centre]
    inside = environment.real & (d < cutoff)
    d = torch.where(inside, d, torch.ones_like(d))
    unit = torch.where(inside[..., None], environment.D, torch.zeros_like(environment.D)) / d[..., None]
    x = 2 * (1 - d / cutoff) ** 2 - 1
    radial = torch.as_tensor(family.radial[centre], dtype=d.dtype, device=d.device)
    chebyshev = [torch.ones_like(x), x]
    while len(chebyshev) < radial.shape[2]:
        chebyshev.append(2 * x * chebyshev[-1] - chebyshev[-2])
    chebyshev = torch.stack(chebyshev[: radial.shape[2]], dim=-1)
    cut = torch.where(inside, (1 - (d / cutoff) ** 2) ** 3, torch.zeros_like(d))
    R = torch.einsum('apk,tnk->aptn', chebyshev * cut[..., None], radial)
    one_hot = torch.nn.functional.one_hot(environment.type.clamp(min=0), environment.n_types).to(d.dtype)
    R = R * one_hot[..., None]
    Y = harmonics(unit, family.l_max)
    blocks = []
    for l in range(family.l_max + 1):
        block = torch.einsum('apm,aptn->amtn', Y[..., l * l : (l + 1) ** 2], R[..., : family.channels(l)])
        blocks.append(block.flatten(1))
    return torch.cat(blocks, dim=1)


def harmonics(unit, l_max):
    """Real harmonics of unit vectors (..., 3), shape (..., (l_max + 1)**2); see :mod:`.harmonics`."""
    x, y, z = unit.unbind(-1)
    cosine, sine = [torch.ones_like(x)], [torch.zeros_like(x)]
    for _ in range(l_max):
        cosine.append(x * cosine[-1] - y * sine[-1])
        sine.append(x * sine[-1] + y * cosine[-2])
    columns = []
    for l in range(l_max + 1):
        polynomial = np.polynomial.legendre.leg2poly([0] * l + [1])
        legendre = []
        for m in range(l + 1):
            value = torch.zeros_like(z)
            for c in np.polynomial.polynomial.polyder(polynomial, m)[::-1]:
                value = value * z + float(c)
            legendre.append(legendre_factor(l, m) * value)
        columns += [legendre[m] * sine[m] for m in range(l, 0, -1)]
        columns += [legendre[m] * cosine[m] for m in range(l + 1)]
    return torch.stack(columns, dim=-1)


_VALUES = {'cosine2': cosine2_values, 'cosine3': cosine3_values, 'density': density_values}


def feature_values(families, environment, centre):
    """Raw features of all families in order, a tensor of shape (n_centres, n_features)."""
    columns = [_VALUES[family.name](family, environment, centre) for family in families]
    return torch.cat(columns, dim=1) if columns else environment.D.new_zeros((len(environment.D), 0))
