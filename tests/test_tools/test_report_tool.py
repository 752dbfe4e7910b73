# SPDX-License-Identifier: Apache-2.0
"""The command line that writes the page on a run."""
import json
import runpy

import pytest


@pytest.fixture
def report(repo_root, monkeypatch, tmp_cwd, capsys):
    """Runs the tool beside the folder of a test, ``run``."""
    (tmp_cwd / 'run/1').mkdir(parents=True)
    (tmp_cwd / 'run/1/1.json').write_text(json.dumps({'acc/top1': 0.5}))

    def report(*args):
        monkeypatch.setattr('sys.argv', ['report.py', *args])
        runpy.run_path(
            str(repo_root / 'tools' / 'report.py'), run_name='__main__')
        return capsys.readouterr().out.strip()

    return report


def test_the_page_is_in_the_folder_or_elsewhere(report, tmp_cwd):
    assert report('run') == 'run/report.html'
    assert report('run', '--out', 'new/page.html') == 'new/page.html'
    one, other = (tmp_cwd / name for name in ('run/report.html',
                                              'new/page.html'))
    assert '0.500' in one.read_text() and one.read_text() == other.read_text()


@pytest.mark.parametrize('args, words', [
    (['none'], "WORK_DIR 'none' is no folder"),
    (['run', '--out', 'a.pdf'], "--out is 'a.pdf'"),
    (['run', '--out', 'run/1/1.json/a.html'], 'is a file'),
    (['run', '--scores', 'no.pkl'], "score file 'no.pkl' does not exist"),
])
def test_a_mistake_is_one_sentence(report, args, words):
    with pytest.raises(SystemExit) as info:
        report(*args)
    assert str(info.value).startswith('error: ')
    assert words in str(info.value) and '\n' not in str(info.value)
