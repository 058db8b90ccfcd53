"""Pair lists, built with a skin and reused while they are still complete."""

from .pairs import PairList, pair_list
from .skin import SkinList

__all__ = ['PairList', 'SkinList', 'pair_list']
