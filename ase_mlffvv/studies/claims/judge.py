"""All claims on the runs of a study."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from . import columns, cuboids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas

    from .criteria import Verdict

ROLES = ('column-250', 'column-350', 'cuboid-a', 'cuboid-b', 'adatoms')  # parts that runs play in the claims
CLAIMS = {name.upper(): getattr(module, name)
          for module, numbers in ((columns, range(1, 12)), (cuboids, range(12, 21)))
          for name in (f'c{k}' for k in numbers)}  # fmt: skip


def judge(runs: Mapping[str, Sequence[pandas.DataFrame]], rounds: Sequence[Mapping] = ()) -> list[Verdict]:
    """Judge all claims.

    Parameters
    ----------
    runs : dict
        Timelines of the runs that play each part of ``ROLES``; parts without runs may be missing.
    rounds : sequence of dict
        Rounds of :func:`ase_mlffvv.learning.learn`, for C20.

    Returns
    -------
    list of Verdict
        C1 to C20.
    """
    unknown = sorted(set(runs) - set(ROLES))
    if unknown:
        raise ValueError(f'unknown parts {", ".join(unknown)}; there are {", ".join(ROLES)}')
    runs = {role: list(runs.get(role, ())) for role in ROLES}
    return [claim(runs, rounds) if len(inspect.signature(claim).parameters) > 1 else claim(runs)
            for claim in CLAIMS.values()]  # fmt: skip
