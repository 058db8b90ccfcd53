"""Interface of PWmat to ASE's generic calculators: write inputs, run, read results."""

from __future__ import annotations

from pathlib import Path
from subprocess import CalledProcessError

from ase.calculators.calculator import CalculationFailed
from ase.calculators.genericfileio import CalculatorTemplate

from .inputs import make_inputs
from .outputs import log_tail, read_scf
from .profile import PWmatProfile


class PWmatTemplate(CalculatorTemplate):
    """Template of :class:`.PWmat`."""

    def __init__(self, properties=('energy', 'free_energy', 'energies', 'forces', 'stress')):
        super().__init__('pwmat', properties)

    def write_input(self, profile, directory, atoms, parameters, properties):
        directory = Path(directory)
        make_inputs(atoms, parameters, profile, directory).write(directory)

    def execute(self, directory, profile):
        """Run PWmat; a failure raises CalculationFailed with the end of the log."""
        directory = Path(directory)
        try:
            profile.run(directory, 'etot.input', 'pwmat.out', errorfile='pwmat.err')
        except OSError as error:
            raise CalculationFailed(
                f"cannot start PWmat: '{profile.command}' ({error.strerror}). Give command='mpirun -np 4 PWmat', or "
                'set it in the section [pwmat] of the configuration file of ASE (~/.config/ase/config.ini).'
            ) from error
        except CalledProcessError as error:
            code = error.returncode
            how = f'was killed by signal {-code}' if code < 0 else f'ended with status {code}'
            raise CalculationFailed(
                f"PWmat ('{profile.command}') {how} in {directory.resolve()}.\n{log_tail(directory)}"
            ) from error

    def read_results(self, directory):
        return read_scf(directory)

    def load_profile(self, cfg, **kwargs):
        return PWmatProfile.from_config(cfg, self.name, **kwargs)
