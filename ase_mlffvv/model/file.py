"""Model files ``.vv``: archives (:mod:`ase_mlffvv.io.archive`) with a versioned header, without pickle."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols

from ..errors import VVFileError
from ..features import FAMILIES
from ..io.archive import Unsealed, load_archive, save_archive
from .pair import PairTerm
from .terms import ElementBlock
from .uncertainty import Uncertainty

FORMAT = 3  # 1: cosine features, no uncertainty; 2: any; 3: with a checksum of the whole file
_BLOCK = ('projection', 'shift', 'scale', 'single', 'product', 'terms', 'coefficients')
_REMEDY = 'Copy it again from its source, or fit the potential again.'


def save(potential, path):
    """Write ``potential``. The file appears at ``path`` only when it is complete."""
    header, arrays = _to_parts(potential)
    header = {'format': FORMAT, 'sha256': digest(potential), **header, 'card': potential.card}
    save_archive(path, header, arrays)


def load(path, make):
    """Read a model file.

    Parameters
    ----------
    path : str or Path
    make : callable
        Function that makes a potential from elements, feature families, blocks, pair term, card and uncertainty.

    Raises
    ------
    FileNotFoundError
        There is no such file. The message contains the working directory.
    VVFileError
        The file is not a model file, is damaged or incomplete, or was written by a newer version.
    """
    path = Path(path)
    if not path.is_file():
        what = 'is a folder, not a model file' if path.is_dir() else 'does not exist'
        raise FileNotFoundError(
            f"model file '{path}' {what} (working directory {Path.cwd()}). "
            'Give a .vv file, a folder of the original PWMLFF programs, or no model for the shipped lithium potential.'
        )
    try:
        header, arrays, sealed = load_archive(path, sealed=False)
        _check_version(header, path)
        if header['format'] >= 3 and not sealed:
            raise Unsealed('its checksum is missing')
        bad = [name for name, a in arrays.items() if a.dtype.kind == 'f' and not np.isfinite(a).all()]
        if bad:
            raise ValueError(f'{bad[0]} holds values that are not finite numbers')
        potential = make(*_from_parts(header, arrays))
        if header['sha256'] != digest(potential):
            raise Unsealed('its numbers do not match their checksum')
        return potential
    except VVFileError:
        raise
    except Unsealed as error:
        raise VVFileError(f"'{path}' is damaged: {error}. {_REMEDY}") from error
    except Exception as error:  # the readers of zip files, JSON and arrays raise nearly everything
        raise VVFileError(
            f"'{path}' is not a complete .vv model file ({type(error).__name__}: {error}). {_REMEDY}"
        ) from error


def digest(potential):
    """SHA-256 of the arrays and of the parts of the header that determine results, which the card does not."""
    header, arrays = _to_parts(potential)
    plain = potential.uncertainty is None and all(family.name.startswith('cosine') for family in potential.features)
    header['format'] = 1 if plain else 2  # the number of a format before 3, so that potentials keep their digests
    sha = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        sha.update(f'{name} {array.dtype.str} {array.shape}'.encode())
        sha.update(array.tobytes())
    return sha.hexdigest()


def _check_version(header, path):
    found = header['format']
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise ValueError(f'its format is {found!r}')
    if found > FORMAT:
        from .. import __version__

        raise VVFileError(
            f'{path.name} has format {found}; this version ({__version__}) reads up to {FORMAT}. Update ase-mlffvv.'
        )


def _to_parts(potential):
    header = {
        'elements': list(potential.elements),
        'families': [family.name for family in potential.features],
        'pair_term': None,
    }
    arrays = {}
    for k, family in enumerate(potential.features):
        arrays.update({f'family{k}.{name}': a for name, a in family.arrays().items()})
    for t, block in enumerate(potential.blocks):
        arrays.update({f'block{t}.{name}': getattr(block, name) for name in _BLOCK})
    for t, uncertainty in enumerate(potential.uncertainty or ()):
        arrays.update({f'uncertainty{t}.{name}': a for name, a in uncertainty.arrays().items()})
    if potential.pair_term is not None:
        header['pair_term'] = {'minimum_image': potential.pair_term.minimum_image, 'cutoff': potential.pair_term.cutoff}
        arrays.update(
            {'pair_term.radius': potential.pair_term.radius, 'pair_term.weights': potential.pair_term.weights}
        )
    return header, arrays


def _from_parts(header, arrays):
    def part(prefix):
        return {name[len(prefix) :]: a for name, a in arrays.items() if name.startswith(prefix)}

    unknown = [symbol for symbol in header['elements'] if symbol not in chemical_symbols[1:]]
    if unknown or not isinstance(header['elements'], list) or not isinstance(header['card'], dict):
        raise ValueError(f'elements must be chemical symbols and the card a dict, got {unknown or header["elements"]}')
    families = tuple(FAMILIES[name].from_arrays(part(f'family{k}.')) for k, name in enumerate(header['families']))
    blocks = tuple(ElementBlock(**part(f'block{t}.')) for t in range(len(header['elements'])))
    pair_term = None if header['pair_term'] is None else PairTerm(**part('pair_term.'), **header['pair_term'])
    uncertainty = None
    if 'uncertainty0.draws' in arrays:
        uncertainty = tuple(Uncertainty.from_arrays(part(f'uncertainty{t}.')) for t in range(len(blocks)))
    return tuple(header['elements']), families, blocks, pair_term, header['card'], uncertainty
