"""The structure of the code: imports point down, files stay small, imports stay cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = [
    *('ase_plugins', 'errors', 'checks', 'memory', 'jit', 'io', 'pages', 'structures', 'datasets', 'potentials'),
    *(
        'neighbors',
        'features',
        'model',
        'kernels',
        'engines',
        'calculators',
        'dft',
        'fitting',
        'md',
        'analysis',
        'jobs',
    ),
    *('labelling', 'properties', 'learning', 'studies', 'export', 'cli'),
]
SAFE_FILES = [
    ('errors',),
    ('checks',),
    ('memory',),
    ('io', 'checkpoint'),
    ('io', 'counting'),
    ('io', 'files'),
    ('io', 'identity'),
    ('io', 'reading'),
    ('io', 'xyz'),
    ('jobs', 'folder'),
    ('pages',),
]
ANALYSIS_MAY_IMPORT = [('ase_mlffvv', *name) for name in [*SAFE_FILES, ('structures',)]]  # nothing heavy
FILES = sorted([*ROOT.glob('ase_mlffvv/**/*.py'), *ROOT.glob('analysis/**/*.py')])


def imports(path):
    inside = path.relative_to(ROOT).with_suffix('').parts
    inside = inside[:-1] if inside[-1] == '__init__' else inside
    package = path.name == '__init__.py'
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            up = node.level - (1 if package and node.level else 0)
            base = inside[: len(inside) - up] if node.level else ()
            names = [*base, *(node.module or '').split('.')] if node.module else list(base)
            yield from ([*names, a.name] for a in node.names)
        elif isinstance(node, ast.Import):
            yield from (a.name.split('.') for a in node.names)


@pytest.mark.parametrize('path', FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    package, *rest = path.relative_to(ROOT).with_suffix('').parts
    for name in imports(path):
        if package == 'analysis':
            allowed = any(tuple(name[: len(part)]) == part for part in ANALYSIS_MAY_IMPORT)
            if not allowed:
                assert name[0] not in ('ase_mlffvv', 'torch'), f'{path}: analysis works with any ASE calculator'
        elif name[0] == 'mlffvv_analysis':
            assert LAYERS.index('analysis') < LAYERS.index(rest[0]), f'{path} imports the analysis'
        elif name[0] == 'ase_mlffvv' and len(name) > 1 and rest[0] in LAYERS and name[1] in LAYERS:
            assert LAYERS.index(name[1]) <= LAYERS.index(rest[0]), f'{path} imports upwards: {".".join(name)}'


def test_every_part_has_a_layer():
    found = [p for p in (ROOT / 'ase_mlffvv').iterdir() if p.is_dir() or p.suffix == '.py']
    parts = {p.name.removesuffix('.py') for p in found if not p.name.startswith(('_', '.'))}
    assert (parts | {'analysis'}) - {'__pycache__'} == set(LAYERS)


@pytest.mark.parametrize('path', [*FILES, *sorted(ROOT.glob('tests/**/*.py'))], ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_small(path):
    assert len(path.read_text().splitlines()) <= 400


def module_of(path):
    """Dotted name of the module in a file; that of ``__init__.py`` is its package's."""
    parts = list(path.relative_to(ROOT).with_suffix('').parts)
    parts[0] = {'analysis': 'mlffvv_analysis'}.get(parts[0], parts[0])
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def import_graph():
    """Modules that each module imports, anywhere in it, functions too.

    A package counts where its own names are imported, not where it is on the way to one of its modules.
    """
    modules = {module_of(path): path for path in FILES}
    graph = {}
    for module, path in modules.items():
        found = set()
        for name in imports(path):
            name = ['mlffvv_analysis' if k == 0 and part == 'analysis' else part for k, part in enumerate(name)]
            whole, parent = '.'.join(name), '.'.join(name[:-1])
            found.add(whole if whole in modules else parent)
        graph[module] = found & set(modules)
    return graph


def circles(graph):
    """Strongly connected components of more than one node, and nodes that point at themselves (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == index[node]:
            component = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(component) > 1 or node in graph[node]:
                found.append(sorted(component))

    for node in graph:
        if node not in index:
            visit(node)
    return found


def test_circles_are_found():
    assert circles({'a': {'b'}, 'b': {'c'}, 'c': {'b'}, 'd': {'d', 'a'}}) == [['b', 'c'], ['d']]


def test_no_import_circles():
    graph = import_graph()
    assert 'ase_mlffvv.model.file' in graph['ase_mlffvv.model.potential']
    assert circles(graph) == []


def loaded_by(statement):
    code = f'import sys; {statement}; print(" ".join(sys.modules))'
    return set(subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout.split())


def test_the_package_imports_nothing_heavy():
    assert not {'torch', 'numba', 'matplotlib', 'scipy'} & loaded_by('import ase_mlffvv')
    assert not {'torch', 'numba'} & loaded_by('import mlffvv_analysis')
    heavy = {'torch', 'ovito', 'pandas', 'sklearn', 'ruptures', 'matplotlib', 'PySide6'}
    assert not heavy & loaded_by('import mlffvv_analysis.report, mlffvv_analysis.timeline')


def test_ase_io_does_not_import_torch():
    assert 'torch' not in loaded_by('import ase.io')


def test_the_numba_engine_needs_neither_torch_nor_cuda():
    modules = loaded_by("from ase_mlffvv import VVCalculator; from ase.build import bulk; a = bulk('Li'); "
                        'a.calc = VVCalculator(); a.get_forces()')  # fmt: skip
    assert 'numba' in modules
    assert not {'torch', 'numba.cuda'} & modules
