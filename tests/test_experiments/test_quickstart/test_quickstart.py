# SPDX-License-Identifier: Apache-2.0
"""The phases: in order, each one once, and none with another's settings."""
import itertools
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock
from mmengine.config import Config

from uftsn_mmaction.experiments import tools
from uftsn_mmaction.experiments.quickstart import quickstart, run_quickstart
from uftsn_mmaction.experiments.run import RunError


@pytest.fixture
def phases(monkeypatch, build_result, fusion_result):
    """Names of the phases as they run, with stand-ins that write files."""
    seen, starts = [], itertools.count(1000)

    def run_process(command, env=None):
        tool, config, *rest = command[1:]
        folder = Path(rest[rest.index('--work-dir') + 1])
        seen.append(f'{Path(tool).stem} {folder.name}')
        log = folder / f'2026_{next(starts)}' / 'vis_data/scalars.json'
        log.parent.mkdir(parents=True)
        metrics = build_result().metrics
        with log.open('w') as file:
            for epoch in range(1, Config.fromfile(config).train_cfg.max_epochs
                               + 1):
                (folder / f'epoch_{epoch}.pth').touch()
                file.write(json.dumps(dict(metrics, step=epoch)) + '\n')
        return 0

    def run_test(cfg, work_dir, checkpoint=None, picture_labels=()):
        if 'streams' in cfg.model:
            streams = cfg.model.streams.values()
            names = [stream.checkpoint.split('/')[-2:] for stream in streams]
            seen.append('fuse ' + ' '.join(map('/'.join, names)))
            return fusion_result
        estimator = cfg.model.flow_estimator.type
        seen.append(f'test {checkpoint and checkpoint.parent.name} '
                    f'{checkpoint and checkpoint.stem} {estimator}')
        return build_result()

    def write_report(path, *args):
        path.write_text('report')

    monkeypatch.setattr(quickstart, 'write_report', write_report)
    monkeypatch.setattr(tools, 'run_process', run_process)
    monkeypatch.setattr(quickstart, 'run_test', run_test)
    return seen


@pytest.fixture
def start(config_file, fusion_file, tiny_options, tmp_path, phases):
    """Function that runs the quickstart in ``tmp_path / 'run'``."""

    def run(options=None, config=config_file, **kwargs):
        phases.clear()
        settings = tools.RunSettings(
            Path('tools'), tmp_path / 'run', gpus=0, threads=1)
        return run_quickstart(
            config,
            fusion_file,
            settings, {
                **tiny_options,
                **(options or {})
            },
            data_root=str(tmp_path / 'my data'),
            **kwargs)

    return run


OURS = 'UnsupervisedFlowEstimator'
TESTS = [
    f'test temporal epoch_3 {OURS}', f'test control epoch_2 {OURS}',
    'test None None TVL1FlowEstimator',
    'fuse spatial/epoch_4.pth temporal/epoch_3.pth'
]
TRAININGS = ['train temporal', 'train control', 'train spatial']


def test_second_run_only_writes_the_report(start, phases, tmp_path):
    first = start()
    assert phases == [*TRAININGS, *TESTS]
    report = tmp_path / 'run' / 'report.html'
    report.unlink()
    assert start() == first
    assert phases == []
    assert report.exists()


def test_goes_on_where_it_was_interrupted(start, phases, tmp_path):
    start()
    work_dir = tmp_path / 'run'
    (work_dir / 'tests' / 'control.npz').unlink()
    start()
    assert phases == [TESTS[1]]
    # A training with two of its three checkpoints.
    (work_dir / 'temporal' / 'epoch_3.pth').unlink()
    start()
    assert phases == ['train temporal']


def test_makes_up_for_a_validation_that_was_cut_off(start, phases, tmp_path,
                                                    build_result):
    start()
    work_dir = tmp_path / 'run'
    (work_dir / 'temporal' / 'epoch_3.pth').unlink()
    for path in (work_dir / 'temporal').glob('*/vis_data/scalars.json'):
        record = dict(build_result().metrics, step=1)
        path.write_text(json.dumps(record) + '\n')
    start()
    # Before the training, which removes old checkpoints.
    assert phases == [
        f'test temporal epoch_2 {OURS}', 'train temporal'
    ]


def test_time_adds_up_over_interruptions(start, monkeypatch, tmp_path):

    with monkeypatch.context() as patch:
        patch.setattr(tools, 'run_process', lambda command, env: 3)
        for _ in range(2):
            # Each reading of the clock is a second after the one before.
            clock = SimpleNamespace(perf_counter=itertools.count().__next__)
            patch.setattr(quickstart, 'time', clock)
            with pytest.raises(RunError, match='status 3'):
                start()
    seconds = json.loads((tmp_path / 'run' / 'seconds.json').read_text())
    assert seconds == dict(data=2, training=2)
    metrics = start()
    found = metrics['seconds_of_phases']
    assert found['training'] > 2
    assert metrics['seconds'] == pytest.approx(sum(found.values()))


def test_other_settings_need_another_folder(start, phases, tmp_path):
    start()
    with pytest.raises(ValueError, match='randomness.seed was 0, is 5'):
        start({'randomness.seed': 5})
    assert phases == []
    # What is not ours outlives a restart.
    (tmp_path / 'run' / 'notes.txt').touch()
    metrics = start({'randomness.seed': 5}, restart=True)
    assert metrics['settings']['seed'] == 5
    assert phases == [*TRAININGS, *TESTS]
    assert (tmp_path / 'run' / 'notes.txt').exists()


def test_settings_may_change_before_the_training(start, phases):
    for loader in ('train', 'test'):
        option = {f'{loader}_dataloader.dataset.generator.num_frames': 1}
        with pytest.raises(ValueError, match='num_frames'):
            start(option)
    start()
    assert phases[0] == 'train temporal'


def test_refuses_a_folder_of_something_else(start, phases, tmp_path):
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / 'thesis.tex').touch()
    for restart in (False, True):
        with pytest.raises(ValueError, match=str(tmp_path / 'run')):
            start(restart=restart)
    assert [path.name for path in (tmp_path / 'run').iterdir()
            ] == ['thesis.tex']


def test_refuses_a_folder_in_use(start, phases, tmp_path):
    start()
    with FileLock(tmp_path / 'run' / '.lock'):
        with pytest.raises(ValueError, match=str(tmp_path / 'run')):
            start(restart=True)
    assert (tmp_path / 'run' / 'metrics.json').exists()


def test_the_control_is_tested_on_its_own_flow(start, phases, repo_root):
    start(config=str(repo_root / 'configs' / 'uftsn_plus_quickstart.py'))
    refined = 'RefinedFlowEstimator'
    assert phases[3:] == [
        f'test temporal epoch_3 {refined}', f'test control epoch_2 {OURS}',
        'test None None TVL1FlowEstimator', f'test None None {refined}',
        phases[-1]
    ]
