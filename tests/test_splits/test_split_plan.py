# SPDX-License-Identifier: Apache-2.0
import pytest

from uftsn_mmaction.splits.plan import SplitPlan, options_of

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
