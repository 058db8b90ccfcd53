"""python -m ase_mlffvv: the same as the command mlffvv."""

import sys

from .cli import main

sys.exit(main())
