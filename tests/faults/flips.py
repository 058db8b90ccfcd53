"""Bit flips and truncations of files of each format: what is read from them, or which error they raise.

    python -m tests.faults.flips [--number 10000] [--format NAME ...]

Every second file has one flipped bit, the others are cut off. Possible outcomes:

=======  ==============================================================================================================
same     The content is the same: the flip is in a part that has no meaning, such as a date or a space.
named    The exception of the format, whose message contains the name of the file.
told     A warning, and complete frames in front of the damage.
part     Less than was in the file, all of it right: a file that is written bit by bit was cut between frames or lines.
words    Plain text of others without a checksum: a number or name became another one, and is read as it stands.
wrong    Other content, in silence.
raw      Another exception, or a message that does not name the file.
=======  ==============================================================================================================
"""

import argparse
import logging
import re
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from tqdm import tqdm

from .formats import FORMATS, fresh

OUTCOMES = ('same', 'named', 'told', 'part', 'words', 'wrong', 'raw')
MEANINGFUL = ('Lattice', 'Properties', 'pbc', 'LATTICE', 'POSITION', 'FORCE', 'VELOCITY', 'MAGNETIC', 'Position',
              'Force', 'Velocity', 'Atomic-Energy', 'atoms', 'Iteration', 'Etot', 'E_tot(eV)', 'E')  # fmt: skip
BAD = ('wrong', 'raw')


class Told(logging.Handler):
    """Counts warnings of the package."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record):
        self.count += 1


def outcome(kind, path, expected, before):
    """Outcome of reading a damaged file whose content was ``before``, and the error or None."""
    told = Told()
    loggers = [logging.getLogger(name) for name in ('ase_mlffvv', 'mlffvv_analysis')]
    for logger in loggers:
        logger.addHandler(told)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            found = kind.read(path)
    except kind.error as error:
        return ('named' if path.name in str(error) else 'raw'), error
    except Exception as error:
        return 'raw', error
    finally:
        for logger in loggers:
            logger.removeHandler(told)
    if found == expected:
        return 'same', None
    after = path.read_bytes()
    cut_off, frames = before.startswith(after), isinstance(found, list) and found == expected[: len(found)]
    some = isinstance(found, list) and set(found) <= set(expected)
    if (caught or told.count) and (cut_off or some or not isinstance(found, list)):
        return 'told', None
    if (frames and cut_off) or (kind.grows and some):
        return 'part', None
    if kind.text and _another_word(before, after):
        return 'words', None
    return 'wrong', None


def flipped(content, rng):
    """Content with one flipped bit."""
    bit = int(rng.integers(8 * len(content)))
    out = bytearray(content)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


def cut(content, rng):
    """Content without its end."""
    return content[: int(rng.integers(len(content)))]


def count_outcomes(kind, number, seed=0, progress=False):
    """Outcomes of damaged files of a format, and an example of each bad one."""
    rng, counts, examples = np.random.default_rng(seed), Counter(), {}
    with tempfile.TemporaryDirectory() as folder:
        path, expected = fresh(kind, folder)
        before = path.read_bytes()
        for k in tqdm(range(number), desc=kind.name, disable=not progress, file=sys.stderr):
            content = (flipped, cut)[k % 2](before, rng)
            path.write_bytes(content)
            found, error = outcome(kind, path, expected, before)
            counts[found] += 1
            if found in BAD:
                examples.setdefault((found, type(error).__name__), (content, error))
    return counts, examples


def _another_word(before, after):
    """Whether two texts differ only in words that are numbers, elements or free names in both."""
    for separator in (r'[\s:="]+', r'[\s="]+'):
        old, new = (re.split(separator, text.decode('utf-8', 'replace')) for text in (before, after))
        if len(old) == len(new) and all(_kind(a) == _kind(b) is not None for a, b in zip(old, new) if a != b):
            return True
    return False


def _kind(word):
    """None for words with a meaning that must not get lost."""
    if word in MEANINGFUL or not word.isprintable() or not word.isascii():
        return None
    return 'word'


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--number', type=int, default=10_000, help='files per format (default: 10 000)')
    p.add_argument('--format', nargs='+', default=[kind.name for kind in FORMATS], help='formats (default: all)')
    args = p.parse_args()
    bad = 0
    print(f'{"format":22}{"error":>20}' + ''.join(f'{name:>8}' for name in OUTCOMES))
    for kind in FORMATS:
        if kind.name not in args.format:
            continue
        counts, examples = count_outcomes(kind, args.number, progress=sys.stderr.isatty())
        first = kind.error[0] if isinstance(kind.error, tuple) else kind.error
        name, numbers = first.__name__, ''.join(f'{counts[o]:8}' for o in OUTCOMES)
        print(f'{kind.name:22}{name:>20}{numbers}', flush=True)
        for (found, error), (content, reason) in examples.items():
            file = Path(tempfile.gettempdir()) / f'{found}-{error}-{kind.name.replace(" ", "_")}'
            file.write_bytes(content)
            print(f'    {found}: {reason!r:.200} ({file})')
        bad += sum(counts[name] for name in BAD)
    return bool(bad)


if __name__ == '__main__':
    sys.exit(main())
