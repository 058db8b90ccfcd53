"""Feature families by name. The module :mod:`.values`, which needs torch, is imported only where it is used."""

from .density import Density
from .families import Cosine2, Cosine3

FAMILIES = {family.name: family for family in (Cosine2, Cosine3, Density)}

__all__ = ['FAMILIES', 'Cosine2', 'Cosine3', 'Density']
