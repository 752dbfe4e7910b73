# SPDX-License-Identifier: Apache-2.0
"""The page on videos of one's own, the README and the FAQ.

Every command and script of theirs that needs no training, as it stands.
"""
import re
import runpy
import shlex
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from bad_videos import draw_frames, encode, rotated

ROOT = Path(__file__).resolve().parents[1]
TEXT = '\n'.join((ROOT / page).read_text(encoding='utf-8') for page in (
    'README.md', 'docs/own_videos.md', 'docs/faq.md'))
#: Programs that run here; test_docs_blocks.py reads all others.
TOOLS = re.compile(
    r'(\.venv/bin/)?python tools/(predict|extract_flow|visualize_flow|'
    r'prepare_annotations|evaluate_flow)\.py |torchrun ')


def blocks_of(language):
    return re.findall(rf'^```{language}\n(.*?)^```', TEXT, re.M | re.S)


COMMANDS = list(dict.fromkeys(
    line.removeprefix('.venv/bin/') for block in blocks_of('bash')
    if not block.startswith('# Needs')
    for line in block.replace('\\\n', ' ').splitlines()
    if TOOLS.match(line)))
SCRIPTS = [block for block in blocks_of('python')
           if 'custom_imports' not in block]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Videos with the names of the page."""
    root = tmp_path_factory.mktemp('own')
    rotated(90)(root / 'my.mp4')
    for name in ('nod', 'wave'):
        (root / 'my_videos' / name).mkdir(parents=True)
        for seed in range(2):
            encode(root / f'my_videos/{name}/{seed}.mp4', seed=seed)
    # As the page's own command writes it.
    (root / 'work_dirs/flow/my').mkdir(parents=True)
    np.save(root / 'work_dirs/flow/my/00001.npy',
            np.zeros((2, 96, 64), np.float32))
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
        # The videos here are smaller than anyone's.
        '120': '48',
        '240': '64',
        '224': '64',
    }


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
            '.mp4', '.flo', '.npy', '.jpg', '.py', '.json')]
    assert files and all(path.stat().st_size for path in files)
    if out.suffix in ('.mp4', '.gif'):
        assert cv2.VideoCapture(str(out)).read()[0]
    if out.name == 'rawframes' and 'clips' in words:
        # The rows of the table, and of the list.
        assert (out / 'run/a/x_00001.jpg').exists()
        assert (out / 'list.txt').read_text() == 'jump/b_c 4 0\nrun/a 4 1\n'
    if out.name == 'seen.mp4':
        assert Path('seen.csv').exists()


@pytest.mark.parametrize('script', SCRIPTS)
def test_scripts(script, folder, own, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    for name, path in own.items():
        script = script.replace(name, path)
    values = {}
    exec(compile(script, 'docs/own_videos.md', 'exec'), values)
    if 'FlowInferencer()(' in script:
        assert values['flow'].shape == (11, 2, 96, 64)
    elif 'fastest' in values:
        assert values['fastest'] > 1
    elif 'noise' in values:
        assert values['stream'].push(values['frame']).index == 20
    elif 'FlowStream' in script:
        lines = capsys.readouterr().out.splitlines()
        assert values['step'].index == 11
        # A flow needs two frames, and the clips here have six.
        with_flow = 'actions' not in values
        assert [line for line in lines if line[:1].isdecimal()] == (
            lines[-(11 if with_flow else 7):])
        assert lines[-1].startswith('11: ' if with_flow else '11 class ')
    elif 'ActionInferencer' in script:
        lines = capsys.readouterr().out.splitlines()
        assert sum(line.startswith(('0.5 s: ', '1.0 s: '))
                   for line in lines) == 2
