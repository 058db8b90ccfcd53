"""Implicit solvent: one description for all engines that support it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from math import inf, isfinite, sqrt
from typing import TYPE_CHECKING

from ase.units import Bohr, J, m

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


DYN_PER_CM = 1e-3 * J / m**2  # 1 dyn/cm = 1 mJ/m^2, here in eV/Å^2

DENSITY_MODELS = ('atoms', 'electrons')


@dataclass(frozen=True)
class Solvent:
    """A continuum around the atoms: dielectric, surface energy of the cavity, and mobile ions.

    The model is that of Andreussi, Dabo and Marzari, J. Chem. Phys. 136, 064102 (2012), with ions in the linearised
    Poisson-Boltzmann approximation. With the permittivity eps(r), 1 in the solute and ``permittivity`` in the bulk
    solvent, and theta(r) = (eps - 1) / (permittivity - 1), the potential phi of the charge rho is, in Gaussian units,

        div(eps grad phi) - permittivity kappa^2 theta phi = -4 pi rho,

    and the solvent adds surface_tension * S + pressure * V to the energy, with the surface S, the integral of
    ``|grad theta|``, and the volume V, the integral of 1 - theta.

    Parameters
    ----------
    permittivity : float
        Static relative permittivity of the bulk solvent, 1 or more; 1 is a vacuum. IN.SOLVENT: ``DIELECTRIC_CONST``.
    surface_tension : float, dyn/cm (equal to mJ/m^2)
        Energy per area of the cavity's surface. IN.SOLVENT: ``SURFACE_TENSION``.
    pressure : float, GPa
        Energy per volume of the cavity; usually negative or zero. IN.SOLVENT: ``PRESSURE``.
    density_model : {'atoms', 'electrons'}
        Electron density that defines the cavity: the sum of the densities of neutral atoms, or the self-consistent
        density. IN.SOLVENT: ``DIELECTRIC_MODEL``, ``ATOM_CHARGE`` or ``SCF_CHARGE``.
    dielectric_switch : (float, float), electrons/Bohr^3
        Larger and smaller density between which eps goes from 1 to ``permittivity``. IN.SOLVENT:
        ``RHOMAX_DIELECTRIC`` and ``RHOMIN_DIELECTRIC``.
    cavity_switch : (float, float), electrons/Bohr^3, optional
        The same for the surface and the volume. The default is ``dielectric_switch``. IN.SOLVENT: ``RHOMAX_CAVITY``
        and ``RHOMIN_CAVITY`` (PWmat applies these to the self-consistent density for any density model).
    kappa_squared : float, 1/Bohr^2
        Inverse Debye length squared of the bulk solution, e^2 sum(c_i z_i^2) / (permittivity kT) up to the factor of
        the unit system; 0 is a solvent without ions. IN.SOLVENT: ``DEBY_AKK0`` (some versions: ``AKK0_DEBY``), with
        ``POISSON_BOLTZMANN = T`` if positive.
    ion_switch : (float, float), electrons/Bohr^3, optional
        The same for kappa^2. The default is ``dielectric_switch``. IN.SOLVENT: ``RHOMAX_DEBY`` and ``RHOMIN_DEBY``.

    Examples
    --------
    >>> from ase_mlffvv.dft.solvent import Solvent
    >>> solvent = Solvent.pc_dme()
    >>> round(solvent.debye_length, 2)  # Å
    1.86
    >>> Solvent(permittivity=35.5, surface_tension=0.0).kappa_squared
    0.0
    """

    permittivity: float
    surface_tension: float = 0.0
    pressure: float = 0.0
    density_model: str = 'atoms'
    dielectric_switch: tuple[float, float] = (5e-3, 1e-4)
    cavity_switch: tuple[float, float] = None  # type: ignore[assignment]  # None becomes dielectric_switch
    kappa_squared: float = 0.0
    ion_switch: tuple[float, float] = None  # type: ignore[assignment]

    def __post_init__(self):
        for name, low, unit in (
            ('permittivity', 1.0, 'relative to vacuum'),
            ('surface_tension', -inf, 'dyn/cm'),
            ('pressure', -inf, 'GPa'),
            ('kappa_squared', 0.0, '1/Bohr^2'),
        ):
            value = _number(getattr(self, name), name, unit)
            if value < low:
                raise ValueError(f'{name} must be {low:g} or more ({unit}), got {value:g}')
            object.__setattr__(self, name, value)
        if self.density_model not in DENSITY_MODELS:
            raise ValueError(f'density_model must be one of {", ".join(DENSITY_MODELS)}, got {self.density_model!r}')
        object.__setattr__(self, 'dielectric_switch', _switch(self.dielectric_switch, 'dielectric_switch'))
        for name in ('cavity_switch', 'ion_switch'):
            value = getattr(self, name)
            value = self.dielectric_switch if value is None else _switch(value, name)
            object.__setattr__(self, name, value)

    @classmethod
    def water(cls) -> Solvent:
        """Water without ions: eps 78.3, 50 dyn/cm, -0.35 GPa, fitted by Andreussi et al. (2012) to solvation energies.

        They used self-consistent densities. Here neutral atoms define the cavity, so that their errors do not apply.
        """
        return cls(permittivity=78.3, surface_tension=50.0, pressure=-0.35)

    @classmethod
    def pc_dme(cls) -> Solvent:
        """Propylene carbonate and dimethoxyethane with a lithium salt, as in Adv. Energy Mater. 13, 2202892 (2023).

        It has eps = 35.5, a surface tension of 32.5 dyn/cm, kappa^2 = 0.081 Bohr^-2, and a cavity defined by the
        densities of neutral atoms. The paper states neither the pressure nor the switching densities. Here the pressure
        is 0, and the switching densities are (3.5e-3, 1e-4) electrons/Bohr^3, which keeps the solvent out of vacancies
        and of hot or strained lithium. With PWmat's default of (5e-3, 1e-4) a trace of solvent enters, and surface
        energies are 0.013 J/m^2 lower.
        """
        return cls(permittivity=35.5, surface_tension=32.5, kappa_squared=0.081, dielectric_switch=(3.5e-3, 1e-4))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Solvent:
        """Make a Solvent from a dictionary as returned by :meth:`to_dict`."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown or 'permittivity' not in values:
            what = f'unknown entries {", ".join(unknown)}' if unknown else 'no permittivity'
            raise ValueError(f'{what} in a description of a solvent; known: {", ".join(known)}')
        return cls(**values)

    def to_dict(self) -> dict:
        """Fields as plain numbers, strings and lists, for JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def replace(self, **changes: Any) -> Solvent:
        """A copy with other values. Switches that are equal to ``dielectric_switch`` change with it."""
        if 'dielectric_switch' in changes:
            for name in ('cavity_switch', 'ion_switch'):
                if getattr(self, name) == self.dielectric_switch:
                    changes.setdefault(name, None)
        return replace(self, **changes)

    @property
    def debye_length(self) -> float:
        """1 / kappa in Å; infinite without ions."""
        return Bohr / sqrt(self.kappa_squared) if self.kappa_squared else inf

    @property
    def surface_tension_eV(self) -> float:
        """Surface tension in eV/Å^2."""
        return self.surface_tension * DYN_PER_CM


def _number(value, name, unit):
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = inf
    if isinstance(value, (str, bool)) or not isfinite(number):
        raise ValueError(f'{name} must be a finite number ({unit}), got {value!r}')
    return number


def _switch(value, name):
    unit = 'electrons/Bohr^3'
    try:
        high, low = value
    except (TypeError, ValueError):
        raise ValueError(f'{name} must be two densities in {unit}, the larger first, got {value!r}') from None
    high, low = _number(high, name, unit), _number(low, name, unit)
    if not high > low > 0:
        raise ValueError(f'{name} must be two densities in {unit} with first > second > 0, got ({high:g}, {low:g})')
    return high, low
