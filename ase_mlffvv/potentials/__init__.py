"""Potentials that come with the package, found by name, and what each is for."""

# use, and processor time of one thread in µs per atom and step (README, Speed: the paper's column, AMD EPYC, float64)
USES = {
    'li-pbe-2-fast': ('large and long runs (default)', 2.6),
    'li-pbe-2-accurate': ('energies and barriers', 11.0),
    'li-pbe-1': ("comparison with the paper's method", 37.0),
    'li-pbe-solvent-1': ('lithium in the electrolyte of the paper', 37.0),
}
