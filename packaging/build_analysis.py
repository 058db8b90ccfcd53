"""Build the distribution mlffvv-analysis: the analysis without the force field, torch and the kernels.

``python packaging/build_analysis.py [FOLDER [OPTIONS]]`` writes wheel and source archive to a folder (default: dist);
the options are those of ``python -m build``. The distribution contains ``mlffvv_analysis`` and those modules of
``ase_mlffvv`` that it imports. It is a distribution of its own because an extra can only add requirements, and
``pip install ase-mlffvv`` must give a calculator that works.
"""

from __future__ import annotations

import ast
import configparser
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
WITHOUT = ('numba', 'torch')  # requirements of the force field
EXTRA = 'analysis'  # extra of ase-mlffvv that becomes the extra "all"
PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "mlffvv-analysis"
version = "{version}"
description = "Analysis of dendrite simulations: grains, surfaces, shapes and timelines of any ASE trajectory"
readme = "README.md"
requires-python = ">=3.10"
license = "MIT"
license-files = ["LICENSE"]
dependencies = {requires}

[project.optional-dependencies]
all = {extra}

[project.urls]
{urls}

[tool.setuptools]
packages = {packages}

[tool.setuptools.package-data]
"*" = ["*.*", "*/*.*"]
"""


def imported(path, package):
    """Full names of everything that a file of a package imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split('.')[: len(package.split('.')) - node.level + 1] if node.level else []
            module = '.'.join([*base, *([node.module] if node.module else [])])
            yield from (f'{module}.{alias.name}' for alias in node.names)


def file_of(name):
    """File of a module of ``ase_mlffvv``, or None if the name is something in a module."""
    path = ROOT.joinpath(*name.split('.'))
    found = [p for p in (path.with_suffix('.py'), path / '__init__.py') if p.exists()]
    return found[0] if found else None


def needed():
    """Files of ``ase_mlffvv`` that the analysis imports, directly or not, with the ``__init__.py`` on the way."""
    waiting = [(path, 'mlffvv_analysis') for path in (ROOT / 'analysis').rglob('*.py')]
    found = set()
    while waiting:
        path, package = waiting.pop()
        for name in imported(path, package):
            parts = name.split('.')
            if parts[0] != 'ase_mlffvv':
                continue
            for n in range(1, len(parts) + 1):
                file = file_of('.'.join(parts[:n]))
                if file is not None and file not in found:
                    found.add(file)
                    inside = '.'.join(parts[:n] if file.name == '__init__.py' else parts[: n - 1])
                    waiting.append((file, inside))
    return sorted(found)


def copy_data(source, target):
    """Copy the files of a package that are not Python, such as templates."""
    for path in source.rglob('*'):
        if path.is_file() and path.suffix not in ('.py', '.pyc'):
            (target / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target / path.relative_to(source))


def stage(folder):
    """Write the source tree of the distribution."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / 'setup.cfg')
    options = config['options']
    requires = [line for line in options['install_requires'].split('\n') if line.strip()]
    requires = [line for line in requires if not line.startswith(WITHOUT)]
    extra = [line for line in config['options.extras_require'][EXTRA].split('\n') if line.strip()]
    urls = [line.split(' = ') for line in config['metadata'].get('project_urls', '').strip().split('\n') if line]
    shutil.copytree(ROOT / 'analysis', folder / 'mlffvv_analysis', ignore=shutil.ignore_patterns('__pycache__'))
    for path in needed():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
        if path.name == '__init__.py' and path.parent.name != 'ase_mlffvv':
            copy_data(path.parent, target.parent)
    for name, source in {'LICENSE': ROOT / 'LICENSE', 'README.md': ROOT / 'packaging' / 'README.analysis.md'}.items():
        shutil.copy(source, folder / name)
    packages = sorted({'.'.join(path.parent.relative_to(folder).parts) for path in folder.rglob('*.py')})
    sys.path.insert(0, str(ROOT))
    from ase_mlffvv import __version__

    text = PYPROJECT.format(version=__version__, requires=requires, extra=extra, packages=packages,
                            urls='\n'.join(f'{name} = "{url}"' for name, url in urls))  # fmt: skip
    (folder / 'pyproject.toml').write_text(text.replace("'", '"'))


def main():
    """Build the distribution."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else 'dist').resolve()
    with tempfile.TemporaryDirectory() as temporary:
        stage(Path(temporary))
        options = sys.argv[2:]  # of build, such as --no-isolation
        subprocess.run([sys.executable, '-m', 'build', *options, '--outdir', target, temporary], check=True)


if __name__ == '__main__':
    main()
