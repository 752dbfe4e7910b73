# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path

import pytest

from uftsn_mmaction.experiments.splits.plan import SplitPlan, options_of
from uftsn_mmaction.experiments.tools import RunSettings

BOTH = ('temporal', 'spatial')


@pytest.fixture
def read(configs_dir):
    """Function that reads a plan."""

    def read(split=1, streams=BOTH, options=None, folder=configs_dir,
             data_set='ucf101', **replaced):
        return SplitPlan.from_files(data_set, split, streams, folder,
                                    RunSettings(Path('tools'), Path('runs')),
                                    options, replaced)

    return read


def test_split_one_has_the_plain_names(read):
    for split, suffix in ((1, ''), (3, '_split3')):
        plan = read(split)
        assert [item.name for item in plan.streams.values()] == [
            f'tsn_r152_ucf101{suffix}', f'uftsn_r18_ucf101{suffix}'
        ]
        assert plan.fusion.name == f'uftsn_fusion_ucf101{suffix}'
        assert [item.checkpoint for item in plan.streams.values()] == [
            Path('runs', f'tsn_r152_ucf101{suffix}', 'epoch_2.pth'),
            Path('runs', f'uftsn_r18_ucf101{suffix}', 'epoch_3.pth')
        ]
        for item in (*plan.streams.values(), plan.fusion):
            assert item.cfg.split == split


def test_the_environment_is_left_as_it_was(read, monkeypatch):
    monkeypatch.delenv('SPLIT', raising=False)
    read(2)
    assert 'SPLIT' not in os.environ
    monkeypatch.setenv('SPLIT', '3')
    assert read(2).streams['spatial'].cfg.split == 2
    assert os.environ['SPLIT'] == '3'


def test_a_config_that_ignores_the_split_is_refused(read, configs_dir):
    path = configs_dir / 'uftsn_r18_ucf101.py'
    path.write_text(path.read_text().replace('{{$SPLIT:1}}', '1'))
    assert read(1).streams['temporal'].cfg.split == 1
    with pytest.raises(ValueError, match=f'{path}.*SPLIT:1'):
        read(2)


def test_a_single_stream_needs_no_fusion(read, configs_dir):
    (configs_dir / 'uftsn_fusion_ucf101.py').unlink()
    (configs_dir / 'tsn_r152_ucf101.py').unlink()
    plan = read(streams=['temporal'])
    assert plan.fusion is None and plan.rows == ['temporal']


@pytest.mark.parametrize('average, other', [('score', 'fusion_prob'),
                                            ('prob', 'fusion_score')])
def test_rows_are_what_the_fusion_gives(read, average, other):
    plan = read(options={'fusion.model.average': average})
    assert plan.rows == ['spatial', 'temporal', 'fusion', other]


def test_streams_and_fusion_are_tested_on_the_same_list(read):
    plan = read(
        options={
            'test_dataloader.dataset.ann_file': 'few.txt',
            'test_dataloader_of_mine.a': 1
        })
    for item in (*plan.streams.values(), plan.fusion):
        assert item.cfg.test_dataloader.dataset.ann_file == 'few.txt'
    # The rest of it stays, and other options are for the streams.
    assert plan.fusion.cfg.test_dataloader.num_workers == 2
    assert 'test_dataloader_of_mine' not in plan.fusion.cfg


@pytest.fixture
def own(tmp_path, configs_dir):
    """A motion stream of one's own, beside configs with lists."""
    lists = 'train_dataloader = test_dataloader = val_dataloader = dict(' \
        "dataset=dict(ann_file={}, pipeline=['{}']))\n"
    with open(configs_dir / 'uftsn_r18_ucf101.py', 'a') as file:
        file.write(lists.format("f'{split}.txt'", 'shipped'))
    path = tmp_path / 'mine.py'
    path.write_text("model = dict(type='Mine')\n"
                    'train_cfg = dict(max_epochs=7)\n' +
                    lists.format("'mine.txt'", 'mine'))
    return path


def test_another_stream_gets_the_lists_of_every_split(read, own):
    for split, suffix in ((1, ''), (2, '_split2')):
        plan = read(split, options={'temporal.model.depth': 5}, temporal=own)
        stream = plan.streams['temporal']
        assert stream.name == f'mine{suffix}'
        assert stream.checkpoint.name == 'epoch_7.pth'
        assert stream.cfg.model == dict(type='Mine', depth=5)
        for loader in ('train', 'val', 'test'):
            dataset = stream.cfg[f'{loader}_dataloader'].dataset
            assert dataset.ann_file == f'{split}.txt'
            assert dataset.pipeline == ['mine']
        # Not in the folder of the shipped fusion's test.
        assert plan.fusion.name == f'uftsn_fusion_mine{suffix}'
        assert plan.streams['spatial'].name == f'tsn_r152_ucf101{suffix}'
        fused = plan.fusion.cfg.model.streams.temporal
        assert fused.model == stream.cfg.model
        assert fused.checkpoint == str(stream.checkpoint)


def test_a_list_inside_of_a_wrapper_is_replaced_too(read, own):
    with open(own, 'a') as file:
        file.write('train_dataloader = dict(dataset=dict(times=2, '
                   "dataset=dict(ann_file='mine.txt')))\n"
                   'split = 1\nval_dataloader = None\n')

    def cfg():
        plan = read(2, ['temporal'], temporal=own)
        return plan.streams['temporal'].cfg

    assert cfg().train_dataloader.dataset.dataset.ann_file == '2.txt'
    assert 'ann_file' not in cfg().train_dataloader.dataset
    # What is written beside the runs must not name another split.
    assert cfg().split == 2 and cfg().val_dataloader is None
    with open(own, 'a') as file:
        file.write('test_dataloader = dict(dataset=dict(datasets=[]))')
    with pytest.raises(ValueError, match='test_dataloader.dataset .*ann_file'):
        cfg()


def test_a_stream_of_another_split_keeps_one_name(read, own):
    other = own.rename(own.with_name('mine_split2.py'))
    for split, name in ((1, 'mine'), (2, 'mine_split2')):
        plan = read(split, ['temporal'], temporal=other)
        assert plan.streams['temporal'].name == name


@pytest.mark.parametrize('split', [2, 3])
@pytest.mark.parametrize('data_set', ['ucf101', 'hmdb51'])
def test_the_shipped_stream_put_in_its_own_place_is_the_same(
        read, repo_root, data_set, split):
    folder = repo_root / 'configs'
    shipped, same = (
        read(split, ['temporal'], {}, folder, data_set,
             **replaced).streams['temporal'] for replaced in ({}, dict(
                 temporal=folder / f'uftsn_r18_{data_set}.py')))
    assert same.name == shipped.name == f'uftsn_r18_{data_set}_split{split}'
    assert same.cfg.to_dict() == shipped.cfg.to_dict()
    ann_file = shipped.cfg.test_dataloader.dataset.ann_file
    assert f'split_{split}' in ann_file


@pytest.mark.parametrize('split', [1, 2])
@pytest.mark.parametrize('data_set', ['ucf101', 'hmdb51'])
def test_another_flow_follows_data_set_and_split(read, repo_root, data_set,
                                                 split):
    folder = repo_root / 'configs'
    plan = read(split, BOTH, {}, folder, data_set,
                temporal=folder / 'other_flows/uftsn_tvl1.py')
    stream, suffix = plan.streams['temporal'], '_split2' * (split == 2)
    assert stream.name == f'uftsn_r18_{data_set}_tvl1{suffix}'
    assert stream.cfg.model.flow_estimator.type == 'TVL1FlowEstimator'
    lists = plan.streams['spatial'].cfg.train_dataloader.dataset
    for key in ('ann_file', 'num_classes', 'data_prefix'):
        assert stream.cfg.train_dataloader.dataset[key] == lists[key]


def test_a_config_derived_from_a_shipped_one_keeps_its_name(
        read, repo_root, tmp_path):
    """Also on splits on which the shipped one names its folder."""
    own = tmp_path / 'mine.py'
    own.write_text(f"_base_ = ['{repo_root}/configs/uftsn_r18_ucf101.py']")
    for split, name in ((1, 'mine'), (2, 'mine_split2')):
        plan = read(split, ['temporal'], {}, repo_root / 'configs',
                    temporal=own)
        assert plan.streams['temporal'].name == name


def test_another_stream_has_to_fit(read, own):
    with pytest.raises(ValueError, match='--temporal .*--streams'):
        read(streams=['spatial'], temporal=own)
    with open(own, 'a') as file:
        file.write('model = dict(cls_head=dict(num_classes=51))')
    with pytest.raises(ValueError, match='num_classes of .* is 51, .*None'):
        read(temporal=own)
    with pytest.raises(FileNotFoundError, match='gone.py.*--temporal'):
        read(temporal=own.with_name('gone.py'))


@pytest.mark.parametrize('key', ['temporal.a', 'fusion.a', 'spatial'])
def test_options_for_nobody_are_refused(key):
    assert options_of(['spatial'], {'a.b': 1}) == dict(spatial={'a.b': 1})
    with pytest.raises(ValueError, match=f"--cfg-options .*'{key}'"):
        options_of(['spatial'], {key: 1})


def test_configs_that_do_not_fit_are_named(read, configs_dir):
    with pytest.raises(ValueError, match=r"\['sound'\].*spatial"):
        read(streams=['sound'])
    fusion = configs_dir / 'uftsn_fusion_ucf101.py'
    fusion.write_text('model = dict(streams=dict(rgb=dict()))')
    with pytest.raises(ValueError, match=f"{fusion} .*'rgb'"):
        read()
    stream = configs_dir / 'uftsn_r18_ucf101.py'
    stream.write_text('model = dict()\ntrain_cfg = dict(max_iters=5)')
    with pytest.raises(ValueError, match=f'max_epochs of {stream} is None'):
        read()
    stream.unlink()
    with pytest.raises(FileNotFoundError, match=str(stream)):
        read()
