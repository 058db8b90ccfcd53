from configparser import ConfigParser
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from ase.io.formats import define_external_io_format, ioformats


@pytest.fixture(autouse=True, scope='session')
def formats():
    """The formats as setup.cfg registers them, also where the installed package is older than the checkout."""
    setup = ConfigParser()
    setup.read(Path(__file__).parents[3] / 'setup.cfg')
    for line in setup['options.entry_points']['ase.ioformats'].strip().splitlines():
        name, value = (part.strip() for part in line.split('='))
        if name not in ioformats:
            define_external_io_format(EntryPoint(name, value, 'ase.ioformats'))
