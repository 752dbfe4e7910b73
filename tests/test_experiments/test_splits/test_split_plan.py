# SPDX-License-Identifier: Apache-2.0
import pytest

from uftsn_mmaction.experiments.splits.plan import SplitPlan, options_of

BOTH = ('temporal', 'spatial')


def test_split_one_has_the_plain_names(configs_dir):
    for split, suffix in ((1, ''), (3, '_split3')):
        plan = SplitPlan.from_files('ucf101', split, BOTH, configs_dir)
        assert [item.name for item in plan.streams.values()] == [
            f'tsn_r152_ucf101{suffix}', f'uftsn_r18_ucf101{suffix}'
        ]
        assert plan.fusion.name == f'uftsn_fusion_ucf101{suffix}'
        assert [item.max_epochs for item in plan.streams.values()] == [2, 3]


def test_a_single_stream_needs_no_fusion(configs_dir):
    (configs_dir / 'uftsn_fusion_ucf101.py').unlink()
    (configs_dir / 'tsn_r152_ucf101.py').unlink()
    plan = SplitPlan.from_files('ucf101', 1, ['temporal'], configs_dir)
    assert plan.fusion is None and plan.rows == ['temporal']


@pytest.mark.parametrize('average, other', [('score', 'fusion_prob'),
                                            ('prob', 'fusion_score')])
def test_rows_are_what_the_fusion_gives(configs_dir, average, other):
    plan = SplitPlan.from_files('ucf101', 1, BOTH, configs_dir,
                                {'fusion.model.average': average})
    assert plan.rows == ['spatial', 'temporal', 'fusion', other]


def test_streams_and_fusion_are_tested_on_the_same_list(configs_dir):
    plan = SplitPlan.from_files(
        'ucf101', 1, BOTH, configs_dir, {
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
    lists = "train_dataloader = test_dataloader = val_dataloader = dict(" \
        "dataset=dict(ann_file='{}.txt', pipeline=['{}']))\n"
    with open(configs_dir / 'uftsn_r18_ucf101.py', 'a') as file:
        file.write(lists.format('{{$SPLIT:1}}', 'shipped'))
    path = tmp_path / 'mine.py'
    path.write_text("model = dict(type='Mine')\n"
                    'train_cfg = dict(max_epochs=7)\n' +
                    lists.format('mine', 'mine'))
    return path


def test_another_stream_gets_the_lists_of_every_split(configs_dir, own):
    for split, suffix in ((1, ''), (2, '_split2')):
        plan = SplitPlan.from_files(
            'ucf101', split, BOTH, configs_dir,
            {'temporal.model.depth': 5}, dict(temporal=own))
        stream = plan.streams['temporal']
        assert stream.name == f'mine{suffix}' and stream.max_epochs == 7
        assert stream.cfg.model == dict(type='Mine', depth=5)
        for loader in ('train', 'val', 'test'):
            dataset = stream.cfg[f'{loader}_dataloader'].dataset
            assert dataset.ann_file == f'{split}.txt'
            assert dataset.pipeline == ['mine']
        # Not in the folder of the shipped fusion's test.
        assert plan.fusion.name == f'uftsn_fusion_mine{suffix}'
        assert plan.streams['spatial'].name == f'tsn_r152_ucf101{suffix}'
        fused = plan.fusion_config(dict(temporal='a.pth', spatial='b.pth'))
        assert fused.model.streams.temporal.model == stream.cfg.model


def test_a_list_inside_of_a_wrapper_is_replaced_too(configs_dir, own):
    with open(own, 'a') as file:
        file.write('train_dataloader = dict(dataset=dict(times=2, '
                   "dataset=dict(ann_file='mine.txt')))\n"
                   'split = 1\nval_dataloader = None\n')

    def read():
        return SplitPlan.from_files('ucf101', 2, ['temporal'], configs_dir, {},
                                    dict(temporal=own)).streams['temporal']

    stream = read()
    assert stream.cfg.train_dataloader.dataset.dataset.ann_file == '2.txt'
    assert 'ann_file' not in stream.cfg.train_dataloader.dataset
    # What is written beside the runs must not name another split.
    assert stream.cfg.split == 2 and stream.cfg.val_dataloader is None
    with open(own, 'a') as file:
        file.write('test_dataloader = dict(dataset=dict(datasets=[]))')
    with pytest.raises(ValueError, match='test_dataloader.dataset of .* no'):
        read()


def test_a_stream_of_another_split_keeps_one_name(configs_dir, own):
    other = own.rename(own.with_name('mine_split2.py'))
    for split, name in ((1, 'mine'), (2, 'mine_split2')):
        plan = SplitPlan.from_files('ucf101', split, ['temporal'], configs_dir,
                                    {}, dict(temporal=other))
        assert plan.streams['temporal'].name == name


@pytest.mark.parametrize('split', [2, 3])
@pytest.mark.parametrize('data_set', ['ucf101', 'hmdb51'])
def test_the_shipped_stream_put_in_its_own_place_is_the_same(
        repo_root, data_set, split):
    folder = repo_root / 'configs'
    shipped, same = (
        SplitPlan.from_files(data_set, split, ['temporal'], folder, {},
                             replaced).streams['temporal']
        for replaced in ({}, dict(
            temporal=folder / f'uftsn_r18_{data_set}.py')))
    assert same.name == shipped.name
    assert same.cfg.to_dict() == shipped.cfg.to_dict()


@pytest.mark.parametrize('split', [1, 2])
@pytest.mark.parametrize('data_set', ['ucf101', 'hmdb51'])
def test_another_flow_follows_data_set_and_split(repo_root, data_set, split):
    plan = SplitPlan.from_files(
        data_set, split, BOTH, repo_root / 'configs', {},
        dict(temporal=repo_root / 'configs/other_flows/uftsn_tvl1.py'))
    stream, suffix = plan.streams['temporal'], '_split2' * (split == 2)
    assert stream.name == f'uftsn_r18_{data_set}_tvl1{suffix}'
    assert stream.cfg.model.flow_estimator.type == 'TVL1FlowEstimator'
    lists = plan.streams['spatial'].cfg.train_dataloader.dataset
    for key in ('ann_file', 'num_classes', 'data_prefix'):
        assert stream.cfg.train_dataloader.dataset[key] == lists[key]


def test_a_config_derived_from_a_shipped_one_keeps_its_name(
        repo_root, tmp_path):
    """Also on splits on which the shipped one names its folder."""
    own = tmp_path / 'mine.py'
    own.write_text(f"_base_ = ['{repo_root}/configs/uftsn_r18_ucf101.py']")
    for split, name in ((1, 'mine'), (2, 'mine_split2')):
        plan = SplitPlan.from_files(
            'ucf101', split, ['temporal'], repo_root / 'configs', {},
            dict(temporal=own))
        assert plan.streams['temporal'].name == name


def test_configs_have_to_follow_the_split(configs_dir):
    path = configs_dir / 'uftsn_r18_ucf101.py'
    path.write_text(path.read_text().replace('{{$SPLIT:1}}', '1'))
    SplitPlan.from_files('ucf101', 1, ['temporal'], configs_dir)
    with pytest.raises(ValueError, match='uftsn_r18_ucf101.py.*SPLIT=2'):
        SplitPlan.from_files('ucf101', 2, ['temporal'], configs_dir)


def test_another_stream_has_to_fit(configs_dir, own):
    with pytest.raises(ValueError, match="--temporal names a config, but"):
        SplitPlan.from_files('ucf101', 1, ['spatial'], configs_dir, {},
                             dict(temporal=own))
    with open(own, 'a') as file:
        file.write('model = dict(cls_head=dict(num_classes=51))')
    with pytest.raises(ValueError, match='num_classes of .* is 51, expected'):
        SplitPlan.from_files('ucf101', 1, BOTH, configs_dir, {},
                             dict(temporal=own))
    with pytest.raises(FileNotFoundError, match='gone.*correct --temporal$'):
        SplitPlan.from_files('ucf101', 1, BOTH, configs_dir, {},
                             dict(temporal=own.with_name('gone.py')))


def test_options_for_nobody_are_refused():
    assert options_of(['spatial'], {'a.b': 1}) == dict(spatial={'a.b': 1})
    for key in ('temporal.a', 'fusion.a', 'spatial'):
        with pytest.raises(ValueError, match=f"--cfg-options has '{key}'"):
            options_of(['spatial'], {key: 1})


def test_what_does_not_fit_is_named(configs_dir):
    with pytest.raises(ValueError, match=r"streams are \['sound'\], expected"):
        SplitPlan.from_files('ucf101', 1, ['sound'], configs_dir)
    fusion = configs_dir / 'uftsn_fusion_ucf101.py'
    fusion.write_text('model = dict(streams=dict(rgb=dict()))')
    with pytest.raises(ValueError, match=r"streams of .* are \['rgb'\]"):
        SplitPlan.from_files('ucf101', 1, BOTH, configs_dir)
    stream = configs_dir / 'uftsn_r18_ucf101.py'
    stream.write_text('model = dict()\ntrain_cfg = dict(max_iters=5)')
    with pytest.raises(ValueError, match='train_cfg.max_epochs of .* is None'):
        SplitPlan.from_files('ucf101', 1, BOTH, configs_dir)
    stream.unlink()
    with pytest.raises(FileNotFoundError, match='does not exist .absolute'):
        SplitPlan.from_files('ucf101', 1, BOTH, configs_dir)
