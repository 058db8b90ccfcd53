"""The long description: README.md with absolute addresses, because a package index shows it without the repository."""

import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent


def long_description():
    """Text of README.md in which relative links and images point to this version in the repository."""
    config = ConfigParser(interpolation=None)
    config.read(ROOT / 'setup.cfg', encoding='utf-8')
    urls = dict(line.split(' = ') for line in config['metadata']['project_urls'].strip().split('\n'))
    version = re.search(r"__version__ = '(.*)'", (ROOT / 'ase_mlffvv' / '__init__.py').read_text(encoding='utf-8'))[1]
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    text = re.sub(r'(!\[[^]]*\]\()(?!https?:)', rf'\g<1>{urls["Source"]}/raw/v{version}/', text)
    return re.sub(r'((?<!!)\[[^]]*\]\()(?!https?:|#|.*/raw/)', rf'\g<1>{urls["Source"]}/blob/v{version}/', text)


setup(long_description=long_description(), long_description_content_type='text/markdown')
