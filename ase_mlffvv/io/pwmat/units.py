"""From the units and signs of PWmat to those of ASE.

================  ======================================  =============================================
quantity          in PWmat files                          in ASE
================  ======================================  =============================================
positions         fractions of the cell vectors           Å
"forces"          +dE/dR, eV/Å, under any spelling        forces -dE/dR, eV/Å
energy            E_tot = E_p + E_k, E_p, E_k, eV         energy E_p
"stress (eV)"     +dE/d(strain) of the whole cell         stress +dE/d(strain) / volume, eV/Å^3
velocities        Bohr/fs                                 Å sqrt(u/eV)
time              fs                                      fs, in ``info``
================  ======================================  =============================================

A positive stress pulls the cell together (tensile positive) on both sides. Some files labelled "stress (eV)" were
converted from other programs with the opposite sign; nothing in the file tells.
"""

from ase.units import Bohr, fs

VELOCITY = Bohr / fs  # times Bohr/fs gives ASE's unit
