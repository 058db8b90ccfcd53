"""Long work in folders: runs that can be watched, interrupted and resumed."""

from .record import read_log, summary
from .run import Interrupted, read_settings, resume, start
from .settings import RunSettings

__all__ = ['Interrupted', 'RunSettings', 'read_log', 'read_settings', 'resume', 'start', 'summary']
