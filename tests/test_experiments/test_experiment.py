# SPDX-License-Identifier: Apache-2.0
"""One experiment with stand-ins of the tools, which run as processes."""
import json
from pathlib import Path

import pytest
from filelock import FileLock
from mmengine.config import Config

from uftsn_mmaction.experiments.experiment import Experiment, latest_epoch
from uftsn_mmaction.experiments.run import RunError
from uftsn_mmaction.experiments.tools import RunSettings

# Each appends its arguments to calls.txt beside it. STATUS, EPOCH and EMPTY
# stand for what may go wrong.
TOOL = """
import json, os, pathlib, sys
folder = pathlib.Path(sys.argv[sys.argv.index('--work-dir') + 1])
with pathlib.Path(__file__).with_name('calls.txt').open('a') as file:
    file.write(json.dumps(sys.argv) + '\\n')
if 'EMPTY' not in os.environ:
    {result}
sys.exit(int(os.environ.get('STATUS', 0)))
"""
TRAIN = """folder.mkdir(exist_ok=True)
    folder.joinpath(f"epoch_{os.environ.get('EPOCH', 3)}.pth").touch()"""
TEST = """folder.joinpath('now').mkdir(parents=True)
    folder.joinpath('now', 'now.json').write_text('{"acc/top1": 0.5}')
    if '--dump' in sys.argv:
        pathlib.Path(sys.argv[sys.argv.index('--dump') + 1]).touch()"""


@pytest.fixture
def settings(tmp_path):
    tools = tmp_path / 'tools'
    tools.mkdir()
    for name, result in (('train', TRAIN), ('test', TEST)):
        (tools / f'{name}.py').write_text(TOOL.replace('{result}', result))
    return RunSettings(tools, tmp_path / 'runs=of, today')


@pytest.fixture
def build(settings):
    """Function that builds an experiment of three epochs."""

    def build(start=None, settings=settings, **cfg):
        cfg = Config({
            'train_cfg': dict(max_epochs=3),
            'load_from': 'own.pth',
            'test_dataloader': dict(batch_size=1),
            **cfg
        })
        folder = settings.work_dir / 'exp'
        return Experiment('exp', cfg, folder, settings.work_dir / 'exp.py',
                          settings, start)

    return build


@pytest.fixture
def calls(settings):
    """Function that returns the calls since its own last call."""

    def calls():
        path = settings.tools_dir / 'calls.txt'
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [[Path(tool).stem, *rest]
                for tool, *rest in map(json.loads, lines)]

    return calls


def test_each_step_is_done_once(build, calls):
    experiment = build()
    folder = str(experiment.folder)
    assert experiment.run() == {'acc/top1': 0.5}
    config = str(experiment.config_file)
    assert calls() == [['train', config, '--work-dir', folder],
                       [
                           'test', config,
                           str(experiment.checkpoint), '--work-dir',
                           f'{folder}/test'
                       ]]
    assert experiment.run() == {'acc/top1': 0.5}
    # A finished test does not need its checkpoint.
    experiment.checkpoint.unlink()
    assert experiment.run() == {'acc/top1': 0.5}
    assert calls() == []


def test_an_interrupted_training_goes_on(build, calls, monkeypatch):
    experiment = build()
    monkeypatch.setenv('EPOCH', '2')
    with pytest.raises(RunError, match='status 0 and without epoch_3.pth'):
        experiment.train()
    assert latest_epoch(experiment.folder) == 2
    monkeypatch.delenv('EPOCH')

    def begin():
        raise AssertionError('it began already')

    assert experiment.train(begin) == experiment.checkpoint
    assert ['--resume' in call for call in calls()] == [False, True]


def test_a_training_begins_with_its_start(build, calls, tmp_path):
    experiment = build(tmp_path / 'start.pth')
    begun = []
    experiment.train(lambda: begun.append(experiment.folder.is_dir()))
    assert begun == [True]
    cfg = Config.fromfile(experiment.config_file)
    assert cfg.load_from == str(tmp_path / 'start.pth')
    assert experiment.cfg.load_from == 'own.pth'
    # Resuming would leave it out.
    assert '--resume' not in calls()[0]


def test_a_training_may_go_on_from_a_checkpoint_put_there(build, calls):
    experiment = build()
    experiment.train((experiment.folder / 'epoch_1.pth').touch)
    assert '--resume' in calls()[0]


@pytest.mark.parametrize('step', ['train', 'test'])
@pytest.mark.parametrize('name, value, words', [
    ('STATUS', '3', 'status 3 and with '),
    ('EMPTY', '1', 'status 0 and without '),
])
def test_a_failure_is_named(build, monkeypatch, step, name, value, words):
    monkeypatch.setenv(name, value)
    with pytest.raises(RunError, match=words):
        getattr(build(), step)()


def test_an_earlier_test_does_not_pass_for_a_new_one(build, monkeypatch):
    experiment = build()
    assert experiment.test(dump=True) == {'acc/top1': 0.5}
    assert experiment.predictions.exists()
    monkeypatch.setenv('EMPTY', '1')
    with pytest.raises(RunError, match='without metrics'):
        experiment.test(dump=True)
    assert not experiment.predictions.exists()


def test_test_only_trains_nothing(build, settings, calls):
    settings = RunSettings(
        settings.tools_dir, settings.work_dir, test_only=True)
    with pytest.raises(RunError, match='epoch_3.pth.*--test-only'):
        build(settings=settings).train()
    assert calls() == []


def test_other_settings_are_refused(build, monkeypatch, tmp_path):
    old = build(model=dict(a=1, b=2, c=3, d=[4]))
    monkeypatch.setenv('EPOCH', '1')
    with pytest.raises(RunError):
        old.train()
    new = build(model=dict(a=5, b=6, c=7, d=[8]))
    with pytest.raises(ValueError) as caught:
        new.check()
    for words in (str(old.folder), 'model.a was 1, is 5; model.b was 2, is 6; '
                  'model.c was 3, is 7)', '--work-dir', 'remove'):
        assert words in str(caught.value)
    assert 'model.d' not in str(caught.value)
    # Another start has another name, wherever it is.
    with pytest.raises(ValueError, match='load_from was .own.pth., is .x'):
        build(tmp_path / 'x.pth', model=old.cfg.model).check()
    # A training of somebody else does not tell its settings.
    (old.folder / 'settings.json').unlink()
    new.check(from_elsewhere=True)
    with pytest.raises(ValueError, match='settings.json') as caught:
        new.check()
    assert str(old.folder) in str(caught.value)


def test_settings_may_change_before_anything_depends_on_them(build):
    old = build()
    old.test()
    build(model=dict(a=1)).check()
    # The test's own settings count once there is a result.
    old.train()
    new = build(test_dataloader=dict(batch_size=2))
    new.check()
    assert old.run() == {'acc/top1': 0.5}
    with pytest.raises(ValueError, match='test_dataloader.batch_size was 1'):
        new.check()
    old.checkpoint.unlink()
    with pytest.raises(ValueError, match='test_dataloader.batch_size was 1'):
        new.check()


def test_only_checkpoints_of_epochs_count(tmp_path):
    assert latest_epoch(tmp_path / 'none') == 0
    for name in ('epoch_2.pth', 'epoch_10.pth', 'best_epoch_11.pth',
                 'epoch_12.pth.tmp', 'epoch_last.pth'):
        (tmp_path / name).touch()
    assert latest_epoch(tmp_path) == 10


@pytest.mark.parametrize('step', ['train', 'test'])
def test_a_folder_in_use_is_refused(build, calls, step):
    experiment = build()
    experiment.folder.mkdir(parents=True)
    with FileLock(experiment.folder / '.lock'), pytest.raises(
            ValueError, match=str(experiment.folder)):
        getattr(experiment, step)()
    assert calls() == []
