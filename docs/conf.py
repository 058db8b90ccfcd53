"""Settings of Sphinx: ``make docs`` builds docs/_build/html and treats warnings as errors."""

import sys
from pathlib import Path

from ase_mlffvv import __version__

sys.path.insert(0, str(Path(__file__).parent / '_ext'))

project = 'ase-mlffvv'
author = 'the ase-mlffvv developers'
copyright = '2026, the ase-mlffvv developers'
version = release = __version__

extensions = [
    'myst_nb',
    'api_pages',
    'mathml',
    'sphinx.ext.autodoc',
    'sphinx.ext.napoleon',
    'sphinx_copybutton',
]

exclude_patterns = ['_build', '_ext', 'potentials/LICENSES.md', '**.ipynb_checkpoints']
myst_links_external_new_tab = True
linkcheck_ignore = [r'https://github.com/ase-mlffvv/', r'https://ase-mlffvv.readthedocs.io']  # not yet public
linkcheck_timeout = 20
myst_enable_extensions = ['colon_fence', 'deflist', 'dollarmath', 'substitution']
myst_heading_anchors = 3
nb_execution_mode = 'off'  # the notebooks in tutorials/ are stored with their outputs; tests run them

autodoc_mock_imports = ['gpaw']  # optional; compiled on installation
autodoc_member_order = 'bysource'
autodoc_typehints = 'none'  # types with shapes and units stand in the text
autodoc_default_options = {'show-inheritance': True}
napoleon_google_docstring = False
napoleon_use_ivar = True

html_math_renderer = 'mathml'
html_theme = 'furo'
html_title = f'ase-mlffvv {__version__}'
