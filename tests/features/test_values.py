"""The torch definition against plain loops, golden numbers, derivatives and limits."""

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from scipy.spatial.transform import Rotation

from ase_mlffvv.features import Cosine2, Cosine3
from ase_mlffvv.features.grid import grid_from_nodes, make_grid, stretched_grid, uniform_nodes
from ase_mlffvv.features.values import Environment, feature_values
from ase_mlffvv.model import ElementBlock, VVPotential
from ase_mlffvv.model.definition import environments
from ase_mlffvv.neighbors import pair_list

from .. import brute
from ..golden import GOLDEN
from ..systems import cell_of, zoo


def shell(families, elements):
    sizes = [sum(f.size(t, len(elements)) for f in families) for t in range(len(elements))]
    none = np.zeros((1, 0, 2))
    blocks = [ElementBlock(np.zeros((f, 0)), np.zeros(0), np.zeros(0), none, none, np.zeros((0, 5), int), np.zeros(1))
              for f in sizes]  # fmt: skip
    return VVPotential(tuple(elements), tuple(families), tuple(blocks))


def values(potential, atoms):
    """Raw features of each atom, a list because elements may have different numbers."""
    pairs = pair_list(atoms.positions, cell_of(atoms), atoms.pbc, potential.cutoff)
    D = torch.as_tensor(pairs.vectors(atoms.positions, cell_of(atoms)))
    species = potential.species(atoms.numbers)
    out = [None] * len(atoms)
    for t in range(len(potential.elements)):
        for rows, environment, _ in environments(potential, species, D, pairs, t):
            for i, f in zip(rows, feature_values(potential.features, environment, t).numpy()):
                out[i] = f
    return out


def two_element_families():
    two = (stretched_grid(4.2, 5), grid_from_nodes(uniform_nodes(4.0, 3), overlap=3))
    legs = (stretched_grid(4.2, 2), stretched_grid(4.0, 3))
    sides = (make_grid('uniform', 6.5, 3), make_grid('geometric', 8.0, 2, 3.0))
    return Cosine2((4.2, 4.0), two), Cosine3((4.2, 4.0), (6.5, 8.0), legs, sides)


@pytest.mark.parametrize('name', sorted(zoo()))
def test_against_plain_loops(name):
    atoms = zoo(('Li', 'Na'))[name]
    potential = shell(two_element_families(), ('Li', 'Na'))
    species = potential.species(atoms.numbers)
    for i in range(min(len(atoms), 3)):
        got = values(potential, atoms)[i]
        want = brute.features(potential, atoms, species, i)
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def authors(radius, n2, n1, side):
    return Cosine2((radius,), (stretched_grid(radius, n2),)), Cosine3(
        (radius,), (2 * radius,), (stretched_grid(radius, n1),), (stretched_grid(side, n1),)
    )


def test_golden_numbers_of_bcc_lithium():
    """Original programs, a = 3.51004 Å, R = 5.5 Å, 24 two-body and 3 x 3 three-body basis functions."""
    f = values(shell(authors(5.5, 24, 3, 5.5), ('Li',)), bulk('Li', 'bcc', a=3.51004, cubic=True))[0]
    two = [1.30487324, 7.59125387, 7.90017668, 4.76689214, 0, 0.37951972, 11.97392996]
    three = [
        0, 9.65e-6, 1.1524e-4, 9.65e-6, 2.52756e-3, 1.937924e-2, 1.1524e-4, 1.937924e-2, 0.10246305, 2.52756e-3,
        0.49641061, 3.11495093, 1.937924e-2, 3.11495093, 15.66001122, 0.10246305, 15.66001122, 73.77883508,
    ]  # fmt: skip
    np.testing.assert_allclose(f[:24], [0] * 17 + two, atol=6e-9)
    np.testing.assert_allclose(f[24:], three, rtol=1e-3, atol=6e-9)


def test_golden_numbers_of_the_authors_set():
    """Original programs, R = 6.1 Å with 36 and 6 x 6 basis functions, sides to 12.2 Å; perfect bcc, a = 3.51004 Å."""
    f = values(shell(authors(6.1, 36, 6, 12.2), ('Li',)), bulk('Li', 'bcc', a=3.51004, cubic=True))[0]
    two = [2.94966056, 7.97932876, 5.09562262, 5.99746644, 1.66495838, 0, 0, 1.19179411, 11.95048941, 0.14891892,
           19.28161112]  # fmt: skip
    np.testing.assert_allclose(f[25:36], two, atol=6e-9)
    assert (f != 0).sum() == 69
    assert f[36:].sum() == pytest.approx(1229.5732284298, abs=1e-9)


def test_golden_file():
    """All stored cells with full precision, and a gradient of them."""
    lines = (GOLDEN / 'li_features.txt').read_text().splitlines()
    starts = [k for k, line in enumerate(lines) if line.startswith('#') and ' Rc ' in line]
    assert len(starts) >= 4
    for start, end in zip(starts, [*starts[1:], len(lines)]):
        words = lines[start].split()
        number = {key: float(words[words.index(key) + 1]) for key in ('Rc', 'Rc2', 'n2b', 'n3b1')}
        block = lines[start:end]
        cell = np.array(next(line for line in block if line.startswith('# cell')).split()[2:], float).reshape(3, 3)
        scaled = [line.split()[2:] for line in block if line.startswith('# frac')]
        atoms = Atoms(f'Li{len(scaled)}', cell=cell, pbc=True, scaled_positions=np.array(scaled, float))
        families = authors(number['Rc'], int(number['n2b']), int(number['n3b1']), number['Rc2'])
        got = values(shell(families, ('Li',)), atoms)
        for i, f in enumerate(got):
            row = next(k for k, line in enumerate(block) if line.startswith(f'atom {i} '))
            np.testing.assert_allclose(f, np.array(block[row + 1].split(), float), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize('overlap', [2, 3])
def test_gradients(overlap):
    rng = np.random.default_rng(1)
    grid = grid_from_nodes(uniform_nodes(5.0, 3, -1.0), overlap)
    families = Cosine2((5.0,), (grid,)), Cosine3((5.0,), (9.0,), (grid,), (stretched_grid(9.0, 3),))
    D = torch.tensor(rng.normal(size=(2, 5, 3)) * 2, requires_grad=True)
    kinds = torch.tensor([[0, 0, 0, 0, 0], [0, 0, 0, -1, -1]])
    assert torch.autograd.gradcheck(lambda D: feature_values(families, Environment(D, kinds, 1), 0), D, atol=1e-6)


def test_invariances():
    potential = shell(two_element_families(), ('Li', 'Na'))
    atoms = zoo(('Li', 'Na'))['cluster']
    f = values(potential, atoms)
    turned = atoms.copy()
    turned.positions = atoms.positions @ Rotation.from_euler('xyz', [0.3, 1.1, -0.7]).as_matrix() + [1, -20, 3]
    order = np.random.default_rng(0).permutation(len(atoms))
    swapped = values(potential, turned[order])
    for new, old in enumerate(order):
        np.testing.assert_allclose(swapped[new], f[old], rtol=1e-10, atol=1e-12)


def test_smooth_at_the_cutoff():
    """Value and slope vanish when a neighbor, or the third corner of a triangle, leaves."""
    potential = shell(authors(5.0, 12, 4, 10.0), ('Li',))

    def at(d):
        return values(potential, Atoms('Li3', [[0, 0, 0], [2.5, 1, 0], [0, 0, d]]))[0]

    pair = values(potential, Atoms('Li2', [[0, 0, 0], [2.5, 1, 0]]))[0]
    np.testing.assert_allclose(at(5.0 + 1e-6), pair, atol=1e-12)
    np.testing.assert_allclose(at(5.0 - 1e-6), pair, atol=1e-10)
    np.testing.assert_allclose((at(5.0 - 1e-5) - at(5.0 - 2e-5)) / 1e-5, 0, atol=1e-3)


def test_no_neighbors():
    f = values(shell(authors(5.0, 12, 4, 10.0), ('Li',)), Atoms('Li2', [[0, 0, 0], [0, 0, 20.0]]))
    np.testing.assert_array_equal(f, 0)
