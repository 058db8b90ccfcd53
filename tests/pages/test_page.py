"""Pages and their parts as HTML and numbers, without a browser."""

import base64
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from ase_mlffvv.pages import Curve, Page, Panel, figure, linked_charts, plot_style, running_mean
from ase_mlffvv.pages.atoms import STEPS, Colour, atoms_view
from ase_mlffvv.pages.style import PALETTE


def example(n=50):
    """A page with all kinds of parts; the text holds what HTML would take as its own."""
    page = Page('A <test> & more', 'Lead.')
    page.heading('First')
    page.text('a < b & c')
    page.items(['one', '<two>'])
    page.table(['name', 'value'], [['a', '2'], ['b', '10'], ['<c>', ('–', 0.5)]], 'Numbers')
    page.heading('Second')
    t = np.linspace(0, 10, n)
    panels = [Panel('height (Å)', [Curve('height', 10 - t), Curve('other', np.sin(t), band=(t - 1, t + 1))], 1)]
    page.charts(linked_charts(t, panels, marks=[3.0], spans=[(5, 7)]), [panels[0].describe(t, 'ps')])
    frames = [bulk('Li', cubic=True) * (2, 2, 2) for _ in range(3)]
    for k, atoms in enumerate(frames):
        atoms.positions[:, 2] += k
        atoms.arrays['kind'] = np.arange(len(atoms)) % 2
        atoms.arrays['energy'] = np.linspace(-1, 1, len(atoms)) + k
    colours = [Colour('energy', 'energy (eV)'), Colour('kind', 'kind', {0: ((1, 0, 0), 'even'), 1: ((0, 0, 1), 'odd')}),
               Colour('absent', 'not there')]  # fmt: skip
    page.heading('Atoms')
    page.atoms(atoms_view(frames, ['0 ps', '5 ps', '10 ps'], colours, times=[0, 5, 10]), 'Sixteen atoms rise by 2 Å')
    with plot_style():
        drawing = figure(3, 2)
        drawing.subplots().plot([1, 2])
    page.picture(drawing, 'A line rises', 'A caption')
    return page


class Tags(HTMLParser):
    """All tags with their attributes, and whether they are closed in order."""

    VOID = ('meta', 'link', 'img', 'input', 'br')

    def __init__(self):
        super().__init__()
        self.found, self.open = [], []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def tags(text):
    parser = Tags()
    parser.feed(text)
    assert parser.open == []
    return parser.found


def test_a_page_is_one_well_formed_file(tmp_path):
    example().save(tmp_path / 'page.html')
    text = (tmp_path / 'page.html').read_text(encoding='utf-8')
    found = tags(text)
    assert not [a for _, a in found for name in ('src', 'href') if not a.get(name, '#').startswith(('data:', '#'))]
    assert ('meta', {'name': 'viewport', 'content': 'width=device-width, initial-scale=1'}) in found
    assert 'A &lt;test&gt; &amp; more' in text
    assert '<two>' not in text
    assert [a['alt'] for tag, a in found if tag == 'img'] == ['A line rises']
    charts = [a['aria-label'] for _, a in found if a.get('class') == 'chart']
    assert charts == ['height (Å): height from 10.0 at 0 ps to 0.0 at 10 ps, between 0.0 and 10.0; other from 0.0 at 0 '
                      'ps to -0.5 at 10 ps, between -1.0 and 1.0']  # fmt: skip
    assert [a['aria-label'] for tag, a in found if tag == 'canvas'] == ['Sixteen atoms rise by 2 Å']
    assert re.search(r'<td data-value="0.5">–</td>', text)
    assert len(text) < 2_500_000


def test_a_page_without_charts_needs_no_library():
    page = Page('Words')
    page.text('Only.')
    text = page.render()
    assert len(text) < 20_000
    assert 'bokeh' not in text.lower().split('<script>')[0]


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda page: page.table(['a', 'b'], [['1']]), 'each row must have 2 cells'),
        (lambda page: page.picture(b'', ' '), 'alternative text'),
        (lambda page: page.charts([object()], []), 'needs an alternative text'),
        (lambda page: linked_charts([], []), 'x must hold one finite number'),
        (lambda page: running_mean([1.0, 2.0], 2), 'odd number'),
        (lambda page: atoms_view([], [], []), 'expected frames of equally many atoms'),
        (lambda page: atoms_view([bulk('Li'), bulk('Li') * 2], ['a', 'b'], []), 'expected frames of equally many'),
    ],
)
def test_mistakes_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(Page('x'))


def test_running_means_keep_lines_and_leave_out_gaps():
    np.testing.assert_allclose(running_mean(np.arange(60.0)), np.arange(60.0))
    values = np.array([0, 3, np.nan, 3, 0, 6.0])
    np.testing.assert_allclose(running_mean(values, 3), [0, 1.5, 3, 1.5, 3, 6])
    assert np.isnan(running_mean([np.nan] * 3, 1)).all()


def test_the_view_holds_what_the_atoms_hold():
    rng = np.random.default_rng(0)
    frames = [bulk('Li', cubic=True) * (3, 3, 3) for _ in range(2)]
    for atoms in frames:
        atoms.rattle(0.3, rng=rng)
        atoms.arrays['grain'] = rng.integers(-1, 3, len(atoms))
        atoms.arrays['energy'] = rng.normal(size=len(atoms))
    frames[0].arrays['energy'][5] = np.nan
    view = atoms_view(frames, ['a', 'b'], [Colour('grain', 'grain', {-1: ((0, 0, 0), 'none')}), Colour('energy', 'E')])
    head, n = json.loads(view.json), 54
    assert (head['n'], head['total'], head['order']) == (n, n, [0, 2, 1])
    assert base64.b64decode(view.base64) == view.data
    words = np.frombuffer(view.data, '<u2', 2 * n * 4)
    positions = np.array(head['low']) + words[: 2 * n * 3].reshape(2, n, 3) * head['scale']
    np.testing.assert_allclose(positions, [atoms.positions for atoms in frames], atol=1e-3)
    raw, energy = words[2 * n * 3 :].reshape(2, n), head['arrays'][1]
    assert raw[0, 5] == STEPS + 1
    np.testing.assert_allclose(energy['low'] + raw[1] * energy['step'], frames[1].arrays['energy'], atol=1e-4)
    grains = np.frombuffer(view.data, np.uint8)[-2 * n :].reshape(2, n)
    np.testing.assert_array_equal(grains.astype(np.int8), [atoms.arrays['grain'] for atoms in frames])
    assert list(head['arrays'][0]['values']) == ['255']


def test_a_large_system_is_thinned():
    atoms = bulk('Li', cubic=True) * (5, 5, 5)
    view = atoms_view([atoms, atoms], ['a', 'b'], [], budget=1000)
    assert view.shown == 84  # every third of 250
    assert len(view.data) <= 1024


MACHADO = {
    'full': np.eye(3),
    'protan': [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    'deutan': [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
}


def seen_by(rgb, kind):
    """Colour as seen without the long or middle cones, in linear RGB (Machado et al. 2009, severity 1)."""
    matrix = MACHADO[kind]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.clip(np.asarray(matrix) @ linear, 0, 1) ** (1 / 2.4)


@pytest.mark.parametrize('kind', ['full', 'protan', 'deutan'])
def test_colours_are_told_apart_without_full_colour_vision(kind):
    from matplotlib.colors import to_rgb
    from mlffvv_analysis.colours import CLASS_COLOURS, GRAIN_COLOURS, PHASE_COLOURS

    sets = [[to_rgb(c) for c in PALETTE[:4]], list(CLASS_COLOURS.values()), list(PHASE_COLOURS.values()), GRAIN_COLOURS]
    for colours in sets:
        seen = [seen_by(np.array(c), kind) for c in colours]
        gaps = [np.linalg.norm(a - b) for k, a in enumerate(seen) for b in seen[:k]]
        assert min(gaps) > 0.12
    red_green = [seen_by(np.array(c), 'deutan') for c in ((0.9, 0.35, 0.3), (0.4, 0.75, 0.35))]
    assert np.linalg.norm(red_green[0] - red_green[1]) < 0.45  # what the sets above avoid


def test_ten_thousand_atoms_and_eight_frames_fit_a_page():
    rng = np.random.default_rng(0)
    frames = []
    for _ in range(8):
        atoms = Atoms('Li10000', positions=rng.normal(size=(10_000, 3)) * 40)
        atoms.arrays.update({f'real{k}': rng.normal(size=10_000) for k in range(4)})
        atoms.arrays.update({f'whole{k}': rng.integers(0, 4, 10_000) for k in range(3)})
        frames.append(atoms)
    colours = [Colour(f'real{k}', 'x') for k in range(4)] + [
        Colour(f'whole{k}', 'x', {n: ((n / 4, 0, 0), str(n)) for n in range(4)}) for k in range(3)
    ]
    page = example(2000)
    page.atoms(atoms_view(frames, [str(k) for k in range(8)], colours), 'many atoms')
    size = len(page.render().encode())
    assert 1_000_000 < size < 6_000_000  # 15 MB are allowed
