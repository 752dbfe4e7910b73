# SPDX-License-Identifier: Apache-2.0
"""tools/app.py: the page in a browser, and its mistakes."""
import re
import runpy
import shutil
import sys

import pytest
from bad_videos import encode

from uftsn_mmaction.apis.video_page import VideoPage

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')


@pytest.fixture
def page_address():
    """Address of a page that is served as long as the test runs."""
    pytest.importorskip('gradio')
    from uftsn_mmaction.apis.page import launch_page
    blocks = launch_page(VideoPage(size=48), '127.0.0.1', None, wait=False)
    yield blocks.local_url
    blocks.close()
    blocks.videos.cleanup()


@pytest.fixture
def tab(page_address):
    """A tab of Chromium that shows the page; all requests are recorded."""
    playwright = pytest.importorskip('playwright.sync_api')
    if CHROMIUM is None:
        pytest.skip('Chromium is not installed: apt-get install chromium')
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=['--no-sandbox'])
        tab = browser.new_page()
        tab.set_default_timeout(300_000)
        tab.requests = []
        tab.on('request', lambda request: tab.requests.append(request.url))
        tab.goto(page_address)
        yield tab
        browser.close()


def test_a_visit_by_keyboard(tab, page_address, tmp_path):
    encode(tmp_path / 'my.mp4', number=6)
    (tmp_path / 'bad.mp4').write_text('none')
    tab.get_by_role('button', name='Compare').wait_for()
    assert tab.locator('html').get_attribute('lang') == 'en'
    # A mistake is a sentence.
    tab.get_by_role('button', name='Compare').press('Enter')
    tab.get_by_text('There is no video yet; choose one first').wait_for()
    tab.locator('input[type=file]').first.set_input_files(
        tmp_path / 'my.mp4')
    # The text of the name is whole only as long as the upload lasts.
    tab.get_by_label('my.mp4').wait_for()
    # Everything can be reached with the keyboard, in its order.
    tab.evaluate('document.activeElement.blur()')
    reached = []
    for _ in range(40):
        tab.keyboard.press('Tab')
        reached.append(tab.evaluate(
            'document.activeElement.innerText || '
            'document.activeElement.getAttribute("aria-label") || '
            'document.activeElement.parentElement.innerText || ""').strip())
    order = [next(number for number, text in enumerate(reached)
                  if text == name)
             for name in ('Show the motion', 'zero', 'Compare')]
    assert order == sorted(order)
    for name in ('uftsn_plus+refined', 'dis', 'dis_fast'):
        tab.get_by_role('checkbox', name=name, exact=True).press('Space')
    tab.get_by_role('button', name='Compare').press('Enter')
    table = tab.get_by_role('table', name=re.compile('Mean errors'))
    table.wait_for()
    assert table.get_by_role('rowheader').all_inner_texts() == ['dis_fast']
    pictures = tab.get_by_role('img', name=re.compile('Flow of dis_fast'))
    assert pictures.count() == 2
    # Nothing is asked of, or told to, anybody else.
    elsewhere = [url for url in tab.requests
                 if not url.startswith((page_address, 'data:', 'blob:'))]
    assert elsewhere == []


def test_commands_of_its_page(repo_root, monkeypatch):
    text = (repo_root / 'docs/app.md').read_text(encoding='utf-8')
    commands = re.findall(r'^python (tools/app\.py.*)$', text, re.M)
    tool = runpy.run_path(str(repo_root / 'tools/app.py'))
    ports = []
    for command in commands:
        monkeypatch.setattr('sys.argv', command.split())
        args = tool['parse_args']()
        assert args.host == '127.0.0.1'
        assert args.config is None or (repo_root / args.config).is_file()
        ports.append(args.port)
    assert ports == [7860, 8000]


@pytest.mark.parametrize('args, words', [
    (['--port', '0'], '--port must be above 0'),
    (['--port', '70000'], '--port must be at most 65535'),
    (['--estimator', 'nothing'], "'nothing' is unknown"),
    (['none.py'], "CONFIG 'none.py' does not exist"),
])
def test_a_mistake_is_one_sentence(repo_root, monkeypatch, args, words):
    pytest.importorskip('gradio')
    monkeypatch.setattr('sys.argv', ['app.py', *args])
    with pytest.raises(SystemExit) as info:
        runpy.run_path(str(repo_root / 'tools/app.py'), run_name='__main__')
    assert info.value.code == 2 and words in str(info.value)


def test_without_gradio(repo_root, monkeypatch):
    monkeypatch.setitem(sys.modules, 'gradio', None)
    monkeypatch.setattr('sys.argv', ['app.py'])
    with pytest.raises(SystemExit) as info:
        runpy.run_path(str(repo_root / 'tools/app.py'), run_name='__main__')
    assert 'pip install "uftsn-mmaction[app]"' in str(info.value)
