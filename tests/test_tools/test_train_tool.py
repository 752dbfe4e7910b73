# SPDX-License-Identifier: Apache-2.0
"""tools/train.py: the script of MMAction2, found where it was installed."""
import re
import runpy
import sys
from pathlib import Path

import mmaction
import pytest
import torch
from mmengine.runner import Runner

OPTIONS = [
    'train_cfg.max_epochs=1', 'train_dataloader.batch_size=8',
    'train_dataloader.num_workers=0',
    'train_dataloader.dataset.generator.num_train=16',
    'train_dataloader.dataset.generator.num_test=8',
    'train_dataloader.dataset.generator.size=(32,32)',
    'train_dataloader.dataset.generator.num_frames=6',
    'train_dataloader.dataset.generator.speed=1.0'
]


@pytest.fixture
def tool(repo_root, monkeypatch):
    """Function that runs the tool in this process."""
    monkeypatch.syspath_prepend(str(repo_root / 'tools'))
    monkeypatch.setenv('LOCAL_RANK', '0')
    path = str(repo_root / 'tools' / 'train.py')

    def run(*args):
        monkeypatch.setattr(sys, 'argv', [path, *args])
        runpy.run_path(path, run_name='__main__')

    return run


@pytest.fixture
def no_gpu(monkeypatch):
    """A machine without an accelerator."""
    monkeypatch.setattr('mmengine.device.get_device', lambda: 'cpu')


@pytest.mark.parametrize('wrapper', ['OptimWrapper', 'Bfloat16OptimWrapper'])
def test_an_epoch_with_options_of_the_stock_script(repo_root, tmp_path,
                                                   run_command, wrapper):
    work_dir = tmp_path / 'work_dir'
    done = run_command([
        sys.executable, '-W', 'ignore', repo_root / 'tools' / 'train.py',
        repo_root / 'configs' / 'tsn_r18_quickstart.py', '--no-validate',
        '--work-dir', work_dir, '--cfg-options', *OPTIONS,
        f'train_dataloader.dataset.data_root={tmp_path / "data"}',
        f'optim_wrapper.type={wrapper}'
    ], cwd=tmp_path)  # yapf: disable
    assert len(re.findall(r'Epoch\(train\) +\[1\]\[2/2\]', done.stdout)) == 1
    assert 'Epoch(val)' not in done.stdout
    checkpoint = torch.load(work_dir / 'epoch_1.pth')
    assert checkpoint['meta']['iter'] == 2
    assert checkpoint['state_dict']['cls_head.fc_cls.weight'].shape[0] == 16


def test_missing_config_is_one_sentence(tool, tmp_cwd):
    with pytest.raises(SystemExit) as caught:
        tool('none.py')
    text = str(caught.value)
    assert text.startswith('error: ') and 'none.py' in text
    assert '\n' not in text


WRAPPER = '--cfg-options optim_wrapper.type='


@pytest.mark.parametrize('config, options, settings', [
    ('uftsn_fusion_quickstart', '', ('fusion', "['spatial', 'temporal']")),
    ('_base_/default_runtime', '', ('default_runtime.py', 'model')),
    ('uftsn_quickstart', '--amp', ('--amp', 'GPU', 'AVX512-BF16')),
    ('uftsn_quickstart', f'{WRAPPER}AmpOptimWrapper',
     ('optim_wrapper.type=AmpOptimWrapper', 'GPU')),
    ('uftsn_quickstart', '--launcher pytorch', ('pytorch', 'RANK')),
    ('uftsn_quickstart', '--launcher slurm', ('slurm', 'SLURM_PROCID')),
    ('uftsn_quickstart', '--launcher mpi', ('mpi', 'OMPI_COMM_WORLD_RANK')),
])
def test_impossible_options_are_one_sentence(tool, repo_root, config, options,
                                             settings, no_gpu, monkeypatch):
    for variable in ('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_RANK'):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(SystemExit) as caught:
        tool(str(repo_root / 'configs' / f'{config}.py'), *options.split())
    text = str(caught.value)
    assert text.startswith('error: ') and '\n' not in text
    assert all(setting in text for setting in settings), text


def test_a_cluster_without_a_gpu_is_refused(tool, repo_root, no_gpu,
                                            monkeypatch):
    monkeypatch.setenv('OMPI_COMM_WORLD_RANK', '0')
    with pytest.raises(SystemExit, match='--launcher mpi needs a GPU'):
        tool(
            str(repo_root / 'configs' / 'uftsn_quickstart.py'), '--launcher',
            'mpi')


def test_nodes_of_slurm_need_an_address(tool, repo_root, no_gpu, monkeypatch):
    monkeypatch.delenv('MASTER_ADDR', raising=False)
    for name, value in dict(PROCID=0, NTASKS=2, NNODES=2).items():
        monkeypatch.setenv(f'SLURM_{name}', str(value))
    with pytest.raises(SystemExit, match='MASTER_ADDR is not set'):
        tool(
            str(repo_root / 'configs' / 'uftsn_quickstart.py'), '--launcher',
            'slurm')


def test_rates_are_scaled_from_a_known_size_alone(tool, tmp_path, repo_root):
    config = tmp_path / 'own.py'
    config.write_text(f"_base_ = ['{repo_root}/configs/uftsn_quickstart.py']\n"
                      'auto_scale_lr = dict(_delete_=True)\n')
    with pytest.raises(SystemExit, match='--auto-scale-lr needs .*base_batch'):
        tool(str(config), '--auto-scale-lr')


def test_amp_beside_another_wrapper_is_refused(tool, repo_root, tmp_path):
    config = tmp_path / 'apex.py'
    config.write_text(f"_base_ = ['{repo_root}/configs/uftsn_quickstart.py']\n"
                      "optim_wrapper = dict(type='ApexOptimWrapper')\n")
    with pytest.raises(SystemExit, match='--amp.*ApexOptimWrapper'):
        tool(str(config), '--amp')


def test_amp_is_left_to_the_runner_on_a_gpu(tool, repo_root, monkeypatch):
    seen = []
    monkeypatch.setattr('mmengine.device.get_device', lambda: 'cuda')
    monkeypatch.setattr(Runner, 'from_cfg', lambda cfg: seen.append(cfg))
    with pytest.raises(AttributeError):
        tool(str(repo_root / 'configs' / 'uftsn_quickstart.py'), '--amp')
    assert seen[0].optim_wrapper.type == 'AmpOptimWrapper'


@pytest.fixture
def bfloat16_cpu(no_gpu, monkeypatch):
    """A machine without an accelerator whose processor has bfloat16."""
    monkeypatch.setattr(
        'uftsn_mmaction.models.flow.precision.is_good_at_bfloat16',
        lambda device: device.type == 'cpu')


@pytest.mark.parametrize('options', [
    '--amp', f'{WRAPPER}AmpOptimWrapper', f'--amp {WRAPPER}AmpOptimWrapper',
    f'{WRAPPER}AmpOptimWrapper optim_wrapper.loss_scale=512.',
    '--amp --cfg-options optim_wrapper.dtype=bfloat16'])
def test_amp_is_bfloat16_on_a_processor_that_has_it(
        tool, repo_root, monkeypatch, bfloat16_cpu, options):
    seen = []
    monkeypatch.setattr(Runner, 'from_cfg', lambda cfg: seen.append(cfg))
    with pytest.raises(AttributeError):
        tool(str(repo_root / 'configs' / 'uftsn_quickstart.py'),
             *options.split())
    wrapper = seen[0].optim_wrapper
    assert wrapper.type == 'Bfloat16OptimWrapper'
    assert {*wrapper} <= {
        'type', 'optimizer', 'clip_grad', 'paramwise_cfg', 'constructor'}
    assert wrapper.optimizer.type == 'AdamW'


def test_amp_once_more_with_a_config_that_has_it(tool, repo_root, tmp_path,
                                                 monkeypatch, bfloat16_cpu):
    """As the one that a training leaves in its folder."""
    seen = []
    monkeypatch.setattr(Runner, 'from_cfg', lambda cfg: seen.append(cfg))
    config = tmp_path / 'dumped.py'
    config.write_text(f"_base_ = ['{repo_root}/configs/uftsn_quickstart.py']\n"
                      "optim_wrapper = dict(type='Bfloat16OptimWrapper')\n")
    with pytest.raises(AttributeError):
        tool(str(config), '--amp', '--work-dir', str(tmp_path / 'work'))
    assert seen[0].optim_wrapper.type == 'Bfloat16OptimWrapper'
    assert 'loss_scale' not in seen[0].optim_wrapper


def test_amp_in_half_precision_needs_a_gpu(tool, repo_root, bfloat16_cpu):
    with pytest.raises(SystemExit, match='optim_wrapper.dtype.*float16'):
        tool(str(repo_root / 'configs' / 'uftsn_quickstart.py'), '--amp',
             '--cfg-options', 'optim_wrapper.dtype=float16')


def test_seed_of_the_command_line_counts(tool, repo_root, monkeypatch):
    """The stock script leaves it out where the config has one."""
    seen = []
    monkeypatch.setattr(Runner, 'from_cfg', lambda cfg: seen.append(cfg))
    config = str(repo_root / 'configs' / 'tsn_r18_quickstart.py')
    for seed in (0, 7):
        with pytest.raises(AttributeError):
            tool(config, '--seed', str(seed), '--deterministic',
                 '--cfg-options', 'train_cfg.max_epochs=2')
    assert [cfg.randomness.seed for cfg in seen] == [0, 7]
    assert seen[1].randomness.deterministic is True
    assert seen[1].train_cfg.max_epochs == 2


def test_script_of_a_checkout_serves_as_well(repo_root, tmp_path,
                                             monkeypatch):
    stock_tool = runpy.run_path(str(repo_root / 'tools' / 'stock_tool.py'))
    load = stock_tool['load_stock_tool']
    wheel = Path(mmaction.__file__).parent / '.mim' / 'tools' / 'train.py'
    assert load('train').__file__ == str(wheel)

    package = tmp_path / 'mmaction' / '__init__.py'
    monkeypatch.setattr(mmaction, '__file__', str(package))
    with pytest.raises(FileNotFoundError, match='tools/train.py'):
        load('train')
    (tmp_path / 'tools').mkdir()
    (tmp_path / 'tools' / 'train.py').write_text('answer = 42\n')
    assert load('train').answer == 42


@pytest.mark.parametrize('option, words', [
    ('train_cfg.max_epochs', 'KEY=VALUE'),
    ('train_cfg.max_epoch=1', 'max_epoch'),
    ('model.flow_bond=1', 'flow_bond'),
])
def test_a_misspelt_setting_ends_in_a_sentence(tool, tmp_path, capsys,
                                               monkeypatch, option, words):
    monkeypatch.chdir(tmp_path)
    config = Path(__file__).parents[2] / 'configs' / 'uftsn_quickstart.py'
    with pytest.raises(SystemExit) as ended:
        # Runs of one second would share a visualizer, and its folder.
        tool(str(config), '--work-dir', str(tmp_path / 'run'),
             '--cfg-options', *OPTIONS, option,
             f'experiment_name={tmp_path.name}')
    message = str(ended.value) + capsys.readouterr().err
    assert words in message and ended.value.code not in (0, None)


def test_a_fault_of_the_program_keeps_its_traceback(tool, monkeypatch,
                                                    tmp_path):
    monkeypatch.chdir(tmp_path)

    def broken(self):
        raise TypeError('a fault')

    monkeypatch.setattr(Runner, 'train', broken)
    config = Path(__file__).parents[2] / 'configs' / 'uftsn_quickstart.py'
    with pytest.raises(TypeError):
        tool(str(config), '--work-dir', str(tmp_path / 'run'),
             '--cfg-options', *OPTIONS, f'experiment_name={tmp_path.name}')
