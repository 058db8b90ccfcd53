"""How to start PWmat on this machine."""

from __future__ import annotations

import re

from ase.calculators.calculator import BadConfiguration
from ase.calculators.genericfileio import BaseProfile


class PWmatProfile(BaseProfile):
    """Command, folder of pseudopotentials and division of the processors.

    It can be set in the configuration file of ASE (``~/.config/ase/config.ini``, or the file named by
    ASE_CONFIG_PATH)::

        [pwmat]
        command = mpirun -np 4 PWmat
        pseudo_dir = /home/me/NCPP-SG15-PBE
        nodes = 4 1

    Parameters
    ----------
    command : str
        Command, which is not passed to a shell: put ``module load`` and the like into a script.
    pseudo_dir : path, optional
        Folder with a UPF file for each element.
    nodes : (int, int)
        First line of etot.input: number of processors that share the plane waves, and number of groups of k-points.
    """

    configvars = {'pseudo_dir', 'nodes'}

    def __init__(self, command='PWmat', pseudo_dir=None, nodes=(1, 1)):
        super().__init__(str(command))
        self.pseudo_dir = None if pseudo_dir is None else str(pseudo_dir)
        self.nodes = self._checked(nodes)

    def _checked(self, nodes):
        try:
            pair = tuple(int(n) for n in (nodes.split() if isinstance(nodes, str) else nodes))
        except (TypeError, ValueError):
            pair = ()
        if len(pair) != 2 or min(pair) < 1:
            raise BadConfiguration(f'nodes must be two whole numbers such as (4, 1), got {nodes!r}')
        ranks = re.search(r'\s-(?:n|np)\s+(\d+)(?=\s)', self.command)
        if ranks and int(ranks[1]) != pair[0] * pair[1]:
            raise BadConfiguration(
                f"'{self.command}' starts {ranks[1]} processes, but nodes {pair[0]} and {pair[1]} are for "
                f'{pair[0] * pair[1]}: their product must be the number of processes'
            )
        return pair

    def get_calculator_command(self, inputfile):
        """PWmat reads ``etot.input`` in its working directory and takes no arguments."""
        return []

    def version(self):
        return None
