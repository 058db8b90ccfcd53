"""Pages in headless Chromium: they load without errors, from a file alone, and react as they should."""

import os
import shutil

import numpy as np
import pytest
from mlffvv_analysis.report import report

from ..analysis.test_timeline import trajectory
from .test_page import example

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
FLAGS = ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader']
PATIENCE = 120_000  # ms: nothing is timed here, and the machine may be busy


@pytest.fixture(scope='module')
def browser():
    sync_api = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
    if CHROMIUM is None:
        pytest.skip('no Chromium: neither chromium nor google-chrome is on the path')
    with sync_api.sync_playwright() as p:
        running = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE)
        yield running
        running.close()


@pytest.fixture
def opened(browser):
    """Function that opens a file and returns the page and a list of its complaints and requests."""
    contexts = []

    def open_file(path, width=1200, height=900, **settings):
        context = browser.new_context(viewport={'width': width, 'height': height}, **settings)
        contexts.append(context)
        page, trouble = context.new_page(), []
        page.set_default_timeout(PATIENCE)
        page.on('console', lambda m: trouble.append(m.text) if m.type in ('error', 'warning') else None)
        page.on('pageerror', lambda error: trouble.append(str(error)))
        page.on('request', lambda r: None if r.url.startswith(('file:', 'data:', 'blob:')) else trouble.append(r.url))
        page.goto(f'file://{path}')
        page.wait_for_function('window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle')
        page.wait_for_function("document.querySelector('.atoms').dataset.drawn > 0")
        return page, trouble

    yield open_file
    for context in contexts:
        context.close()


def picture(page, selector):
    from io import BytesIO

    from matplotlib.image import imread

    return imread(BytesIO(page.locator(selector).first.screenshot(timeout=PATIENCE)))[..., :3]


def test_slider_colours_cursor_and_table(opened, tmp_path):
    example().save(tmp_path / 'page.html')
    page, trouble = opened(tmp_path / 'page.html')
    view = page.locator('.atoms')
    first = picture(page, '.stage')
    assert np.ptp(first.reshape(-1, 3), axis=0).min() > 0.5  # atoms, in colours
    page.locator('.frame').press('ArrowRight')
    assert view.get_attribute('data-frame') == '1'
    assert page.locator('.controls output').text_content() == '5 ps'
    page.wait_for_function("document.querySelector('.atoms').dataset.drawn > 1")
    assert abs(picture(page, '.stage') - first).max() > 0.2
    now = "[...Bokeh.documents[0]._all_models.values()].filter(m => m.tags.includes('now')).map(m => m.location)"
    assert page.evaluate(now) == [5]
    page.evaluate("document.dispatchEvent(new CustomEvent('mlffvv-time', {detail: 9}))")
    assert view.get_attribute('data-frame') == '2'
    page.locator('.colour').select_option(label='kind')
    assert page.locator('.legend button').all_text_contents() == ['even', 'odd']
    page.locator('.legend button').first.click()  # hides the atoms
    page.locator('.stage canvas').hover()
    page.locator('.cut').fill('50')
    page.get_by_role('button', name='Top', exact=True).click()
    page.locator('.stage canvas').hover(position={'x': 5, 'y': 5})
    assert not page.locator('.tip').is_visible()  # no atom in the corner
    head = page.locator('thead button', has_text='value')
    cells = '[...document.querySelectorAll("tbody tr")].map(row => row.cells[1].textContent)'
    head.click()
    assert page.evaluate(cells) == ['–', '2', '10']
    head.click()
    assert page.evaluate(cells) == ['10', '2', '–']
    assert trouble == []


def test_the_pointer_shows_values(opened, tmp_path):
    example().save(tmp_path / 'page.html')
    page, trouble = opened(tmp_path / 'page.html')
    box = page.locator('.stage canvas').bounding_box()
    page.locator('.stage canvas').hover(position={'x': box['width'] / 2, 'y': box['height'] / 2})
    assert 'energy (eV): ' in page.locator('.tip').text_content()
    page.locator('.chart').first.hover(position={'x': 200, 'y': 100})
    page.wait_for_timeout(200)
    page.locator('.chart').first.hover(position={'x': 210, 'y': 100})
    page.locator('.bk-tooltip-row-label', has_text='height').first.wait_for()
    assert trouble == []


def test_a_report_on_desktop_and_phone(opened, tmp_path):
    trajectory(tmp_path / 'run.extxyz', 5)
    path = report(tmp_path / 'run.extxyz', tmp_path / 'report', pictures=3, ovito=False, progress=False)
    phone = {'width': 390, 'height': 844, 'has_touch': True, 'is_mobile': True, 'device_scale_factor': 1}
    for name, settings in (('desktop', {}), ('phone', phone)):
        page, trouble = opened(path, **settings)
        assert page.evaluate('document.documentElement.scrollWidth') <= settings.get('width', 1200)
        assert page.locator('img:not([alt]), img[alt=""]').count() == 0
        assert page.locator('.colour option').count() >= 5
        assert trouble == []
        if folder := os.environ.get('MLFFVV_SCREENSHOTS'):
            page.screenshot(path=f'{folder}/{name}.png', timeout=PATIENCE)
