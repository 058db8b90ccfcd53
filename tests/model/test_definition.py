"""The torch definition against plain loops: atomic energies with every kind of term and pair term."""

import numpy as np
import pytest
import torch

from ase_mlffvv.errors import ElementError
from ase_mlffvv.model import ElementBlock
from ase_mlffvv.model.reduce import scatter_add, sum_by_index
from ase_mlffvv.neighbors import pair_list

from .. import brute
from ..systems import cell_of, zoo
from ..toys import random_potential


@pytest.mark.parametrize('name', ['cubic', 'thin', 'wire', 'cluster', 'one atom'])
@pytest.mark.parametrize('kind', ['own', 'original'])
def test_energies_against_plain_loops(name, kind):
    potential = random_potential(('Li', 'Na'), pair=kind)
    atoms = zoo(('Li', 'Na'))[name]
    if kind == 'original' and not atoms.pbc.all():
        pytest.skip('the original programs know periodic cells only')
    species = potential.species(atoms.numbers)
    pairs = pair_list(atoms.positions, cell_of(atoms), atoms.pbc, potential.cutoff)
    found = potential.evaluate(species, atoms.positions, cell_of(atoms), pairs)
    for i in range(min(2, len(atoms))):
        want = brute.energy(potential.blocks[species[i]], brute.features(potential, atoms, species, i))
        want += brute.pair_energy(potential.pair_term, atoms, species, i)
        assert found.energies[i] == pytest.approx(want, rel=1e-11, abs=1e-12)


def test_unknown_element_names_the_atoms():
    potential = random_potential()
    with pytest.raises(ElementError, match=r'fitted for Li; the structure contains Na, O \(atoms 1, 3, 4\)'):
        potential.species([3, 8, 3, 11, 11])


def test_block_checks_shapes_and_terms():
    good = random_potential().blocks[0]
    parts = {name: getattr(good, name) for name in good.__dataclass_fields__}
    with pytest.raises(ValueError, match=r'shift must have shape \(6,\), got \(5,\)'):
        ElementBlock(**{**parts, 'shift': np.zeros(5)})
    with pytest.raises(ValueError, match='coefficients holds values that are not finite'):
        ElementBlock(**{**parts, 'coefficients': good.coefficients * np.nan})
    terms = good.terms.copy()
    terms[2] = (2, 0, 0, 9, 0)
    with pytest.raises(ValueError, match=r'term 2 is \[2, 0, 0, 9, 0\], outside of 7 components'):
        ElementBlock(**{**parts, 'terms': terms})


@pytest.mark.parametrize('use_scatter', [False, True])
def test_sum_by_index(use_scatter):
    """Values, first and second derivatives; torch-scatter's segment_csr, for one, fails the last."""
    if use_scatter and scatter_add is None:
        pytest.skip('torch-scatter is not installed')
    index = torch.tensor([0, 2, 2, 0, 4])
    values = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()

    def function(values):
        return sum_by_index(values, index, 5, use_scatter) ** 2

    assert torch.autograd.gradcheck(function, values)
    assert torch.autograd.gradgradcheck(function, values)
    got = sum_by_index(values.detach(), index, 5, use_scatter)
    np.testing.assert_allclose(got[2], values.detach()[1] + values.detach()[2])
    np.testing.assert_array_equal(got[[1, 3]], 0)
