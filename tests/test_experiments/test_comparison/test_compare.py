# SPDX-License-Identifier: Apache-2.0
"""Trainings and tests of a comparison, recorded instead of run."""
import json
from dataclasses import replace

import pytest
import torch
from filelock import FileLock
from mmaction.registry import MODELS
from mmengine.config import Config

from uftsn_mmaction.engine.hooks.stage import stage_configs
from uftsn_mmaction.experiments.comparison.compare import compare_flows


def configs_of(settings):
    return {
        path.stem: Config.fromfile(path).to_dict()
        for path in (settings.work_dir / 'configs').iterdir()
    }


def cells_of(text, name):
    """Cells of a row of a Markdown table, its name aside."""
    row, = (line for line in text.splitlines()
            if line.startswith(f'| {name} '))
    return [cell.strip() for cell in row.strip('|').split('|')][1:]


def test_only_the_estimator_differs(tools, config_file, settings, checkpoint):
    specs = ['dis', 'tvl1_fast', 'tvnet', 'untrained', 'zero', 'ours',
             f'uftsn_small:{checkpoint}']
    compare_flows(config_file, specs, [3], settings)
    found = configs_of(settings)
    first = found.pop('stage_1_seed_3')
    assert [stage.name for stage in stage_configs(first)] == ['flow']
    assert len(found) == len(specs)
    types, starts = set(), {}
    for name, cfg in found.items():
        types.add(cfg['model'].pop('flow_estimator')['type'].split('.')[-1])
        starts[name] = cfg.pop('load_from')
    assert types == {
        'DISFlowEstimator', 'TVL1FlowEstimator', 'TVNetFlowEstimator',
        'UnsupervisedFlowEstimator', 'ZeroFlowEstimator'
    }
    reference = found.pop('dis_seed_3')
    assert reference['randomness'] == dict(seed=3)
    assert reference['train_cfg']['max_epochs'] == 4
    for name, cfg in found.items():
        assert cfg == reference, name
    # The same classifier; weights of an estimator where it has any.
    classifiers = []
    for name, start in starts.items():
        state = torch.load(start, weights_only=True)['state_dict']
        classifiers.append({
            key: value for key, value in state.items()
            if not key.startswith('flow_estimator.')
        })
        has_weights = len(state) > len(classifiers[-1])
        assert has_weights == name.startswith(('ours', 'uftsn_small_ours'))
    for classifier in classifiers:
        assert classifier.keys() == classifiers[0].keys()
        assert all(
            torch.equal(value, classifiers[0][key])
            for key, value in classifier.items())


def test_stages_of_ours_share_the_first_one(tools, config_file, settings):
    compare_flows(config_file, ['ours', 'ours+joint'], [0], settings)
    assert tools.ran == [('train', 'stage_1_seed_0'), ('train', 'ours_seed_0'),
                         ('test', 'ours_seed_0'),
                         ('train', 'ours+joint_seed_0'),
                         ('test', 'ours+joint_seed_0')]
    runs = settings.work_dir / 'runs'
    begin = runs / 'stage_1' / 'seed_0' / 'epoch_9.pth'
    cfg = configs_of(settings)
    trained = torch.load(begin, weights_only=True)
    taken = torch.load(
        cfg['ours_seed_0']['load_from'], weights_only=True)['state_dict']
    assert {name for name in taken if 'estimator' in name} == {*trained}
    assert all(torch.equal(taken[name], trained[name]) for name in trained)
    # Stage 1 itself has the same classifier, and an estimator of its own.
    start = torch.load(
        cfg['stage_1_seed_0']['load_from'], weights_only=True)['state_dict']
    assert set(start) == set(taken) - set(trained)
    assert all(torch.equal(taken[name], start[name]) for name in start)
    # The other one goes on, with its optimizer.
    assert cfg['ours+joint_seed_0']['load_from'] is None
    assert len(stage_configs(cfg['ours+joint_seed_0'])) == 3
    joint = runs / 'ours+joint' / 'seed_0'
    assert (joint / begin.name).read_bytes() == begin.read_bytes()
    # The trainer drops load_from with --resume.
    resumed = {
        name: '--resume' in rest
        for tool, name, rest in tools.calls if tool == 'train'
    }
    assert resumed == {
        'stage_1_seed_0': False,
        'ours_seed_0': False,
        'ours+joint_seed_0': True
    }


def test_the_refined_flow_is_that_of_the_first_stage(tools, config_file,
                                                     settings):
    """One training of the estimator, and one more of the classifier."""
    compare_flows(config_file, ['ours', 'ours+refined'], [0], settings)
    assert [name for tool, name in tools.ran if tool == 'train'] == [
        'stage_1_seed_0', 'ours_seed_0', 'ours+refined_seed_0'
    ]
    bare, refined = (configs_of(settings)[name] for name in
                     ('ours_seed_0', 'ours+refined_seed_0'))
    assert refined['model']['flow_estimator'] == dict(
        type='RefinedFlowEstimator',
        flow_estimator=bare['model']['flow_estimator'])
    taken, state = (
        torch.load(cfg['load_from'], weights_only=True)['state_dict']
        for cfg in (refined, bare))
    assert taken.keys() == state.keys()
    assert all(torch.equal(taken[name], state[name]) for name in state)
    model = MODELS.build(refined['model'])
    model.load_state_dict(taken)
    assert not model.flow_estimator.has_random_weights


def test_mean_and_spread_over_seeds(tools, config_file, settings):
    table = compare_flows(config_file, ['dis', 'untrained'], [0, 1, 2],
                          settings, {'train_dataloader.batch_size': 4})
    found = json.loads((settings.work_dir / 'flows.json').read_text())
    assert found['seeds'] == [0, 1, 2] and found['failures'] == []
    assert found['cfg_options'] == {'train_dataloader.batch_size': 4}
    assert configs_of(
        settings)['dis_seed_0']['train_dataloader']['batch_size'] == 4
    row = found['rows'][0]
    assert row['metrics']['acc/top1'] == pytest.approx(
        dict(mean=0.6, std=0.1, median=0.6, min=0.5, max=0.7))
    assert row['by_seed']['2']['acc/top1'] == pytest.approx(0.7)
    assert 'patch_size=8' in row['settings']
    text = (settings.work_dir / 'flows.md').read_text()
    assert text.startswith(table.to_markdown())
    assert cells_of(text, 'dis') == [
        '0.250', '60.0 ± 10.0 (50.0 to 70.0)', '0, 1, 2'
    ]
    assert cells_of(text, 'untrained (random weights)') == [
        '0.250', '10.0 ± 10.0 (0.0 to 20.0)', '0, 1, 2'
    ]
    assert '```bash\npython ' in text
    # The first seed of all comes before the second of any.
    assert [name for tool, name in tools.ran if tool == 'test'][:3] == [
        'dis_seed_0', 'untrained_random_weights_seed_0', 'dis_seed_1'
    ]


def test_finished_work_is_not_done_again_and_seeds_can_be_added(
        tools, config_file, settings):
    compare_flows(config_file, ['dis'], [0], settings)
    runs = settings.work_dir / 'runs' / 'dis'
    tools.calls.clear()
    compare_flows(config_file, ['dis', 'tvl1_fast'], [0, 1], settings)
    assert [name for tool, name in tools.ran if tool == 'train'
            ] == ['tvl1_fast_seed_0', 'dis_seed_1', 'tvl1_fast_seed_1']
    tools.calls.clear()
    # Interrupted: one in its training, one before its test was over.
    for seed in (0, 1):
        (runs / f'seed_{seed}' / 'result.json').unlink()
    (runs / 'seed_1' / 'epoch_4.pth').rename(runs / 'seed_1' / 'epoch_2.pth')
    # One whose test is over does not need its checkpoint.
    (runs.parent / 'tvl1_fast' / 'seed_0' / 'epoch_4.pth').unlink()
    table = compare_flows(config_file, ['dis', 'tvl1_fast'], [0, 1], settings)
    assert tools.ran == [('test', 'dis_seed_0'), ('train', 'dis_seed_1'),
                         ('test', 'dis_seed_1')]
    assert '--resume' in tools.calls[1][2]
    assert not table.failures


def test_a_failure_is_a_gap_and_the_next_training_follows(
        tools, config_file, settings, capsys):
    tools.broken.add(('train', 'dis_seed_0'))
    tools.silent.add(('test', 'tvl1_fast_seed_1'))
    table = compare_flows(config_file, ['dis', 'tvl1_fast', 'zero'], [0, 1],
                          settings)
    assert ('test', 'dis_seed_0') not in tools.ran
    assert ('test', 'dis_seed_1') in tools.ran
    assert 'exit status 3' in table.failures['dis', 0]
    assert 'without metrics' in table.failures['tvl1_fast', 1]
    assert 'dis, seed 0: ' in capsys.readouterr().err
    found = json.loads((settings.work_dir / 'flows.json').read_text())
    assert [(item['estimator'], item['seed'])
            for item in found['failures']] == [('dis', 0), ('tvl1_fast', 1)]
    # A mean of one seed would pass for one of two.
    row = found['rows'][0]
    assert row['metrics']['acc/top1'] is None
    assert row['by_seed'] == {'0': None, '1': {'acc/top1': 0.6,
                                               'flow/AEPE': 0.25}}
    assert found['rows'][2]['metrics']['acc/top1']['mean'] == 0.05
    text = (settings.work_dir / 'flows.md').read_text()
    assert cells_of(text, 'dis') == ['-', '-', '0, 1']
    assert 'dis, seed 0 failed: ' in text


def test_runs_of_other_settings_are_refused(tools, config_file, settings,
                                            checkpoint):
    mine = f'uftsn_small:{checkpoint}'
    compare_flows(config_file, [mine, 'ours'], [0], settings)
    tools.calls.clear()
    with pytest.raises(ValueError, match=r'batch_size was \d+, is 3'):
        compare_flows(config_file, ['ours'], [0], settings,
                      {'train_dataloader.batch_size': 3})
    # Other weights in a file of the same name.
    weights = torch.load(checkpoint, weights_only=True)['state_dict']
    torch.save({name: value + 1 for name, value in weights.items()},
               checkpoint)
    with pytest.raises(ValueError, match=r'load_from was'):
        compare_flows(config_file, [mine], [0], settings)
    # What ours+joint would go on from is not of its settings.
    stage = 'default_hooks.stages.stages.flow.lr.flow_estimator'
    with pytest.raises(ValueError, match=r'stage_1/seed_0.* is 0\.0001'):
        compare_flows(config_file, ['ours+joint'], [0], settings,
                      {stage: 1e-4})
    # Two processes have twice the batch.
    with pytest.raises(ValueError, match='processes was 1, is 2'):
        compare_flows(config_file, ['ours'], [0], replace(settings, gpus=2))
    assert not tools.calls


def test_a_training_without_its_settings_is_refused(tools, config_file,
                                                    settings):
    compare_flows(config_file, ['dis'], [0], settings)
    tools.calls.clear()
    folder = settings.work_dir / 'runs' / 'dis' / 'seed_0'
    (folder / 'settings.json').unlink()
    for missing in ('result.json', 'epoch_4.pth'):
        with pytest.raises(ValueError, match='settings.json') as caught:
            compare_flows(config_file, ['dis'], [0], settings)
        assert str(folder) in str(caught.value)
        (folder / missing).unlink()
    assert not tools.calls
    # Nothing is left that may have other settings.
    assert not compare_flows(config_file, ['dis'], [0], settings).failures


def test_two_comparisons_do_not_share_a_folder(tools, config_file, settings):
    settings.work_dir.mkdir()
    with FileLock(settings.work_dir / '.lock'), pytest.raises(
            ValueError, match='at work'):
        compare_flows(config_file, ['dis'], [0], settings)
    assert not tools.calls


@pytest.mark.parametrize('seeds', [[], [1, 1], [-1]])
def test_seeds_are_different_and_not_negative(tools, config_file, settings,
                                              seeds):
    with pytest.raises(ValueError, match='--seeds'):
        compare_flows(config_file, ['dis'], seeds, settings)
    assert not settings.work_dir.exists()
