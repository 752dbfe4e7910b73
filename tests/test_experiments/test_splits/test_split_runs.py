# SPDX-License-Identifier: Apache-2.0
"""Trainings and tests of a split; commands are recorded, not run."""
import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.fileio import dump

from uftsn_mmaction.experiments import tools as runs_tools
from uftsn_mmaction.experiments.splits import run_splits
from uftsn_mmaction.experiments.splits.run import SplitTable
from uftsn_mmaction.experiments.tools import RunSettings

BOTH = ('spatial', 'temporal')


class Tools:
    """In place of child processes: leaves the files that they would leave.

    The streams are right on so many of four videos as their split says; the
    fusion on one more.
    """

    def __init__(self):
        self.calls = []
        self.broken = set()
        self.silent = set()

    def __call__(self, command, env=None):
        assert all(isinstance(item, str) for item in command)
        start = next(i for i, item in enumerate(command)
                     if item.endswith('.py'))
        tool, config, *rest = command[start:]
        name = Path(config).stem
        self.calls.append((Path(tool).stem, name, rest, command[:start], env))
        if name in self.broken:
            return 3
        if name in self.silent:
            return 0
        cfg = Config.fromfile(config)
        folder = Path(rest[rest.index('--work-dir') + 1])
        folder.mkdir(exist_ok=True)
        if Path(tool).stem == 'train':
            last = cfg.train_cfg.max_epochs
            (folder / f'epoch_{last}.pth').write_text('weights')
        else:
            (folder / 'now').mkdir()
            (folder / 'now' / 'now.json').write_text('{"acc/top1": 0.5}')
            self._predict(cfg, name, rest[rest.index('--dump') + 1])
        return 0

    @staticmethod
    def _predict(cfg, name, path):
        right = cfg.split

        def scores(video, right):
            return torch.eye(3)[0 if video < right else 1]

        streams = ['spatial', 'temporal', 'fusion', 'fusion_prob']
        dump([
            dict(
                gt_label=torch.tensor([0]),
                pred_score={
                    stream: scores(video, right + stream.startswith('fusion'))
                    for stream in streams
                } if 'streams' in cfg.model else scores(video, right))
            for video in range(4)
        ], path)

    @property
    def ran(self):
        return [(tool, name) for tool, name, *_ in self.calls]


@pytest.fixture
def tools(monkeypatch):
    tools = Tools()
    monkeypatch.setattr(runs_tools, 'run_process', tools)
    return tools


@pytest.fixture
def work_dir(tmp_path):
    return tmp_path / 'work=dirs, all of them'


def settings(work_dir, **kwargs):
    return RunSettings(Path('tools'), work_dir, **kwargs)


def result_of(work_dir):
    return json.loads((work_dir / 'ucf101_splits.json').read_text())


def test_three_splits_and_their_mean(tools, configs_dir, work_dir):
    table = run_splits('ucf101', (1, 2, 3), BOTH, configs_dir,
                       settings(work_dir))
    names = ['ucf101', 'ucf101_split2', 'ucf101_split3']
    assert tools.ran == [
        call for name in names
        for call in (('train', f'tsn_r152_{name}'),
                     ('train', f'uftsn_r18_{name}'), ('test',
                                                      f'uftsn_fusion_{name}'))
    ]
    top1 = result_of(work_dir)['top1']
    assert top1['spatial'] == {'1': 0.25, '2': 0.5, '3': 0.75, 'mean': 0.5}
    assert top1['fusion'] == {'1': 0.5, '2': 0.75, '3': 1.0, 'mean': 0.75}
    assert list(top1) == ['spatial', 'temporal', 'fusion', 'fusion_prob']
    assert result_of(work_dir)['videos'] == {'1': 4, '2': 4, '3': 4}
    assert not table.failures
    assert table.to_text().splitlines()[-1].split() == [
        'fusion', 'of', 'probabilities', '50.00', '75.00', '100.00', '75.00'
    ]


def test_another_stream_leaves_the_results_of_the_shipped_one(
        tools, configs_dir, work_dir, tmp_path):
    own = tmp_path / 'tvl1.py'
    own.write_text((configs_dir / 'uftsn_r18_ucf101.py').read_text())
    run_splits('ucf101', (1, 2), BOTH, configs_dir, settings(work_dir))
    before = (work_dir / 'ucf101_splits.json').read_text()
    tools.calls.clear()
    run_splits('ucf101', (1, 2), BOTH, configs_dir, settings(work_dir),
               replaced=dict(temporal=own))
    # The spatial stream is there already.
    assert tools.ran == [('train', 'tvl1'), ('test', 'uftsn_fusion_tvl1'),
                         ('train', 'tvl1_split2'),
                         ('test', 'uftsn_fusion_tvl1_split2')]
    assert (work_dir / 'ucf101_splits.json').read_text() == before
    result = json.loads((work_dir / 'ucf101_tvl1_splits.json').read_text())
    assert result['configs'] == dict(temporal=str(own))
    assert result['top1']['fusion']['mean'] is not None


def test_a_failed_split_is_a_gap_and_the_next_one_follows(
        tools, configs_dir, work_dir, capsys):
    tools.broken.add('uftsn_r18_ucf101_split2')
    table = run_splits('ucf101', (1, 2, 3), BOTH, configs_dir,
                       settings(work_dir))
    assert ('test', 'uftsn_fusion_ucf101_split2') not in tools.ran
    assert tools.ran[-1] == ('test', 'uftsn_fusion_ucf101_split3')
    assert 'exit status 3' in table.failures[2]
    assert 'error: split 2: The training in' in capsys.readouterr().err
    assert result_of(work_dir)['failures'] == {'2': table.failures[2]}
    for row in result_of(work_dir)['top1'].values():
        # A mean of two would pass for one of three.
        assert row['2'] is None and row['mean'] is None
        assert row['1'] is not None and row['3'] is not None
    assert table.to_text().splitlines()[1].split() == [
        'spatial', '25.00', '-', '75.00', '-'
    ]


@pytest.mark.parametrize('name', ['tsn_r152_ucf101', 'uftsn_fusion_ucf101'])
def test_success_without_its_file_is_a_failure(tools, configs_dir, work_dir,
                                               name):
    tools.silent.add(name)
    table = run_splits('ucf101', [1], BOTH, configs_dir, settings(work_dir))
    assert 'exit status 0 and without ' in table.failures[1]


def test_a_failed_test_does_not_leave_older_predictions(
        tools, configs_dir, work_dir):
    run_splits('ucf101', [1], BOTH, configs_dir, settings(work_dir))
    tools.silent.add('uftsn_fusion_ucf101')
    table = run_splits('ucf101', [1], BOTH, configs_dir, settings(work_dir))
    assert 'without' in table.failures[1]
    assert result_of(work_dir)['top1']['fusion']['1'] is None


def test_only_what_is_missing_is_trained(tools, configs_dir, work_dir):
    run_splits('ucf101', (1, 2), BOTH, configs_dir, settings(work_dir))
    (work_dir / 'uftsn_r18_ucf101_split2' / 'epoch_3.pth').rename(
        work_dir / 'uftsn_r18_ucf101_split2' / 'epoch_2.pth')
    tools.calls.clear()
    run_splits('ucf101', (1, 2), BOTH, configs_dir, settings(work_dir))
    assert [name for tool, name in tools.ran if tool == 'train'
            ] == ['uftsn_r18_ucf101_split2']
    arguments = tools.calls[1][2]
    assert arguments == [
        '--work-dir',
        str(work_dir / 'uftsn_r18_ucf101_split2'), '--resume'
    ]


def test_test_only_trains_nothing(tools, configs_dir, work_dir):
    run_splits('ucf101', [1], BOTH, configs_dir, settings(work_dir))
    tools.calls.clear()
    table = run_splits('ucf101', (1, 2), BOTH, configs_dir,
                       settings(work_dir, test_only=True))
    assert tools.ran == [('test', 'uftsn_fusion_ucf101')]
    assert 'epoch_2.pth' in table.failures[2]
    assert '--test-only' in table.failures[2]


def test_a_single_stream_is_tested_with_its_checkpoint(
        tools, configs_dir, work_dir):
    run_splits('ucf101', (1, 3), ['temporal'], configs_dir,
               settings(work_dir))
    assert [name for tool, name in tools.ran] == [
        'uftsn_r18_ucf101', 'uftsn_r18_ucf101', 'uftsn_r18_ucf101_split3',
        'uftsn_r18_ucf101_split3'
    ]
    assert tools.calls[1][2][0] == str(
        work_dir / 'uftsn_r18_ucf101' / 'epoch_3.pth')
    assert result_of(work_dir)['top1'] == dict(
        temporal={'1': 0.25, '3': 0.75, 'mean': 0.5})


def test_options_reach_those_they_are_for(tools, configs_dir, work_dir):
    options = {
        'train_cfg.max_epochs': 7,
        'spatial.model.backbone.depth': 34,
        'fusion.test_dataloader.num_workers': 0
    }
    run_splits('ucf101', [1], BOTH, configs_dir, settings(work_dir), options)
    used = {
        name: Config.fromfile(work_dir / 'ucf101_splits' / f'{name}_ucf101.py')
        for name in ('tsn_r152', 'uftsn_r18', 'uftsn_fusion')
    }
    assert used['tsn_r152'].train_cfg.max_epochs == 7
    assert used['uftsn_r18'].train_cfg.max_epochs == 7
    assert used['uftsn_r18'].model.backbone.depth == 18
    assert used['uftsn_fusion'].test_dataloader.num_workers == 0
    assert 'train_cfg' not in used['uftsn_fusion']
    # The fusion builds what was trained, whatever the characters of its path.
    assert used['uftsn_fusion'].model.streams.spatial == dict(
        model=dict(type='Recognizer2D', backbone=dict(depth=34)),
        checkpoint=str(work_dir / 'tsn_r152_ucf101' / 'epoch_7.pth'),
        frames=5)
    assert result_of(work_dir)['cfg_options'] == options


def test_configs_are_checked_before_anything_runs(tools, configs_dir,
                                                  work_dir):
    (configs_dir / 'uftsn_fusion_ucf101.py').unlink()
    with pytest.raises(FileNotFoundError, match='uftsn_fusion_ucf101.py'):
        run_splits('ucf101', (1, 3), BOTH, configs_dir, settings(work_dir))
    assert not tools.calls and not work_dir.exists()


def test_a_column_must_have_all_rows():
    table = SplitTable('hmdb51', [1], ['spatial', 'fusion', 'fusion_score'])
    with pytest.raises(ValueError, match=r"of \['spatial'\], expected"):
        table.add(1, dict(spatial=0.5), videos=2)
    assert table.row('spatial') == {'1': None, 'mean': None}
