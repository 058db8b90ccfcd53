"""The mathematics written as plain loops, for comparison with the torch definition. Slow on purpose."""

from itertools import product
from math import cos, exp, pi

import numpy as np


def neighbors(positions, cell, pbc, i, cutoff):
    """(j, vector) of all atoms and images within the cutoff of atom i, by trying every image that could be."""
    reach = [range(-6, 7) if p else range(1) for p in pbc]
    found = []
    for shift in product(*reach):
        for j, r in enumerate(positions):
            d = r + np.array(shift) @ cell - positions[i]
            if 1e-4 < np.linalg.norm(d) < cutoff:
                found.append((j, d))
    return found


def raised_cosine(d, a, b):
    return 0.5 * (1 + cos(2 * pi * ((d - a) / (b - a) - 0.5))) if a <= d < b else 0.0


def two_body(near, species, n_types, grid):
    out = []
    for t in range(n_types):
        for a, b in grid:
            out.append(sum(raised_cosine(np.linalg.norm(d), a, b) for j, d in near if species[j] == t))
    return out


def three_body(near, species, n_types, legs, sides, side_cutoff):
    out = []
    for t2 in range(n_types):
        for t1 in range(t2 + 1):
            for k1 in range(len(legs)):
                for k2 in range(k1 if t1 == t2 else 0, len(legs)):
                    for c in range(len(sides)):
                        total = 0.0
                        for m, (p, dp) in enumerate(near):
                            for n, (q, dq) in enumerate(near):
                                side = np.linalg.norm(dp - dq)
                                if m != n and species[p] == t1 and species[q] == t2 and 1e-4 <= side <= side_cutoff:
                                    total += (
                                        raised_cosine(np.linalg.norm(dp), *legs[k1])
                                        * raised_cosine(np.linalg.norm(dq), *legs[k2])
                                        * raised_cosine(side, *sides[c])
                                    )
                        out.append(total)
    return out


def features(potential, atoms, species, i):
    cell = np.where(atoms.pbc[:, None], atoms.cell[:], 0.0)
    n_types, t, out = len(potential.elements), species[i], []
    for family in potential.features:
        near = neighbors(atoms.positions, cell, atoms.pbc, i, family.cutoff[t])
        if family.name == 'cosine2':
            out += two_body(near, species, n_types, family.grids[t])
        else:
            out += three_body(near, species, n_types, family.legs[t], family.sides[t], family.side_cutoff[t])
    return np.array(out)


def energy(block, f):
    g = [(sum(f * block.projection[:, j]) - block.shift[j]) * block.scale[j] for j in range(block.n)] + [1.0]

    def gaussian(table, j, k):
        return exp(-(((g[j] - table[j, k, 0]) / table[j, k, 1]) ** 2))

    total = sum(w * x for w, x in zip(block.coefficients, g))
    for (kind, a, b, c, d), w in zip(block.terms, block.coefficients[block.n + 1 :]):
        if kind == 1:
            total += w * gaussian(block.single, a, b)
        elif kind == 2:
            total += w * gaussian(block.product, a, b) * gaussian(block.product, c, d)
        else:
            total += w * g[a] * g[b] * g[c]
    return total


def pair_energy(pair, atoms, species, i):
    """Half of the pair terms of atom i, by its own images or by the original's minimum images."""
    cell = np.where(atoms.pbc[:, None], atoms.cell[:], 0.0)
    total = 0.0
    cutoff = pair.cutoff if pair.minimum_image else 4 * max(pair.radius)
    for j, d in neighbors(atoms.positions, cell, atoms.pbc, i, cutoff):
        if pair.minimum_image:
            if j == i:
                continue
            s = (atoms.positions[j] - atoms.positions[i]) @ np.linalg.inv(cell)
            d = (s - np.floor(s + 0.5)) @ cell
        d, r = np.linalg.norm(d), pair.radius[species[i]] + pair.radius[species[j]]
        if d < 2 * r:
            w12, w6 = pair.weights[:, species[j], species[i]]
            total += 0.5 * 4 * (w12 * (r / d) ** 12 + w6 * (r / d) ** 6) * cos(pi * d / (4 * r)) ** 2
    return total
