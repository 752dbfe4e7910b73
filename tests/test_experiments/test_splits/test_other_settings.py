# SPDX-License-Identifier: Apache-2.0
"""A training is not taken over by a call with other settings."""
from pathlib import Path

import pytest
from mmengine.config import Config

from uftsn_mmaction.experiments import tools as runs_tools
from uftsn_mmaction.experiments.experiment import STREAMS
from uftsn_mmaction.experiments.splits import run_splits
from uftsn_mmaction.experiments.splits.plan import PREFIXES
from uftsn_mmaction.experiments.tools import RunSettings

DEPTH = 'model.backbone.depth'
NAMES = ('uftsn_r18_ucf101', 'uftsn_r18_ucf101_split2')


@pytest.fixture
def run(monkeypatch, configs_dir, tmp_path):
    """Runs two splits of one stream with options; the failures.

    No process is started; each would have failed.
    """
    calls = []
    monkeypatch.setattr(runs_tools, 'run_process',
                        lambda command, env=None: calls.append(command) or 1)

    def run(options=None, **kwargs):
        calls.clear()
        settings = RunSettings(Path('tools'), tmp_path / 'runs', **kwargs)
        return run_splits('ucf101', (1, 2), ['temporal'], configs_dir,
                          settings, options).failures

    run.calls = calls
    return run


@pytest.fixture
def written(tmp_path):
    """The folder of the configs as they were run."""
    return tmp_path / 'runs' / 'ucf101_splits'


def leave_checkpoint(tmp_path, name, epoch):
    folder = tmp_path / 'runs' / name
    folder.mkdir(exist_ok=True)
    (folder / f'epoch_{epoch}.pth').touch()


@pytest.mark.parametrize('epoch', [1, 3])
@pytest.mark.parametrize('test_only', [False, True])
def test_other_settings_do_not_take_over_a_training(run, tmp_path, written,
                                                    epoch, test_only):
    run({DEPTH: 34})
    leave_checkpoint(tmp_path, NAMES[1], epoch)
    result = tmp_path / 'runs' / 'ucf101_splits.json'
    before = result.read_text()
    with pytest.raises(ValueError) as caught:
        run({DEPTH: 50}, test_only=test_only)
    text = str(caught.value)
    for words in (repr(str(tmp_path / 'runs' / NAMES[1])),
                  f'{DEPTH} was 34, is 50', '--work-dir'):
        assert words in text
    # Not the other split either, and nothing claims the new settings.
    assert not run.calls and result.read_text() == before
    for name in NAMES:
        cfg = Config.fromfile(written / f'{name}.py')
        assert cfg.model.backbone.depth == 34


def test_what_only_tests_use_may_change(run, tmp_path, written):
    run({DEPTH: 34})
    leave_checkpoint(tmp_path, NAMES[0], 3)
    leave_checkpoint(tmp_path, NAMES[1], 1)
    failures = run({DEPTH: 34, 'test_dataloader.batch_size': 2})
    # The first one was tested, and the training of the second one went on.
    assert [Path(call[2]).stem for call in run.calls] == [*NAMES]
    assert 'test in' in failures[1] and 'training in' in failures[2]
    cfg = Config.fromfile(written / f'{NAMES[0]}.py')
    assert cfg.test_dataloader.batch_size == 2


def test_without_a_checkpoint_nothing_depends_on_the_settings(run, written):
    run({DEPTH: 34})
    run({DEPTH: 50})
    assert len(run.calls) == 2
    cfg = Config.fromfile(written / f'{NAMES[0]}.py')
    assert cfg.model.backbone.depth == 50


@pytest.mark.parametrize('stream', STREAMS)
def test_shipped_configs_are_the_same_when_read_again(monkeypatch, repo_root,
                                                      tmp_path, stream):
    monkeypatch.setattr(runs_tools, 'run_process',
                        lambda command, env=None: 1)
    for _ in range(2):
        table = run_splits('hmdb51', [2], [stream], repo_root / 'configs',
                           RunSettings(Path('tools'), tmp_path / 'runs'))
        assert 'exit status 1' in table.failures[2]
        leave_checkpoint(tmp_path, f'{PREFIXES[stream]}_hmdb51_split2', 1)
