"""python -m ase_mlffvv.cli."""

import sys

from .main import main

sys.exit(main())
