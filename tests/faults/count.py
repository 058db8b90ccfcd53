"""Count what happens to the faults of the tables: ``python -m tests.faults.count``.

An exception is clear if the package raises it on purpose and its message holds the name of what is wrong. Any other
exception is cryptic, none is silent, and a call that takes more than a minute is endless.
"""

from __future__ import annotations

import importlib
import linecache
import resource
import signal
import sys
import warnings
from collections import Counter
from pathlib import Path

CLASSES = {
    '3 numbers and types': ('test_door_numbers', 'test_door_structures', 'test_door_fits', 'test_door_analysis'),
    '4 states': ('test_states',),
    '5 costs': ('test_costs',),
    '7 data': ('test_data',),
}
KINDS = ('clear', 'cryptic', 'silent', 'endless')
SECONDS, BYTES = 60, 8 * 2**30


class Endless(BaseException):
    """The time of a call is over."""


def outcome(row):
    """What happens to a fault, and the exception as text."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        row.call()
    except Endless:
        return 'endless', ''
    except Exception as error:
        text = f'{type(error).__name__}: {error}'
        if 'not usable in pure-python' in text:  # Numba is switched off: the call had got to the kernels
            return 'silent', text
        return ('clear' if on_purpose(error) and (not row.words or row.words[0] in str(error)) else 'cryptic'), text
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return 'silent', ''


def on_purpose(error):
    """Whether the package raised this error, and did not run into it."""
    tb = error.__traceback__
    while tb.tb_next is not None:
        tb = tb.tb_next
    path = Path(tb.tb_frame.f_code.co_filename)
    ours = {'ase_mlffvv', 'mlffvv_analysis', 'analysis'} & set(path.parts)
    return bool(ours) and linecache.getline(str(path), tb.tb_lineno).strip().startswith('raise')


def rows_of(module):
    """All rows of the tables of a module."""
    found = importlib.import_module(f'{__package__}.{module}')
    return [row for name, table in vars(found).items() if name.isupper() and isinstance(table, list)
            for row in table if hasattr(row, 'words')]  # fmt: skip


def main(shown=()):
    """Print the table, and the rows of the outcomes that are shown."""

    def stop(*_):
        raise Endless

    signal.signal(signal.SIGALRM, stop)
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    warnings.simplefilter('ignore')
    print(f'{"class":24}{"cases":>8}' + ''.join(f'{kind:>10}' for kind in KINDS))
    total = Counter()
    for name, modules in CLASSES.items():
        counts = Counter()
        for row in (row for module in modules for row in rows_of(module)):
            kind, text = outcome(row)
            counts[kind] += 1
            if kind in shown:
                print(f'  {kind}: {row.name}: {text[:150]}', flush=True)
        total += counts
        print(f'{name:24}{counts.total():8}' + ''.join(f'{counts[kind]:10}' for kind in KINDS), flush=True)
    print(f'{"all":24}{total.total():8}' + ''.join(f'{total[kind]:10}' for kind in KINDS))


if __name__ == '__main__':
    main(sys.argv[1:])
