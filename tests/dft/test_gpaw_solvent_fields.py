"""The continuum on arrays: no density-functional calculation, no GPAW."""

import numpy as np
import pytest
from ase.calculators.calculator import CalculationFailed
from scipy.special import erf

from ase_mlffvv.dft.cavity import solvent_fraction, switch
from ase_mlffvv.dft.densities import AtomicDensities, RadialDensity
from ase_mlffvv.dft.gpaw.fields import cavity_fields, energy_derivative
from ase_mlffvv.dft.gpaw.polarisation import solve_potential
from ase_mlffvv.dft.gpaw.potentiostat import diffuse_capacitance, next_charge
from ase_mlffvv.dft.grid import FourierGrid, grid_shape, resample
from ase_mlffvv.dft.solvent import Solvent

SKEWED = np.array([[11.0, 0.0, 0.0], [2.0, 12.0, 0.0], [1.0, -1.5, 13.0]])
R = np.concatenate([[0.0], np.geomspace(1e-4, 30, 600)])
ATOM = RadialDensity.from_samples(R, 0.02 * np.exp(-1.26 * R) * (1 + R) ** 2 + 13 * np.exp(-5.4 * R))
SOLVENT = Solvent(35.5, surface_tension=32.5, pressure=-0.2, kappa_squared=0.081)


def gaussian(grid, scaled, charge, width, images=1):
    """Sum of periodic images of a Gaussian charge."""
    points = np.stack(np.meshgrid(*(np.arange(n) / n for n in grid.shape), indexing='ij'), axis=-1)
    total = 0.0
    for shift in np.ndindex(*(3 * [2 * images + 1])):
        d = (points - scaled - np.array(shift) + images) @ grid.cell
        total = total + np.exp(-(d**2).sum(axis=-1) / (2 * width**2))
    return charge * total / (2 * np.pi * width**2) ** 1.5


def energy(rho, phi, grid):
    return 0.5 * grid.integrate(rho * phi)


def test_grid_derivatives():
    grid = FourierGrid(SKEWED, (24, 24, 30))
    f, g = gaussian(grid, [0.2, 0.6, 0.4], 1.0, 1.1), gaussian(grid, [0.4, 0.5, 0.6], -2.0, 1.3)
    assert grid.integrate(f) == pytest.approx(1.0, abs=1e-9)
    np.testing.assert_allclose(grid.divergence(list(grid.gradient(f))), grid.laplacian(f), atol=1e-6)
    products = sum(a * b for a, b in zip(grid.gradient(f), grid.gradient(g)))
    assert grid.integrate(products) == pytest.approx(-grid.integrate(f * grid.laplacian(g)), abs=1e-8)


def test_shapes_and_resampling():
    assert grid_shape(np.diag([10.0, 5.0, 30.2]), 0.5) == (20, 10, 64)
    grid = FourierGrid(SKEWED, (24, 24, 30))
    f = gaussian(grid, [0.2, 0.6, 0.4], 1.0, 1.3)
    fine = FourierGrid(SKEWED, (36, 40, 48))
    np.testing.assert_allclose(resample(f, fine.shape), gaussian(fine, [0.2, 0.6, 0.4], 1.0, 1.3), atol=1e-6)
    noise = np.random.default_rng(0).random(fine.shape)
    assert resample(noise, grid.shape).mean() == pytest.approx(noise.mean(), rel=1e-12)


def test_switch():
    n = np.array([1.0, 5e-3, 1e-3, 1e-4, 1e-9])
    t, slope = switch(n, (5e-3, 1e-4))
    np.testing.assert_allclose(t[[0, 1, 3, 4]], [0, 0, 1, 1], atol=1e-12)
    assert slope[[0, 4]].tolist() == [0, 0]
    for function in (lambda x: switch(x, (5e-3, 1e-4)), lambda x: solvent_fraction(x, (5e-3, 1e-4), 35.5)):
        difference = (function(n * (1 + 1e-5))[0] - function(n * (1 - 1e-5))[0]) / (2e-5 * n)
        np.testing.assert_allclose(function(n)[1], difference, atol=1e-4)
    theta, _ = solvent_fraction(n, (5e-3, 1e-4), 1.0)
    np.testing.assert_allclose(theta, t)


def test_no_solvent_is_vacuum():
    grid = FourierGrid(SKEWED, (30, 32, 36))
    rho = gaussian(grid, [0.5, 0.5, 0.5], 1.0, 0.8) - gaussian(grid, [0.4, 0.6, 0.5], 1.0, 1.0)
    density = AtomicDensities([ATOM], [0], np.array([[0.5, 0.5, 0.5]]), grid).total()
    phi, _ = solve_potential(rho, cavity_fields(density, grid, Solvent(1.0)), grid)
    G2 = grid.G2.copy()
    G2[0, 0, 0] = 1
    spectrum = 4 * np.pi * grid.fft(rho) / G2
    spectrum[0, 0, 0] = 0
    np.testing.assert_allclose(phi, grid.ifft(spectrum), atol=1e-6)


def radial_energy(solvent, charge_inside, profile, r):
    """Energy of a spherical charge: finite differences of the radial equation, in a box of radius r[-1]."""
    h = r[1] - r[0]
    middle = r[:-1] + h / 2
    log_eps = np.log(solvent.permittivity)
    eps = np.exp(log_eps * switch(profile(middle), solvent.dielectric_switch)[0])
    screening = solvent.permittivity * solvent.kappa_squared
    screening *= solvent_fraction(profile(r), solvent.ion_switch, solvent.permittivity)[0]
    flux = eps * middle**2 / h
    n = len(r)
    main = np.zeros(n)
    main[:-1] += flux
    main[1:] += flux
    main += screening * r**2 * h
    edges = np.concatenate([[0], middle, [r[-1]]])
    right = np.diff(charge_inside(edges))  # charge of each shell
    from scipy.linalg import solveh_banded

    bands = np.zeros((2, n))
    bands[0, 1:] = -flux
    bands[1] = main
    bands[1, -1] += 1e9  # phi = 0 at the end
    phi = solveh_banded(bands, right)
    return 0.5 * right @ phi


@pytest.mark.parametrize('kappa_squared', [0.0, 0.081])
def test_sphere_against_the_radial_equation(kappa_squared):
    """A Born sphere with soft walls: a neutral charge without ions, a charged one with ions."""
    solvent = SOLVENT.replace(kappa_squared=kappa_squared)
    cell = np.eye(3) * 26.0
    widths = (0.8, 1.6)

    def inside(r, width):
        x = r / (np.sqrt(2) * width)
        return erf(x) - 2 / np.sqrt(np.pi) * x * np.exp(-(x**2))

    second = 1.0 if kappa_squared == 0 else 0.4
    r = np.linspace(1e-6, 13, 12000)
    want = radial_energy(solvent, lambda x: inside(x, widths[0]) - second * inside(x, widths[1]),
                         lambda x: ATOM(np.minimum(x, 14.9)), r)  # fmt: skip
    found = []
    for spacing in (0.7, 0.5, 0.4):
        grid = FourierGrid(cell, grid_shape(cell, spacing))
        rho = gaussian(grid, [0.5] * 3, 1.0, widths[0], 0) - gaussian(grid, [0.5] * 3, second, widths[1], 0)
        density = AtomicDensities([ATOM], [0], np.array([[0.5] * 3]), grid).total()
        phi, iterations = solve_potential(rho, cavity_fields(density, grid, solvent), grid)
        found.append(energy(rho, phi, grid))
        assert iterations < 12
    assert found[-1] == pytest.approx(want, abs=2e-5)
    assert np.ptp(found) < 2e-6
    assert np.ptp(found[1:]) < 2e-7


def test_no_room_for_ions():
    """Where the solvent does not enter, as in a crystal, there is no screening that could fix the mean potential."""
    grid = FourierGrid(SKEWED, (30, 32, 36))
    rho = gaussian(grid, [0.5, 0.5, 0.5], 1.0, 0.8) - gaussian(grid, [0.4, 0.6, 0.5], 1.0, 1.0)
    phi = [solve_potential(rho + 1e-9, cavity_fields(np.full(grid.shape, 0.01), grid, solvent), grid)[0]
           for solvent in (SOLVENT, Solvent(1.0))]  # fmt: skip
    np.testing.assert_allclose(*phi, atol=1e-12)
    assert abs(phi[0].mean()) < 1e-12


def test_weak_ions_change_little():
    """kappa -> 0 joins the equation without ions, for a neutral charge."""
    grid = FourierGrid(SKEWED, (30, 32, 36))
    scaled = np.array([[0.5, 0.5, 0.5]])
    rho = gaussian(grid, [0.5, 0.5, 0.5], 1.0, 0.8) - gaussian(grid, [0.5, 0.45, 0.5], 1.0, 0.9)
    density = AtomicDensities([ATOM], [0], scaled, grid).total()
    found = []
    for kappa_squared in (0.0, 1e-6, 1e-4):
        cavity = cavity_fields(density, grid, SOLVENT.replace(kappa_squared=kappa_squared))
        found.append(energy(rho, solve_potential(rho, cavity, grid)[0], grid))
    assert found[1] == pytest.approx(found[0], abs=1e-7)
    assert found[2] == pytest.approx(found[0], abs=1e-5)
    assert found[2] != found[0]


@pytest.mark.parametrize('kappa_squared', [0.0, 0.081])
def test_forces_of_the_solvent(kappa_squared):
    """Atoms carry their cavity, the charge stays: central differences of all energy terms."""
    solvent = SOLVENT.replace(kappa_squared=kappa_squared)
    grid = FourierGrid(SKEWED, (24, 24, 28))
    scaled = np.array([[0.5, 0.5, 0.5], [0.7, 0.45, 0.52]])
    rho = gaussian(grid, scaled[0], 1.0, 0.9) - gaussian(grid, scaled[1], 1.0, 1.0)

    def total(scaled):
        cavity = cavity_fields(AtomicDensities([ATOM], [0, 0], scaled, grid).total(), grid, solvent)
        phi, _ = solve_potential(rho, cavity, grid, tolerance=1e-11)
        return energy(rho, phi, grid) + grid.integrate(cavity.energy_density), cavity, phi

    _, cavity, phi = total(scaled)
    forces = AtomicDensities([ATOM], [0, 0], scaled, grid).forces(energy_derivative(cavity, grid, phi))
    to_scaled = np.linalg.inv(SKEWED)
    for a, v in ((0, 0), (1, 1), (1, 2)):
        energies = []
        for step in (1e-3, -1e-3):
            moved = scaled.copy()
            moved[a] += step * to_scaled[v]
            energies.append(total(moved)[0])
        assert forces[a, v] == pytest.approx(-(energies[0] - energies[1]) / 2e-3, abs=3e-7)


def test_rigid_shift_costs_nothing():
    """The energy does not see where the grid points are."""
    cell = np.diag([14.0, 13.0, 15.0])
    grid = FourierGrid(cell, grid_shape(cell, 0.4))
    found = []
    for shift in np.linspace(0, 1, 5):
        centre = 0.5 + shift * np.array([1, 0.5, 0.25]) / grid.shape
        rho = gaussian(grid, centre, 1.0, 0.9) - gaussian(grid, centre, 1.0, 1.4)
        density = AtomicDensities([ATOM], [0], centre[None], grid).total()
        cavity = cavity_fields(density, grid, SOLVENT)
        phi, _ = solve_potential(rho, cavity, grid)
        found.append(energy(rho, phi, grid) + grid.integrate(cavity.energy_density))
    assert np.ptp(found) < 4e-6


def test_solver_speaks_up():
    grid = FourierGrid(SKEWED, (24, 24, 28))
    rho = gaussian(grid, [0.5, 0.5, 0.5], 1.0, 0.9) - gaussian(grid, [0.4, 0.5, 0.5], 1.0, 1.0)
    density = AtomicDensities([ATOM], [0], np.array([[0.5, 0.5, 0.5]]), grid).total()
    cavity = cavity_fields(density, grid, SOLVENT)
    with pytest.raises(CalculationFailed, match=r'did not converge: relative residual \d.*after 3 iterations'):
        solve_potential(rho, cavity, grid, maxiter=3)
    with pytest.raises(CalculationFailed, match='relative residual nan'):
        solve_potential(rho * np.nan, cavity, grid)
    phi, _ = solve_potential(rho, cavity, grid)
    again, iterations = solve_potential(rho, cavity, grid, start=phi)
    assert iterations <= 2
    np.testing.assert_allclose(again, phi, atol=1e-6)
    assert not solve_potential(np.zeros_like(rho), cavity, grid)[0].any()


def test_atomic_densities():
    soft = RadialDensity.from_samples(R, 0.02 * np.exp(-1.26 * R))
    np.testing.assert_allclose(soft(R[R < 12]), 0.02 * np.exp(-1.26 * R[R < 12]), rtol=1e-6)
    grid = FourierGrid(SKEWED, (48, 48, 56))
    scaled = np.array([[0.5, 0.5, 0.5], [0.9, 0.3, 0.1]])
    total = AtomicDensities([soft], [0, 0], scaled, grid).total()
    assert grid.integrate(total) == pytest.approx(2 * 8 * np.pi * 0.02 / 1.26**3, rel=2e-3)
    np.testing.assert_allclose(AtomicDensities([soft], [0, 0], scaled + [2, -1, 0], grid).total(), total, rtol=1e-9)
    # samples that end early continue as an exponential
    short = RadialDensity.from_samples(R[R < 8], 0.02 * np.exp(-1.26 * R[R < 8]))
    assert short(11.0) == pytest.approx(soft(11.0), rel=1e-3)


def test_points_that_an_atom_meets_once(monkeypatch):
    """In a cell wider than the reach the sum takes a shorter way."""
    cell = np.array([[33.0, 0, 0], [1.0, 34.0, 0], [0, 2.0, 35.0]])
    scaled = np.array([[0.02, 0.5, 0.97], [0.1, 0.45, 0.9]])
    grid = FourierGrid(cell, grid_shape(cell, 1.0))
    densities = AtomicDensities([ATOM], [0, 0], scaled, grid)
    assert not densities._repeats()
    short = densities.total()
    monkeypatch.setattr(AtomicDensities, '_repeats', lambda self: True)
    long = AtomicDensities([ATOM], [0, 0], scaled, grid).total()
    np.testing.assert_allclose(short, long, rtol=1e-12)
    assert AtomicDensities([ATOM], [0], scaled[:1], FourierGrid(SKEWED, (12, 12, 14))).total().min() > short.min()


def test_shares():
    rng = np.random.default_rng(1)
    grid, scaled = FourierGrid(SKEWED, (18, 20, 22)), np.array([[0.1, 0.1, 0.1], [0.5, 0.6, 0.55], [0.9, 0.2, 0.7]])
    fields = rng.random((2, *grid.shape))
    other = RadialDensity.from_samples(R, 0.01 * np.exp(-1.5 * R))

    def shares(scaled, fields):
        return AtomicDensities([ATOM, other], [0, 1, 0], scaled, grid).shares(fields)

    found = shares(scaled, fields)
    np.testing.assert_allclose(found.sum(axis=1), [grid.integrate(f) for f in fields], rtol=1e-10)
    # whole cells and whole grid steps move nothing
    np.testing.assert_allclose(shares(scaled + [1, -2, 0], fields), found, rtol=1e-8)
    np.testing.assert_allclose(shares(scaled + [3 / 18, 0, 0], np.roll(fields, 3, axis=1)), found, rtol=1e-8)
    # the field near an atom belongs to it
    near = shares(scaled, gaussian(grid, scaled[1], 1.0, 0.5)[None])[0]
    assert near[1] > 0.7


def test_search_for_the_charge():
    assert diffuse_capacitance(4 * np.pi, SOLVENT) == pytest.approx(35.5 * 0.081**0.5)

    def level(electrons):
        return -0.105 + 0.09 * electrons + 0.4 * electrons**3

    history = [(0.0, level(0.0))]
    while abs(history[-1][1] + 0.08) > 1e-6:
        electrons = next_charge(history, -0.08, 9.0)
        history.append((electrons, level(electrons)))
    assert len(history) < 10
    with pytest.raises(CalculationFailed, match='no charge gives the wanted potential'):
        next_charge([(0.0, 0.0), *history] * 10, -5.0, 9.0)
