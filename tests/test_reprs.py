"""Rich display of results in notebooks."""

from html.parser import HTMLParser

import pytest

from ase_mlffvv import VVPotential, VVSpec, fit
from ase_mlffvv.io.html import table
from ase_mlffvv.labelling import LabelSummary
from ase_mlffvv.model import find_potential

from .documents import labelled


class Cells(HTMLParser):
    """Texts of the cells; raises an error where tags are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts = [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ('td', 'th', 'caption') and data.strip():
            self.texts.append(data)


def test_a_table_escapes_its_texts():
    text = table([('<b>', 1.5, 'a & b')], head=['', 'x', 'y'], caption='<script>')
    assert '<b>' not in text
    assert '<script>' not in text
    assert Cells(text).texts == ['<script>', 'x', 'y', '<b>', '1.5', 'a & b']


@pytest.mark.parametrize('name', ['li-pbe-2-fast', 'li-pbe-1'])
def test_a_potential_shows_card_and_accuracy(name):
    texts = Cells(find_potential(name)._repr_html_()).texts
    assert texts[0].startswith(name)
    assert any(text.startswith('MAE: energy 0.') and 'forces' in text and 'meV/Å' in text for text in texts)
    assert {'functions', 'features', 'uncertainty', 'data', 'limits', 'errors, held out'} <= set(texts)


def test_a_potential_without_a_card():
    potential = find_potential('li-pbe-1')
    bare = VVPotential(potential.elements, potential.features, potential.blocks, potential.pair_term)
    texts = Cells(bare._repr_html_()).texts
    assert texts[0] == 'VVPotential'
    assert 'data' not in texts


def test_a_report_shows_fit_and_errors():
    _, report = fit(labelled(6, 0), VVSpec.recipe('fast', ['Li'], cutoff=4.5), validation=0.4, ridge=1e-6)
    texts = Cells(report._repr_html_()).texts
    assert {'Fit', 'training set: MAE / RMSE', 'validation set: MAE / RMSE', 'forces (meV/Å)'} <= set(texts)
    assert f'{report.train.mae("forces") * 1000:.3g} / {report.train.rmse("forces") * 1000:.3g}' in texts


def test_a_summary_of_labels(tmp_path):
    summary = LabelSummary(tmp_path, 5, labelled=3, computed=2, failed=[(4, 'd', 'no <convergence>')], seconds=7.0)
    texts = Cells(summary._repr_html_()).texts
    assert texts[:3] == ['Labels', 'structures', '5']
    assert 'structure 4' in texts
    assert any('<convergence>' in text for text in texts)
    assert texts[texts.index('not yet computed') + 1] == '1'


def test_a_verdict_shows_its_criteria():
    pytest.importorskip('pandas', reason='the extra analysis is not installed')
    from ase_mlffvv.studies.claims.criteria import Verdict, mean

    verdict = Verdict('C1', 'it < collapses', (mean('height', [10.0, 10.5, 10.2], 5.0, 20.0, unit='Å'),))
    texts = Cells(verdict._repr_html_()).texts
    assert texts[0] == 'C1 supported: it < collapses'
    assert texts[1:6] == ['criterion', 'found', 'accepted', 'result', 'height']
    assert texts[-2:] == ['5 to 20', 'supported']
