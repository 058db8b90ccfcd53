"""Molecular dynamics on the device, minimisation, and jobs in folders."""

from .dynamics import Dynamics
from .fire import minimise
from .integrators import CSVR, Berendsen, Langevin, VelocityVerlet
from .job import Interrupted, read_settings, resume, start
from .record import read_log, summary
from .settings import RunSettings

__all__ = ['CSVR', 'Berendsen', 'Dynamics', 'Interrupted', 'Langevin', 'RunSettings', 'VelocityVerlet', 'minimise',
           'read_log', 'read_settings', 'resume', 'start', 'summary']  # fmt: skip
