"""Molecular dynamics that stays on the device, and minimisation."""

from .dynamics import Dynamics
from .fire import minimise
from .integrators import CSVR, Berendsen, Langevin, VelocityVerlet

__all__ = ['CSVR', 'Berendsen', 'Dynamics', 'Langevin', 'VelocityVerlet', 'minimise']
