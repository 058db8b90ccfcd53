"""Importer of model folders written by the original PWMLFF programs (VV model, cosine features).

The folder contains ``input/gen_*_feature.in``, ``output/grid*`` and ``fread_dfeat/{feat.info, feat_PV.t, OUT.xp,
OUT.VV_index.t, linear_VV_fitB.ntype, vdw_fitB.ntype}``. Fortran unformatted records consist of an int32 length, the
payload, and the length again, little-endian, with column-major arrays. Imported models keep the conventions of the
original: the last component is the constant 1, energies have the zero of the training labels, and the pair term uses
minimum images. There is one difference: the original derivative of cubic terms is wrong; here forces are the negative
gradient of the energy.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols

from ..errors import VVFileError
from ..features import Cosine2, Cosine3
from ..features.grid import geometric_nodes, grid_from_nodes
from .pair import PairTerm
from .terms import CUBIC, ElementBlock


def read_folder(folder):
    """Import a model folder.

    Parameters
    ----------
    folder : str or Path
        The folder with ``fread_dfeat/``, ``input/`` and ``output/``, or its subfolder ``fread_dfeat``.

    Returns
    -------
    tuple
        Elements, feature families, blocks, pair term and card: the arguments of
        :class:`ase_mlffvv.model.potential.VVPotential`.

    Raises
    ------
    FileNotFoundError
        The folder or one of its files is missing. The message contains its name.
    VVFileError
        A file cannot be parsed, files contradict each other, or the model uses unsupported features.
    """
    folder = Path(folder)
    if folder.name == 'fread_dfeat':
        folder = folder.parent
    if not folder.is_dir():
        raise FileNotFoundError(f"no model folder '{folder}' (working directory {Path.cwd()})")
    fit = folder / 'fread_dfeat'
    info = _feat_info(fit / 'feat.info')
    numbers = info['numbers']
    families = tuple(_family(folder, kind, numbers) for kind in info['families'])
    blocks = _blocks(fit, info)
    pair_term = _pair_term(fit / 'vdw_fitB.ntype', numbers, _list_radius(folder, info['families']))
    elements = tuple(chemical_symbols[z] for z in numbers)
    card = {'title': f'imported from the PWMLFF folder {folder.name}', 'source': 'PWMLFF'}
    if any((block.terms[:, 0] == CUBIC).any() for block in blocks):
        warnings.warn(
            'the model has cubic terms: the original programs differentiate them wrongly, so their forces differ '
            'from these, which are the gradient of the energy',
            stacklevel=3,
        )
    return elements, families, blocks, pair_term, card


def _tokens(path):
    """Numbers of a text file as lists of strings, one per line, without empty lines."""
    if not path.is_file():
        raise FileNotFoundError(f'the PWMLFF folder lacks {path.parent.name}/{path.name} (looked for {path})')
    lines = (line.split('!')[0].replace(',', ' ').split() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def _parse(path, function):
    try:
        return function()
    except (ValueError, IndexError) as error:
        raise VVFileError(f'cannot understand {path}: {error}') from error


def _feat_info(path):
    lines = _tokens(path)

    def read():
        n_families = int(lines[1][0])
        families = [int(lines[2 + k][0]) for k in range(n_families)]
        n_types = int(lines[2 + n_families][0])
        rows = [[int(x) for x in lines[3 + n_families + t][:3]] for t in range(n_types)]
        return {'families': families, 'numbers': [row[0] for row in rows], 'sizes': [row[1:] for row in rows]}

    info = _parse(path, read)
    other = [kind for kind in info['families'] if kind not in (1, 2)]
    if other:
        raise VVFileError(f'{path} lists feature types {other}; only 1 (2-body cosine) and 2 (3-body cosine) are known')
    return info


def _gen_input(folder, kind):
    """Settings of one feature type for each element, and the radius Rc_M of its list."""
    path = folder / 'input' / {1: 'gen_2b_feature.in', 2: 'gen_3b_feature.in'}[kind]
    lines = _tokens(path)

    def read():
        n_types = int(lines[1][0])
        types = {}
        for t in range(n_types):
            z, settings, counts = lines[2 + 3 * t : 5 + 3 * t]
            settings = [float(x) for x in settings]
            if kind == 1:
                settings.insert(1, settings[0])  # a placeholder for Rc2, which 2-body features do not have
            types[int(z[0])] = {
                'rc': settings[0],
                'rc2': settings[1],
                'rm': settings[2],
                'grid': int(settings[3]),
                'counts': [int(x) for x in counts[: 1 if kind == 1 else 2]],
            }
        return {'radius': float(lines[0][0]), 'types': types, 'ftype': int(lines[2 + 3 * n_types + 1][0])}

    return _parse(path, read)


def _list_radius(folder, kinds):
    return max(_gen_input(folder, kind)['radius'] for kind in kinds)


def _family(folder, kind, numbers):
    gen = _gen_input(folder, kind)
    missing = [z for z in numbers if z not in gen['types']]
    if missing:
        raise VVFileError(f'gen_{kind + 1}b_feature.in of {folder} does not describe elements {missing}')
    types = [gen['types'][z] for z in numbers]
    order = list(gen['types'])  # grid files are numbered in this order
    cutoff = tuple(t['rc'] for t in types)

    def grid(name, which, radius):
        return tuple(
            _grid(folder / 'output', name, order.index(z) + 1, gen['ftype'], t, t['counts'][which], radius)
            for z, t in zip(numbers, types)
        )

    if kind == 1:
        return Cosine2(cutoff, grid('grid2b', 0, 'rc'))
    side_cutoff = tuple(min(t['rc2'], 2 * t['rc']) for t in types)
    return Cosine3(cutoff, side_cutoff, grid('grid3b_cb12', 0, 'rc'), grid('grid3b_b1b2', 1, 'rc2'))


def _grid(output, name, number, ftype, settings, n, which_radius):
    radius = settings[which_radius]
    if ftype == 3:
        path = output / f'{name}_type3.{number}'
        rows = _tokens(path)
        grid = _parse(path, lambda: np.array([[float(x) for x in row[1:3]] for row in rows[1 : int(rows[0][0]) + 1]]))
        if grid.shape != (n, 2):
            raise VVFileError(f'{path} lists {len(grid)} basis functions, the input file says {n}')
        return grid
    if settings['grid'] == 1:
        nodes = geometric_nodes(radius, n, settings['rm'])
    else:
        path = output / f'{name}_type12.{number}'
        rows = _tokens(path)
        nodes = _parse(path, lambda: np.array([float(row[0]) for row in rows[::3]]))
        if len(nodes) != n + 2:
            raise VVFileError(f'{path} lists {len(nodes)} nodes; {n} basis functions need {n + 2}')
    return grid_from_nodes(nodes, overlap=ftype + 1)


def _records(path, types):
    """Payloads of the records of a Fortran unformatted file as flat arrays of the given types."""
    if not path.is_file():
        raise FileNotFoundError(f'the PWMLFF folder lacks {path.parent.name}/{path.name} (looked for {path})')
    data, arrays, position = path.read_bytes(), [], 0
    for dtype in types:
        if position + 8 > len(data):
            raise VVFileError(f'{path} ends after {len(arrays)} of {len(types)} records')
        length = int(np.frombuffer(data, '<i4', 1, position)[0])
        end = position + 4 + length
        if length < 0 or end + 4 > len(data) or np.frombuffer(data, '<i4', 1, end)[0] != length:
            raise VVFileError(f'{path}: record {len(arrays) + 1} is truncated or not little-endian Fortran unformatted')
        arrays.append(np.frombuffer(data[position + 4 : end], dtype))
        position = end + 4
    return arrays


def _blocks(fit, info):
    n_types = len(info['numbers'])
    head, sizes, product, single = _records(fit / 'OUT.xp', ['<i4', '<i4', '<f8', '<f8'])
    m_feat, n_types_xp, n_product, n_single = (int(x) for x in head)
    if n_types_xp != n_types:
        raise VVFileError(f'{fit}/OUT.xp is for {n_types_xp} elements, feat.info for {n_types}')
    product = product.reshape((2, n_product, m_feat, n_types), order='F')
    single = single.reshape((2, n_single, m_feat, n_types), order='F')
    path = fit / 'linear_VV_fitB.ntype'
    lines = _tokens(path)
    weights = _parse(path, lambda: np.array([float(row[1]) for row in lines[1 : int(lines[0][0]) + 1]]))
    terms = [_terms(fit / f'OUT.VV_index.{t + 1}') for t in range(n_types)]
    ends = np.cumsum([n + len(rows) for (_, n), rows in zip(info['sizes'], terms)])
    if ends[-1] != len(weights):
        raise VVFileError(f'{path} holds {len(weights)} coefficients, the functions need {ends[-1]}')
    blocks = []
    for t in range(n_types):
        shape, matrix, shift, scale = _records(fit / f'feat_PV.{t + 1}', ['<i4', '<f8', '<f8', '<f8'])
        n_raw, n = (int(x) for x in shape)
        if [n_raw, n] != info['sizes'][t] or n != sizes[t]:
            raise VVFileError(f'feat_PV.{t + 1} has shape {n_raw} x {n}, feat.info says {info["sizes"][t]}')
        blocks.append(
            ElementBlock(
                projection=matrix.reshape((n_raw, n), order='F')[:, :-1].copy(),
                shift=shift[:-1].copy(),
                scale=scale[:-1].copy(),
                single=single[:, :, :n, t].transpose(2, 1, 0).copy(),
                product=product[:, :, :n, t].transpose(2, 1, 0).copy(),
                terms=terms[t],
                coefficients=weights[ends[t] - n - len(terms[t]) : ends[t]],
            )
        )
    return tuple(blocks)


def _terms(path):
    lines = _tokens(path)
    rows = _parse(path, lambda: np.array([[int(x) for x in r[:5]] for r in lines[1 : int(lines[0][0]) + 1]], np.int32))
    rows = rows.reshape(-1, 5)
    kind = rows[:, :1]
    n_index = np.select([kind == 1, kind == 2, kind == 3], [2, 4, 3])
    return np.where(np.arange(5) <= n_index, rows - (np.arange(5) > 0), 0).astype(np.int32)


def _pair_term(path, numbers, cutoff):
    lines = _tokens(path)
    n = len(numbers)

    def read():
        n_terms = int(lines[0][1])
        radius, weights = np.zeros(n), np.zeros((2, n, n))
        for t in range(n):
            row = [float(x) for x in lines[1 + t]]
            radius[t] = row[1]
            for k in range(n_terms):
                weights[k, :, t] = row[3 + k * n : 3 + (k + 1) * n]
        return radius, weights

    radius, weights = _parse(path, read)
    if not radius.any():
        return None  # the "no vdW" file
    return PairTerm(radius, weights, minimum_image=True, cutoff=cutoff)
