"""The pages of the documentation: their code runs, their commands exist, and their files and links are there."""

import re
import shutil

import pytest

from ase_mlffvv.cli import main, parser

from .documents import NEEDLE, ROOT, SHORTER, blocks, commands, prepare, run_blocks

DOCS = ROOT / 'docs'
MADE = {'_build', '_ext', 'api', 'potentials', 'tutorials'}  # folders that the build writes, or programs
PAGES = [p for p in sorted(DOCS.rglob('*.md')) if p.relative_to(DOCS).parts[0] not in MADE]
WITH_CODE = [p for p in PAGES if any(language in ('python', 'sh') for _, language, _, _ in blocks(p.read_text()))]
REASONS = ('GPAW', 'PWmat', 'needs ', 'long: ')  # why a block may be left out
TRAJECTORY = pytest.mark.filterwarnings('ignore::ase_mlffvv.errors.ExtrapolationWarning')


def name(path):
    return str(path.relative_to(DOCS).with_suffix(''))


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """Files that pages take for granted: labelled structures, and a run."""
    folder = tmp_path_factory.mktemp('docs')
    prepare(folder)
    assert main(['run', *NEEDLE, '--frame-interval', '10', '-o', str(folder / 'column')]) == 0
    shutil.copytree(folder / 'column', folder / 'needle')
    return folder


@TRAJECTORY
@pytest.mark.parametrize('path', WITH_CODE, ids=name)
def test_blocks_run_in_order(path, files, tmp_path, monkeypatch, capsys):
    for package in ('ovito', 'pandas', 'ruptures', 'sklearn'):
        pytest.importorskip(package, reason='the extra analysis is not installed')
    monkeypatch.chdir(tmp_path)
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    if 'mlffvv run --preset' in path.read_text():  # a page that makes the run
        shutil.rmtree('column')
        shutil.rmtree('needle')
    ran, skipped = run_blocks(path)
    assert all(why.startswith(REASONS) for why in skipped), skipped
    assert ran or skipped or not any(language == 'python' for _, language, _, _ in blocks(path.read_text()))


def test_each_command_that_can_be_short_runs_on_some_page():
    text = '\n'.join(p.read_text() for p in PAGES)
    lines = [' '.join(words) for _, language, block, _ in blocks(text) if language == 'sh' for words in commands(block)]
    assert not [start for start in SHORTER if not any(line.startswith(start) for line in lines)]


@pytest.mark.parametrize('path', PAGES, ids=name)
def test_commands_and_programs_exist(path):
    text = path.read_text()
    for _, language, block, _ in blocks(text):
        for words in commands(block) if language == 'sh' else ():
            parser().parse_args(words)
    for code in re.findall(r'`(mlffvv \w+ [^`]*)`', text):
        if '...' not in code and '--help' not in code:
            parser().parse_args(*commands(code))
    for program in re.findall(r'python (-m (?:benchmarks|recipes|studies)\.[\w.]+|\w+/\w+\.py)', text):
        file = program.removeprefix('-m ').replace('.', '/') + '.py' if program.startswith('-m') else program
        assert (ROOT / file).exists(), program
    makefile = (ROOT / 'Makefile').read_text()
    for target in re.findall(r'^make (\w+)', text, re.M):
        assert f'\n{target}:' in makefile


@pytest.mark.parametrize('path', PAGES, ids=name)
def test_links_lead_to_files(path):
    text = re.sub(r'^```.*?^```', '', path.read_text(), flags=re.S | re.M)
    for link in re.findall(r'\]\(([^)\s]+)\)', text):
        if link.startswith(('http', '#')):
            continue
        target = (path.parent / link.partition('#')[0]).resolve()
        made = target.relative_to(DOCS).parts[0] if target.is_relative_to(DOCS) else ''
        if made == 'tutorials':
            target = ROOT / 'tutorials' / target.name
        assert target.exists() or made == 'api', f'{path}: {link}'
