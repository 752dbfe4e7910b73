# SPDX-License-Identifier: Apache-2.0
"""The page on videos of one's own: every command and script, as it stands."""
import re
import runpy
import shlex
import sys
from pathlib import Path

import cv2
import pytest
from bad_videos import draw_frames, encode, rotated

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / 'docs' / 'own_videos.md').read_text(encoding='utf-8')


def blocks_of(language):
    return re.findall(rf'^```{language}\n(.*?)^```', TEXT, re.M | re.S)


COMMANDS = [line for block in blocks_of('bash')
            for line in block.replace('\\\n', ' ').splitlines()]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Videos with the names of the page."""
    root = tmp_path_factory.mktemp('own')
    rotated(90)(root / 'my.mp4')
    for seed, name in enumerate(('run/a.mp4', 'jump/b c.mp4')):
        (root / 'clips' / name).parent.mkdir(parents=True)
        encode(root / 'clips' / name, number=5, seed=seed)
    for name, frame in zip('ab', draw_frames(2)):
        cv2.imwrite(str(root / f'{name}.png'), frame)
    return root


@pytest.fixture
def own(fusion, repo_root):
    """Configs and checkpoints in place of those of the page."""
    return {
        'configs/uftsn_fusion_ucf101.py': str(fusion),
        'configs/uftsn_r18_ucf101.py':
        str(repo_root / 'configs/uftsn_quickstart.py'),
        'work_dirs/uftsn_r18_ucf101/epoch_80.pth':
        str(fusion.with_name('temporal.pth')),
        'data/ucf101/classes.txt': str(fusion.with_name('classes.txt')),
    }


def test_no_block_goes_untested():
    assert TEXT.count('```') == 2 * len(
        blocks_of('bash') + blocks_of('python'))
    assert len(COMMANDS) == 12


@pytest.mark.parametrize('command', COMMANDS)
def test_commands(command, folder, own, monkeypatch, capsys):
    words = [own.get(word, word) for word in shlex.split(command)]
    if words[0] == 'torchrun':
        words[:3] = ['python']
    monkeypatch.chdir(folder)
    monkeypatch.setattr('sys.argv', words[1:])
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    try:
        runpy.run_path(str(ROOT / words[1]), run_name='__main__')
    except SystemExit as end:
        assert not end.code
    sys.modules.pop('stock_tool', None)
    out = Path(words[words.index('--out') + 1])
    assert out.exists()
    files = [out] if out.is_file() else [
        path for path in out.rglob('*') if path.suffix in (
            '.mp4', '.flo', '.jpg', '.json')]
    assert files and all(path.stat().st_size for path in files)
    if out.suffix in ('.mp4', '.gif'):
        assert cv2.VideoCapture(str(out)).read()[0]
    if out.name == 'rawframes':
        # The rows of the table, and of the list.
        assert (out / 'run/a/x_00001.jpg').exists()
        assert (out / 'list.txt').read_text() == 'jump/b_c 4 0\nrun/a 4 1\n'
    if out.name == 'seen.mp4':
        assert Path('seen.csv').exists()


@pytest.mark.parametrize('script', blocks_of('python'))
def test_scripts(script, folder, own, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    for name, path in own.items():
        script = script.replace(name, path)
    values = {}
    exec(compile(script, 'docs/own_videos.md', 'exec'), values)
    if 'flow' in values:
        assert values['flow'].shape == (11, 2, 96, 64)
    elif 'fastest' in values:
        assert values['fastest'] > 1
    else:
        lines = capsys.readouterr().out.splitlines()
        assert sum(line.startswith(('0.5 s: ', '1.0 s: '))
                   for line in lines) == 2
