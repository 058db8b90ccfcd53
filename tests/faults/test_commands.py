"""Mistakes on the command line: each is one line that says what is wrong, and leaves nothing behind.

Rows are a command, its exit status, and words of the message. ``run``, ``li.extxyz`` and so on are made by ``place``.
"""

import os
import shlex
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write

from ase_mlffvv.cli import main

DUMP = """ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS pp pp pp
0 9
0 9
0 9
ITEM: ATOMS id type x y z
1 1 0 0 0
2 1 0 0 3
"""
DATA = """a cell of lithium

2 atoms
1 atom types
0 9 xlo xhi
0 9 ylo yhi
0 9 zlo zhi

Atoms # atomic

1 1 0 0 0
2 1 0 0 3
"""
RECIPE = '{"structures": [{"file": "li.extxyz", "temperature": 300, "time": 0.01}], "calculator": "vv"%s}'
TEXTS = {
    'notes.txt': 'milk, bread\n',
    'empty.xyz': '',
    'broken.extxyz': '3\nProperties=species:S:1:pos:R:3\nLi 0 0 0\nLi 0 x 0\nLi 0 0 9\n',
    'short.extxyz': '3\nProperties=species:S:1:pos:R:3\nLi 0 0 0\n',
    'run.dump': DUMP,
    'cell.lmp': DATA,
    'list.json': '[1, 2]',
    'deep.json': '[' * 100_000,
    'wrong.vv': 'milk, bread\n',
    'full/mine.txt': 'mine',
    'bad/recipe.json': '{"structures": [',
    'odd/recipe.json': RECIPE % ', "colour": 1',
    'few/recipe.json': '{"calculator": "vv"}',
    'lost/recipe.json': RECIPE % '',
}


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """A folder of files with and without faults, and a finished run."""
    folder = tmp_path_factory.mktemp('commands')
    for name, text in TEXTS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / 'nothing').mkdir()
    lithium = bulk('Li', cubic=True) * (2, 2, 2)
    write(folder / 'li.extxyz', lithium)
    write(folder / 'two.extxyz', [lithium, lithium])
    write(folder / 'changes.extxyz', [lithium, bulk('Li', cubic=True)])
    write(folder / 'cu.extxyz', bulk('Cu', cubic=True))
    labelled = lithium.copy()
    labelled.info['REF_energy'] = -30.0
    write(folder / 'train.extxyz', [labelled, labelled])
    shipped = (files('ase_mlffvv.potentials') / 'li-pbe-2-fast.vv').read_bytes()
    (folder / 'cut.vv').write_bytes(shipped[: len(shipped) // 2])
    before = os.getcwd()
    os.chdir(folder)
    try:
        assert main(shlex.split('run --structure li.extxyz --time 0.02 --threads 1 -o run')) == 0
    finally:
        os.chdir(before)
    return folder


RUN = [
    ('run --structure none.cif -o r', 1, "there is no file 'none.cif'"),
    ('run --structure empty.xyz -o r', 1, "'empty.xyz' is empty"),
    ('run --structure nothing -o r', 1, "'nothing' is a folder"),
    ('run --structure notes.txt -o r', 1, "'notes.txt' is not of a format that can be recognized; --format"),
    ('run --structure notes.txt --format vasp -o r', 1, "'notes.txt' cannot be read as vasp, structure 0"),
    ('run --structure li.extxyz --format magic -o r', 1, "ASE reads no format 'magic'"),
    ('run --structure broken.extxyz -o r', 1, "'broken.extxyz' cannot be read as extxyz, structure 0"),
    ('run --structure short.extxyz -o r', 1, "'short.extxyz'"),
    ('run --structure li.extxyz@7 -o r', 1, "'li.extxyz@7'"),
    ('run --structure cu.extxyz -o r', 1, 'the structure contains Cu'),
    ('run --structure cell.lmp -o r', 1, 'does not name their elements; --types Li'),
    ('run --structure cell.lmp --types Na -o r', 1, 'the structure contains Na'),
    ('run --structure cell.lmp --types Xx -o r', 1, "types must be chemical symbols such as Li, got 'Xx'"),
    ('run --structure run.dump -o r', 1, 'does not name their elements; --types Li'),
    ('run --structure li.extxyz --types Li -o r', 1, "'li.extxyz' has the format extxyz"),
    ('run --types Li -o r', 1, '--format and --types describe the file of --structure'),
    ('run --structure li.extxyz --diameter 3 -o r', 1, '--diameter cannot be given with --structure'),
    ('run --structure li.extxyz --shape column --box 4 -o r', 1, '--shape, --box cannot be given with --structure'),
    ('run --shape training --height 4 -o r', 1, '--height cannot be given with --shape training'),
    ('run --thermostat none --taut 100 -o r', 1, '--taut is a setting of a thermostat'),
    ('run --thermostat nose -o r', 1, 'thermostat must be one of berendsen, csvr, langevin, none'),
    ('run --dynamics ase --thermostat csvr -o r', 1, "dynamics='ase' has the thermostat berendsen alone"),
    ('run --dynamics gpu -o r', 1, 'dynamics must be one of auto, ase, native'),
    ('run --trajectory xyz -o r', 1, 'trajectory must be one of auto, extxyz, packed'),
    ('run --temperature -5 -o r', 1, 'temperature must be positive'),
    ('run --temperature nan -o r', 1, 'temperature must be positive'),
    ('run --temperature warm -o r', 2, "argument --temperature: invalid float value: 'warm'"),
    ('run --timestep 0 -o r', 1, 'timestep must be positive'),
    ('run --taut inf -o r', 1, 'taut must be positive'),
    ('run --time -1 -o r', 1, 'time must be positive'),
    ('run --time nan -o r', 1, 'time must be positive'),
    ('run --time inf -o r', 1, 'time must be positive'),
    ('run --time 0.0005 -o r', 1, 'time must be at least one time step of 2 fs, got 0.0005 ps'),
    ('run --frame-interval 0 -o r', 1, 'frame_interval must be a whole number'),
    ('run --checkpoint-interval 0 -o r', 1, 'checkpoint_interval must be a whole number'),
    ('run --frame-interval 50 --log-interval 7 -o r', 1, 'log_interval must divide frame_interval (50), got 7'),
    ('run --frame-interval 2.5 -o r', 2, "argument --frame-interval: invalid int value: '2.5'"),
    ('run --diameter 0 -o r', 1, 'diameter'),
    ('run --box 3 --diameter 6 -o r', 1, 'box'),
    ('run --shape sphere -o r', 2, "argument --shape: invalid choice: 'sphere'"),
    ('run --device abacus -o r', 1, "device must be 'cpu' or 'cuda'"),
    ('run --engine abacus -o r', 2, "argument --engine: invalid choice: 'abacus'"),
    ('run --model none.vv -o r', 1, "'none.vv' does not exist"),
    ('run --model wrong.vv -o r', 1, "'wrong.vv'"),
    ('run --model cut.vv -o r', 1, "'cut.vv'"),
    ('run --model nothing -o r', 1, 'the PWMLFF folder lacks fread_dfeat/feat.info'),
    ('run --structure li.extxyz -o li.extxyz', 1, "'li.extxyz' is a file; give the name of a folder"),
    ('run --structure li.extxyz -o full', 1, "'full' is not empty and does not hold a run"),
    ('run --structure li.extxyz -o run', 1, "'run' already holds a run. Continue it with --restart run"),
    ('run --restart none', 1, "'none' does not hold a run"),
    ('run --restart full', 1, "'full' does not hold a run: settings.json is missing"),
    ('run --restart li.extxyz', 1, "'li.extxyz' does not hold a run"),
    ('run --restart run --temperature 300', 1, '--temperature (before: 250.0, now: 300.0)'),
    ('run --restart run --overwrite', 1, '--overwrite'),
    ('run --restart run -o other', 1, '--output (before: run, now: other)'),
    ('run --restart run --structure cu.extxyz', 1, '--structure (before: '),
    ('run --restart run --format vasp', 1, '--format and --types describe the file of --structure'),
    ('run --restart run --time 0.002', 1, 'has 10 steps already, got a new total of 1'),
    ('run --restart run --time nan', 1, 'time must be positive'),
    ('run --restart run --model none.vv', 1, "'none.vv' does not exist"),
    ('run --restart run --time many', 2, "argument --time: invalid float value: 'many'"),
]
ANALYSE = [
    ('analyse none.extxyz', 1, "there is no trajectory 'none.extxyz'"),
    ('analyse empty.xyz', 1, "'empty.xyz' is empty"),
    ('analyse nothing', 1, "'nothing' is a folder"),
    ('analyse notes.txt', 1, "'notes.txt' is not of a format that can be recognized"),
    ('analyse nothing --format bundletrajectory', 1, 'may contain pickled objects'),
    ('analyse li.extxyz --format magic', 1, "ASE reads no format 'magic'"),
    ('analyse run.dump', 1, 'does not name their elements; --types Li'),
    ('analyse li.extxyz --types Li', 1, "'li.extxyz' has the format extxyz"),
    ('analyse li.extxyz --types Stone', 1, "got 'Stone'"),
    ('analyse li.extxyz --frame-time 0', 1, 'frame_time_ps must be positive'),
    ('analyse li.extxyz --frame-time nan', 1, 'frame_time_ps must be positive'),
    ('analyse li.extxyz --timestep -2', 1, 'timestep_fs must be positive'),
    ('analyse li.extxyz --frame-time 1 --timestep 2', 1, '--timestep cannot be given with --frame-time'),
    ('analyse li.extxyz --frame-time soon', 2, "argument --frame-time: invalid float value: 'soon'"),
    ('analyse li.extxyz --pictures 0', 1, 'pictures must be 1 or more'),
    ('analyse li.extxyz --cn8 both', 2, "argument --cn8: invalid choice: 'both'"),
    ('analyse li.extxyz -o li.extxyz', 1, "'li.extxyz' is a file"),
    ('analyse li.extxyz -o full', 1, "'full' is not empty and does not hold a report"),
    ('analyse', 2, 'the following arguments are required: trajectory'),
]
FIT = [
    ('fit none.extxyz -o m.vv', 1, "there is no file 'none.extxyz'"),
    ('fit empty.xyz -o m.vv', 1, "'empty.xyz' is empty"),
    ('fit notes.txt -o m.vv', 1, "'notes.txt' is not of a format that can be recognized"),
    ('fit li.extxyz -o m.vv', 1, 'li.extxyz frame 0: no energy, forces or atomic energies to fit'),
    ('fit train.extxyz', 2, 'the following arguments are required: -o/--output'),
    ('fit train.extxyz -o wrong.vv', 1, "'wrong.vv' exists already; give another name, or --overwrite"),
    ('fit train.extxyz -o nothing', 1, "'nothing' is a folder"),
    ('fit train.extxyz -o train.extxyz --overwrite', 1, "'train.extxyz' is one of the files to read"),
    ('fit train.extxyz -o m.vv --set terms', 1, "expected KEY=VALUE, got 'terms'"),
    ('fit train.extxyz -o m.vv --set =5', 1, "expected KEY=VALUE, got '=5'"),
    ('fit train.extxyz -o m.vv --set terms=5 terms=6', 1, "'terms' is given twice"),
    ('fit train.extxyz -o m.vv --set nterms=5', 1, 'unknown settings nterms'),
    ('fit train.extxyz -o m.vv --set cutoff=-1', 1, 'cutoff'),
    ('fit train.extxyz -o m.vv --set elements=["Xx"]', 1, 'Xx'),
    ('fit train.extxyz -o m.vv --spec none.json', 1, "'none.json': No such file or directory"),
    ('fit train.extxyz -o m.vv --spec notes.txt', 1, "'notes.txt' is not a JSON file"),
    ('fit train.extxyz -o m.vv --spec list.json', 1, "'list.json' must contain the settings of VVSpec"),
    ('fit train.extxyz -o m.vv --spec deep.json', 1, "'deep.json' is not a JSON file"),
    ('fit train.extxyz -o m.vv --recipe slow', 2, "argument --recipe: invalid choice: 'slow'"),
    ('fit train.extxyz -o m.vv --weights force=5', 1, 'force'),
    ('fit train.extxyz -o m.vv --weights forces', 1, "expected KEY=VALUE, got 'forces'"),
    ('fit train.extxyz -o m.vv --test li.extxyz --validation 0.1', 1, '--validation cannot be given with --test'),
    ('fit train.extxyz -o m.vv --test none.extxyz', 1, "there is no file 'none.extxyz'"),
    ('fit train.extxyz -o m.vv --validation 1.5', 1, 'validation'),
    ('fit train.extxyz -o m.vv --start none.vv', 1, "'none.vv' does not exist"),
    ('fit train.extxyz -o m.vv --start wrong.vv', 1, "'wrong.vv'"),
    ('fit train.extxyz -o m.vv --start li-pbe-1 --recipe fast', 1, '--start keeps the features of its model'),
    ('fit train.extxyz -o m.vv --start li-pbe-1 --stride 2', 1, '--start keeps the features of its model'),
]
EVALUATE = [
    ('evaluate', 2, 'the following arguments are required: data'),
    ('evaluate none.extxyz', 1, "there is no file 'none.extxyz'"),
    ('evaluate notes.txt', 1, "'notes.txt' is not of a format that can be recognized"),
    ('evaluate li.extxyz', 1, 'no energy, forces or atomic energies to fit'),
    ('evaluate train.extxyz --model none.vv', 1, "'none.vv' does not exist"),
    ('evaluate train.extxyz --model cut.vv', 1, "'cut.vv'"),
    ('evaluate train.extxyz --json train.extxyz', 1, "'train.extxyz' is one of the files to read"),
    ('evaluate train.extxyz --json nothing', 1, "'nothing' is a folder"),
    ('info none.vv', 1, "'none.vv' does not exist"),
    ('info wrong.vv', 1, "'wrong.vv'"),
    ('info cut.vv', 1, "'cut.vv'"),
    ('info nothing', 1, 'the PWMLFF folder lacks fread_dfeat/feat.info'),
    ('info li-pbe-2-fast more', 2, 'unrecognized arguments: more'),
]
VALIDATE = [
    ('validate none.vv -o v', 1, "'none.vv' does not exist"),
    ('validate wrong.vv -o v', 1, "'wrong.vv'"),
    ('validate --calculator abinit -o v', 1, "no calculator 'abinit'"),
    ('validate li-pbe-1 --calculator emt -o v', 1, "give a model ('li-pbe-1') or --calculator, not both"),
    ('validate --settings a=1 -o v', 1, '--settings are those of --calculator'),
    ('validate --calculator emt --threads 2 -o v', 1, '--threads cannot be given with --calculator'),
    ('validate --calculator emt --device cuda --engine cuda -o v', 1, '--device, --engine cannot be given with'),
    ('validate --quick --melting -o v', 1, '--melting cannot be given with --quick'),
    ('validate --only weather -o v', 1, 'weather'),
    ('validate --only melting --quick -o v', 1, 'nothing to compute'),
    ('validate --device abacus -o v', 1, "device must be 'cpu' or 'cuda'"),
    ('validate --seed x -o v', 2, "argument --seed: invalid int value: 'x'"),
    ('validate --only lattice -o full', 1, "'full' is not empty"),
]
CUT = [
    ('cut none.extxyz -o c', 1, "there is no file 'none.extxyz'"),
    ('cut notes.txt -o c', 1, "'notes.txt' is not of a format that can be recognized"),
    ('cut two.extxyz -o c --frames 5:9', 1, "'two.extxyz' contains no structures in the range 5:9"),
    ('cut two.extxyz -o c --frames 7', 1, "'two.extxyz'"),
    ('cut two.extxyz -o c --frames all', 1, "'two.extxyz'"),
    ('cut run.dump -o c', 1, 'does not name their elements; --types Li'),
    ('cut cu.extxyz -o c', 1, 'the structure contains Cu'),
    ('cut li.extxyz -o c --start li.extxyz', 1, '--start is the structure with which --select change compares'),
    ('cut li.extxyz -o c --select change --start none.extxyz', 1, "there is no file 'none.extxyz'"),
    ('cut li.extxyz -o c --model none.vv', 1, "'none.vv' does not exist"),
    ('cut li.extxyz -o c --select both', 2, "argument --select: invalid choice: 'both'"),
    ('cut li.extxyz', 2, 'the following arguments are required: -o/--output'),
    ('cut li.extxyz -o full', 1, "'full' is not empty and does not hold cut-outs"),
    ('cut li.extxyz -o li.extxyz', 1, "'li.extxyz' is a file"),
]
LABEL = [
    ('label none.extxyz -o l --calculator emt', 1, "there is no file 'none.extxyz'"),
    ('label empty.xyz -o l --calculator emt', 1, "'empty.xyz' is empty"),
    ('label notes.txt -o l --calculator emt', 1, "'notes.txt' is not of a format that can be recognized"),
    ('label run.dump -o l --calculator vv', 1, 'does not name their elements; --types Li'),
    ('label li.extxyz -o l', 2, 'the following arguments are required: --calculator'),
    ('label li.extxyz -o l --calculator abinit', 1, "no calculator 'abinit'"),
    ('label li.extxyz -o l --calculator :', 1, "no calculator ':'"),
    ('label li.extxyz -o l --calculator no_such_module:make', 1, "No module named 'no_such_module'"),
    ('label li.extxyz -o l --calculator os:make', 1, "module 'os' has no 'make'"),
    ('label li.extxyz -o l --calculator os:path', 1, 'not a function'),
    ('label li.extxyz -o l --calculator gpaw', 1, "calculator 'gpaw' needs gpaw, which is not installed"),
    ('label li.extxyz -o l --calculator emt --settings ecut', 1, "expected KEY=VALUE, got 'ecut'"),
    ('label li.extxyz -o l --calculator emt --settings ecut=3', 1, "unexpected keyword argument 'ecut'"),
    ('label li.extxyz -o l --calculator emt --processes 0', 1, 'processes must be a whole number'),
    ('label li.extxyz -o l --calculator emt --processes two', 2, "argument --processes: invalid int value: 'two'"),
    ('label li.extxyz -o full --calculator emt', 1, "'full' is not empty and does not hold labels"),
    ('label li.extxyz -o li.extxyz --calculator emt', 1, "'li.extxyz' is a file"),
    ('learn none', 1, 'recipe.json'),
    ('learn nothing', 1, 'recipe.json'),
    ('learn bad', 1, 'recipe.json'),
    ('learn odd', 1, 'unknown entries colour'),
    ('learn few', 1, 'missing entries structures'),
    ('learn lost', 1, 'li.extxyz'),
    ('learn', 2, 'the following arguments are required: folder'),
    ('study none.yaml', 1, 'none.yaml'),
    ('study notes.txt', 1, 'notes.txt'),
    ('study', 2, 'the following arguments are required: plan'),
    ('compare run', 1, 'expected runs of two or more folders'),
    ('compare none nothing', 1, 'none'),
    ('compare', 2, 'the following arguments are required: runs'),
    ('convert none.extxyz a.dump', 1, "there is no file 'none.extxyz'"),
    ('convert notes.txt a.dump', 1, "'notes.txt' is not of a format that can be recognized"),
    ('convert li.extxyz li.extxyz', 1, "'li.extxyz' is one of the files to read"),
    ('convert li.extxyz wrong.vv', 1, "'wrong.vv' exists already"),
    ('convert run.dump a.extxyz', 1, 'does not name their elements; --types Li'),
    ('convert li.extxyz a.dump --types Xx', 1, 'Xx'),
    ('models li-pbe-1', 2, 'unrecognized arguments: li-pbe-1'),
    ('completion fish', 2, "argument shell: invalid choice: 'fish'"),
    ('', 2, 'the following arguments are required: command'),
    ('simulate', 2, "invalid choice: 'simulate'"),
    ('run --colour red', 2, 'unrecognized arguments: --colour red'),
]
ROWS = [*RUN, *ANALYSE, *FIT, *EVALUATE, *VALIDATE, *CUT, *LABEL]


def listing(folder):
    """Names and contents of all files but locks."""
    return {str(p): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob('*')) if p.name[0] != '.'}


@pytest.mark.parametrize(('command', 'status', 'words'), ROWS, ids=[row[0] for row in ROWS])
def test_mistake(place, command, status, words, monkeypatch, capsys):
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, 'path', sys.path[:])
    monkeypatch.setitem(sys.modules, 'gpaw', None)  # as if it were not installed
    before = listing(place)
    try:
        found = main(shlex.split(command))
    except SystemExit as end:  # of argparse
        found = end.code
    out, err = capsys.readouterr()
    assert found == status, err
    assert words in ' '.join(err.split())
    assert 'Traceback' not in err
    if status == 1:
        last = err.strip().splitlines()[-1]
        assert last.startswith(f'mlffvv {command.split()[0]}: '), 'the error is the last line'
        assert len(last) < 700
    assert out == ''
    assert listing(place) == before, 'a command that is refused leaves everything as it was'


def test_there_are_enough():
    assert len(ROWS) == len({row[0] for row in ROWS}) > 170


def test_a_fault_of_the_program_is_told_as_such(monkeypatch, capsys):
    def faulty(args):
        raise KeyError('colour')

    monkeypatch.setattr('ase_mlffvv.cli.info.run', faulty)
    assert main(['info']) == 70
    assert "mlffvv info: this should not happen: KeyError: 'colour'. Please report it" in capsys.readouterr().err
    with pytest.raises(KeyError):
        main(['info', '--verbose'])


def test_too_little_memory(monkeypatch, capsys):
    def greedy(args):
        raise MemoryError

    monkeypatch.setattr('ase_mlffvv.cli.info.run', greedy)
    assert main(['info']) == 1
    assert 'mlffvv info: there is too little memory' in capsys.readouterr().err


def test_files_of_lammps_are_read(place, tmp_path, capsys):
    from ase.io import read

    for name in ('cell.lmp', 'run.dump'):
        out = tmp_path / name
        assert main(['run', '--structure', str(place / name), '--types', 'Li', '--time', '0.002', '-o', str(out),
                     '--on-extrapolation', 'ignore']) == 0  # fmt: skip
        atoms = read(out / 'trajectory.extxyz')
        assert str(atoms.symbols) == 'Li2'
        np.testing.assert_allclose(np.diag(atoms.cell), 9)


@pytest.mark.parametrize('name', sorted(TEXTS))
def test_rows_use_all_files(name):
    assert any(Path(name).parts[0] in row[0] for row in ROWS)
