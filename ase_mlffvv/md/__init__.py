"""Molecular dynamics that stays on the device, and minimisation."""

from .dynamics import Dynamics
from .fire import minimise
from .integrators import CSVR, Berendsen, Langevin, VelocityVerlet
from .reporters import Frames, Reporter, Samples

__all__ = ['CSVR', 'Berendsen', 'Dynamics', 'Frames', 'Langevin', 'Reporter', 'Samples', 'VelocityVerlet', 'minimise']
