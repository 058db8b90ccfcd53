"""Pair lists: built once with a skin, reused while they are still exact."""

from .pairs import PairList, pair_list
from .skin import SkinList

__all__ = ['PairList', 'SkinList', 'pair_list']
