"""python -m ase_mlffvv.cli."""

import sys

from . import main

sys.exit(main())
