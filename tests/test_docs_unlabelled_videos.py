# SPDX-License-Identifier: Apache-2.0
"""The page on unlabelled videos, from a folder to flow and a motion stream.

Its blocks are run in their order, on a few short videos.
"""
import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest
import torch
from bad_videos import encode
from mmaction.registry import MODELS
from mmengine.runner import Runner

from uftsn_mmaction.models.flow_zoo import build_estimator

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / 'docs' / 'unlabelled_videos.md').read_text(encoding='utf-8')
# One epoch instead of four, and less of everything.
SHORT = ['train_cfg.max_epochs=1', 'param_scheduler.T_max=1',
         'train_dataloader.batch_size=2', 'train_dataloader.num_workers=0',
         'val_dataloader.num_workers=0',
         'train_dataloader.dataset.pipeline.3.scale=(-1,64)',
         'train_dataloader.dataset.pipeline.4.size=64']


def blocks_of(language):
    return re.findall(rf'^```{language}\n(.*?)^```', TEXT, re.M | re.S)


COMMANDS = [shlex.split(line) for block in blocks_of('bash')
            for line in block.replace('\\\n', ' ').splitlines()]


@pytest.fixture(scope='module')
def folder(tmp_path_factory, run_command):
    """Work folder that the first command of the page leaves."""
    root = tmp_path_factory.mktemp('unlabelled')
    (root / 'configs').symlink_to(ROOT / 'configs')
    for seed, (name, number) in enumerate({
            'a/one two.mp4': 12, 'a/b/3.mp4': 5, '4.MP4': 8, 'x.mp4': 7,
            'still.mp4': 1}.items()):
        path = root / 'my_videos' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        encode(path.with_suffix('.mp4'), number=number, seed=seed)
        path.with_suffix('.mp4').rename(path)
    (root / 'my_videos' / 'broken.avi').write_bytes(b'RIFF')
    encode(root / 'my.mp4', number=4)
    mim, *rest = COMMANDS[0]
    assert mim == 'mim'
    run_command([Path(sys.executable).with_name('mim'), *rest, *SHORT],
                cwd=root)
    run = root / 'work_dirs/flow_videos'
    (run / 'epoch_1.pth').rename(run / 'epoch_4.pth')
    return root


def test_no_block_goes_untested():
    assert TEXT.count('```') == 2 * len(
        blocks_of('bash') + blocks_of('python'))
    assert len(COMMANDS) == 5


def test_the_folder_trained_the_flow(folder):
    log, = folder.glob('work_dirs/flow_videos/*/*.log')
    text = log.read_text()
    for name in ('photometric', 'photometric_zero', 'forward_backward'):
        assert f'flow/{name}: ' in text
    for name in ('still.mp4', 'broken.avi'):
        assert len(re.findall(f'left out.*{name}', text)) == 1
    best, = folder.glob('work_dirs/flow_videos/best_flow_photometric_*.pth')
    estimator = build_estimator(f'uftsn_plus:{best}')
    boxed = build_estimator('uftsn_plus').state_dict()
    assert {name for name, value in estimator.state_dict().items()
            if not torch.equal(value, boxed[name])} == {*boxed}
    # No classifier.
    state = torch.load(best)['state_dict']
    assert all(name.startswith('flow_estimator.') for name in state)


@pytest.fixture
def run(folder, monkeypatch):
    """Function that runs a command of the page in this process."""

    def run(words, *more):
        monkeypatch.chdir(folder)
        monkeypatch.setenv('LOCAL_RANK', '0')
        monkeypatch.setattr('sys.argv', [*words[1:], *more])
        runpy.run_path(str(ROOT / words[1]), run_name='__main__')

    return run


@pytest.mark.parametrize('number', [1, 2, 3])
def test_the_result_serves_the_tools(run, folder, number):
    words = COMMANDS[number]
    run(words)
    out = folder / words[words.index('--out') + 1]
    assert out.stat().st_size


def test_a_motion_stream_starts_from_it(run, folder, monkeypatch):
    built = []

    def train(runner):
        runner.load_or_resume()
        built.append(runner.model)

    monkeypatch.setattr(Runner, 'train', train)
    run(COMMANDS[4], '--work-dir', 'work_dirs/motion')
    values = {}
    block, = blocks_of('python')
    exec(compile(block, 'docs/unlabelled_videos.md', 'exec'), values)
    initialized = MODELS.build(values['model']['flow_estimator'])
    initialized.init_weights()
    state = torch.load(
        folder / 'work_dirs/flow_videos/epoch_4.pth')['state_dict']
    for name, value in state.items():
        name = name.removeprefix('flow_estimator.')
        for estimator in (built[0].flow_estimator, initialized):
            assert torch.equal(estimator.state_dict()[name], value), name
