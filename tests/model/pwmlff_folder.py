"""Write a model folder in the formats of the original PWMLFF programs, for tests of the importer."""

import numpy as np


def _record(array):
    data = np.asarray(array).tobytes(order='F')
    length = np.int32(len(data)).tobytes()
    return length + data + length


def write_folder(folder, rng, numbers=(3, 14), rc=4.4, ftype=3, vdw=True):
    """A random two-element model; returns what the importer should find, as a dict per element."""
    fit, inputs, output = (folder / name for name in ('fread_dfeat', 'input', 'output'))
    for path in (fit, inputs, output):
        path.mkdir(parents=True)
    n_types, n2, n1, n12, n_single, n_pair = len(numbers), 4, 2, 3, 20, 4
    n_raw = n_types * n2 + n12 * (n_types * n1 * (n1 + 1) // 2 + n_types * (n_types - 1) // 2 * n1**2)
    sizes = [7, 9][:n_types]
    grid = {3: 3, 1: 1, 2: 2}[ftype]
    lines2, lines3 = [f'{rc}, 120', f'{n_types}'], [f'{rc}, 120', f'{n_types}']
    for z in numbers:
        lines2 += [f'{z}', f'{rc},{rc - 0.2},{grid},0.2,0.5', f'{n2}']
        lines3 += [f'{z}', f'{rc},{2 * rc},{rc - 0.2},{grid},0.2,0.5,0.5', f'{n1},{n12}']
    (inputs / 'gen_2b_feature.in').write_text('\n'.join([*lines2, '9999999', f'{ftype}', '1 ! recalc_grid', '']))
    (inputs / 'gen_3b_feature.in').write_text('\n'.join([*lines3, '9999999', f'{ftype}', '1', '']))
    grids = []
    for t in range(n_types):
        mine = {}
        for name, n, radius in (('grid2b', n2, rc), ('grid3b_cb12', n1, rc), ('grid3b_b1b2', n12, 2 * rc)):
            if ftype == 3:
                a = np.sort(rng.uniform(-1, radius - 1.5, n))
                b = np.minimum(a + rng.uniform(1, 3, n), radius)
                mine[name] = np.column_stack([a, b])
                rows = [f'{k} {x:.16f} {y:.16f}' for k, (x, y) in enumerate(mine[name])]
                (output / f'{name}_type3.{t + 1}').write_text('\n'.join([f'{n}', *rows, '']))
            elif grid == 2:
                nodes = np.concatenate([[0], np.sort(rng.uniform(0.5, radius - 0.3, n)), [radius]])
                mine[name] = nodes
                rows = [f'{x:.16f} {y}' for x in nodes for y in (0, 1, 0)]
                (output / f'{name}_type12.{t + 1}').write_text('\n'.join([*rows, '']))
        grids.append(mine)
    info = ['1', '2', '1', '2', f'{n_types}'] + [f' {z} {n_raw} {n}' for z, n in zip(numbers, sizes)]
    (fit / 'feat.info').write_text('\n'.join(info + [f'{n_types * n2} {n_raw - n_types * n2}'] * n_types) + '\n')
    m = max(sizes)
    xp = rng.uniform(0.5, 2, (2, n_pair, m, n_types))
    xp1 = rng.uniform(0.5, 2, (2, n_single, m, n_types))
    head = np.array([m, n_types, n_pair, n_single], '<i4')
    (fit / 'OUT.xp').write_bytes(_record(head) + _record(np.array(sizes, '<i4')) + _record(xp) + _record(xp1))
    blocks, weights = [], []
    for t, n in enumerate(sizes):
        matrix = 0.05 * rng.normal(size=(n_raw, n))
        shift, scale = rng.normal(size=n), rng.uniform(0.5, 1.5, n)
        shift[-1], scale[-1] = 0, 1
        (fit / f'feat_PV.{t + 1}').write_bytes(
            _record(np.array([n_raw, n], '<i4')) + _record(matrix) + _record(shift) + _record(scale)
        )
        terms = [(1, rng.integers(1, n + 1), rng.integers(1, n_single + 1), 0, 0) for _ in range(3)]
        terms += [(2, *rng.integers(1, [n + 1, n_pair + 1, n + 1, n_pair + 1])) for _ in range(5)]
        rows = [f'{len(terms)}'] + [' '.join(f'{x:5d}' for x in term) + f'  {k}' for k, term in enumerate(terms)]
        (fit / f'OUT.VV_index.{t + 1}').write_text('\n'.join(rows) + '\n')
        w = 0.1 * rng.normal(size=n + len(terms))
        weights += w.tolist()
        blocks.append({'PV': matrix, 'shift': shift, 'scale': scale, 'xp': xp[:, :, :n, t], 'xp1': xp1[:, :, :n, t],
                       'terms': terms, 'w': w})  # fmt: skip
    rows = [f'{len(weights)}'] + [f'{k + 1} {w!r}' for k, w in enumerate(weights)]
    (fit / 'linear_VV_fitB.ntype').write_text('\n'.join(rows) + '\n')
    pair = rng.uniform(0.1, 0.8, (2, n_types, n_types)) if vdw else np.full((2, n_types, n_types), 0.8)
    radius = rng.uniform(0.6, 0.9, n_types) if vdw else np.zeros(n_types)
    rows = [f'{n_types} 2'] + [
        f'{z} {float(radius[t])!r} 500.0 ' + ' '.join(repr(float(x)) for k in range(2) for x in pair[k, :, t])
        for t, z in enumerate(numbers)
    ]
    (fit / 'vdw_fitB.ntype').write_text('\n'.join(rows) + '\n')
    (fit / 'fit_linearMM.input').write_text(f'{n_types}, 120\n' + ''.join(f'{z}, 1.0, 0.0\n' for z in numbers))
    return {'blocks': blocks, 'grids': grids, 'radius': radius, 'pair': pair}
