import shlex
import sys
from pathlib import Path
from subprocess import CalledProcessError

import pytest

from ase_mlffvv.dft.pwmat import PWmat, PWmatProfile

from . import stand_in_pwmat

COMMAND = shlex.join([sys.executable, str(Path(stand_in_pwmat.__file__))])


class InProcess(PWmatProfile):
    """Calls the stand-in as a function, for tests with many structures."""

    fail = None

    def run(self, directory, inputfile, outputfile, errorfile=None, append=False):
        code = stand_in_pwmat.main(directory, self.fail)
        if code:
            raise CalledProcessError(code, self.command)


@pytest.fixture
def pseudo(tmp_path):
    """A folder of files named as pseudopotentials."""
    folder = tmp_path / 'NCPP-SG15-PBE'
    folder.mkdir()
    for name in ('Li.SG15.PBE.UPF', 'ONCV.PWM.O.UPF', 'H_ONCV_PBE-1.2.upf', 'readme.txt'):
        (folder / name).write_text(f'a stand-in for {name}\n')
    return folder


@pytest.fixture
def make(tmp_path, pseudo):
    """make(directory, ...): a calculator whose PWmat is the stand-in, called as a function."""

    def calculator(directory='run', fail=None, **settings):
        profile = InProcess('PWmat', pseudo, (1, 1))
        profile.fail = fail
        return PWmat(directory=tmp_path / directory, profile=profile, **settings)

    return calculator


@pytest.fixture
def make_process(tmp_path, pseudo):
    """The same, started as a program."""

    def calculator(directory='run', fail=None, **settings):
        command = f'{COMMAND} --fail {fail}' if fail else COMMAND
        return PWmat(directory=tmp_path / directory, command=command, pseudo_dir=pseudo, **settings)

    return calculator


def runs(calc):
    """How often the stand-in ran in the directory of a calculator."""
    path = calc.directory / 'runs'
    return len(path.read_text().split()) if path.exists() else 0
