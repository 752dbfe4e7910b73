# SPDX-License-Identifier: Apache-2.0
"""tools/test.py: both streams and their fusion, and each of them alone."""
import pickle
import re
import runpy
import sys
import uuid
from types import SimpleNamespace

import cv2
import pytest
import torch
from mmaction.apis import inference_recognizer, init_recognizer
from mmaction.registry import DATASETS, MODELS, RUNNERS
from mmengine.config import Config
from mmengine.registry import init_default_scope

STREAMS = dict(spatial='tsn_r18_quickstart', temporal='uftsn_quickstart')
FUSION = 'uftsn_fusion_quickstart'
WEIGHTS = dict(spatial=1.0, temporal=2.5)
WEIGHED = [
    f'model.streams.{name}.weight={weight}'
    for name, weight in WEIGHTS.items()
]
# Two samples of each of a few small videos.
OPTIONS = [
    'test_dataloader.num_workers=0', 'test_dataloader.batch_size=3',
    'test_dataloader.dataset.pipeline.1.num_clips=2'
]
OPTIONS += [
    f'test_dataloader.dataset.generator.{setting}' for setting in (
        'num_train=16', 'num_test=8', 'size=(32,32)', 'num_frames=10',
        'speed=1.0')
]


@pytest.fixture(scope='module')
def root(repo_root, tmp_path_factory):
    """A folder with a checkpoint of random weights for each stream."""
    root = tmp_path_factory.mktemp('fusion')
    init_default_scope('mmaction')
    for name, config in STREAMS.items():
        torch.manual_seed(len(name))
        cfg = Config.fromfile(repo_root / 'configs' / f'{config}.py')
        model = MODELS.build(cfg.model)
        if name == 'temporal':
            for decoder in model.flow_estimator.decoders.values():
                # A start of visible flow, or nothing would depend on it.
                torch.nn.init.normal_(decoder.predict.weight, std=0.1)
        torch.save(
            dict(state_dict=model.state_dict()), root / f'{name}.pth')
    return root


def arguments(repo_root, root, config, *more, options=()):
    return [
        str(repo_root / 'tools' / 'test.py'),
        str(repo_root / 'configs' / f'{config}.py'), *more, '--work-dir',
        str(root / 'work_dir'), '--cfg-options', *OPTIONS,
        f'test_dataloader.dataset.data_root={root / "data"}',
        # Runners of one name would share their message hub.
        f'experiment_name=run_{uuid.uuid4().hex}', *options
    ]


def read(path):
    """A dump that this test has had written."""
    with open(path, 'rb') as file:
        return pickle.load(file)


@pytest.fixture(scope='module')
def fused(repo_root, root, run_command):
    """Log and dump of a fusion, as a user runs it."""
    pairs = [f'{name}={root / name}.pth' for name in STREAMS]
    more = ['--dump', str(root / 'fused.pkl'), '--export', str(root / 'f.pth'),
            '--show-dir', str(root / 'drawn'), '--interval', '2']
    command = [sys.executable, '-W', 'ignore'] + arguments(
        repo_root, root, FUSION, '--stream', *pairs, *more, options=WEIGHED)
    return run_command(command, fork=True).stdout, read(root / 'fused.pkl')


def test_every_second_prediction_is_drawn(fused, root):
    numbers = sorted(path.name[:5] for path in root.glob('drawn/*.png'))
    assert numbers == ['00000', '00002', '00004', '00006']


@pytest.fixture
def tool(repo_root, monkeypatch):
    """Function that runs the tool in this process."""
    monkeypatch.syspath_prepend(str(repo_root / 'tools'))
    monkeypatch.setenv('LOCAL_RANK', '0')
    threads = cv2.getNumThreads()

    def run(*args, **kwargs):
        argv = arguments(repo_root, *args, **kwargs)
        monkeypatch.setattr(sys, 'argv', argv)
        runpy.run_path(argv[0], run_name='__main__')
        return argv

    yield run
    # A runner sets them for its process.
    cv2.setNumThreads(threads)


def test_accuracy_of_each_stream_and_of_both_fusions_is_printed(fused):
    log, dump = fused
    assert len(dump) == 8
    labels = torch.cat([sample['gt_label'] for sample in dump])
    for name in ('spatial', 'temporal', 'fusion', 'fusion_prob'):
        scores = torch.stack([sample['pred_score'][name] for sample in dump])
        top1 = (scores.argmax(dim=1) == labels).float().mean()
        printed, = re.findall(rf'acc/{name}_top1: ([\d.]+)', log)
        assert float(printed) == pytest.approx(top1.item(), abs=1e-4)
    assert [sample['pred_label'].item() for sample in dump] == [
        sample['pred_score']['fusion'].argmax().item() for sample in dump
    ]


def test_separate_runs_of_the_streams_average_to_the_fusion(
        fused, tool, root):
    alone = {}
    metrics = dict(spatial=[], temporal=['test_evaluator.1.from_scores=True'])
    for name, config in STREAMS.items():
        options = ['model.cls_head.average_clips=score', *metrics[name]]
        files = str(root / f'{name}.pth'), '--dump', str(root / f'{name}.pkl')
        tool(root, config, *files, options=options)
        alone[name] = read(root / f'{name}.pkl')
    for index, sample in enumerate(fused[1]):
        scores = {}
        for name, dump in alone.items():
            assert dump[index]['filename'] == sample['filename']
            scores[name] = dump[index]['pred_score']
            torch.testing.assert_close(
                sample['pred_score'][name],
                scores[name],
                rtol=1e-5,
                atol=1e-5)
        expected = sum(WEIGHTS[name] * scores[name] for name in scores) / 3.5
        torch.testing.assert_close(
            sample['pred_score']['fusion'], expected, rtol=1e-5, atol=1e-5)
        assert (scores['spatial'] - scores['temporal']).abs().max() > 0.01


def test_exported_checkpoint_is_the_whole_fusion(fused, tool, root):
    # The config's own checkpoints do not exist here.
    files = str(root / 'f.pth'), '--dump', str(root / 'again.pkl')
    argv = tool(root, FUSION, *files, options=WEIGHED)
    for sample, other in zip(fused[1], read(root / 'again.pkl')):
        for name, score in sample['pred_score'].items():
            torch.testing.assert_close(other['pred_score'][name], score)

    # The inferencers of MMAction2 take the same file, and find a tensor.
    ours = runpy.run_path(argv[0])
    cfg = ours['build_config'](ours['build_parser']().parse_args(argv[1:]))
    model = init_recognizer(cfg, files[0], device='cpu')
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    found = inference_recognizer(
        model, dataset.get_data_info(5), dataset.pipeline)
    torch.testing.assert_close(found.pred_score,
                               fused[1][5]['pred_score']['fusion'])


def test_stream_options_add_up(tool, repo_root):
    ours = runpy.run_path(str(repo_root / 'tools' / 'test.py'))
    parse = ours['build_parser']().parse_args
    args = parse(['x.py', '--stream', 'a=1', '--stream', 'b=2', 'c=3'])
    assert args.stream == ['a=1', 'b=2', 'c=3'] and args.checkpoint is None
    assert parse(['x.py', 'x.pth']).stream == []


@pytest.mark.parametrize('option', ['work_dir=x', 'default_hooks=None'])
def test_a_checkpoint_that_does_not_fill_the_model_is_refused(
        tool, root, tmp_path, option):
    weights = torch.load(root / 'spatial.pth')['state_dict']
    weights['cls_head.fc_cls.bias'] = torch.zeros(3)
    torch.save(dict(state_dict=weights), tmp_path / 'x.pth')
    with pytest.raises(SystemExit) as caught:
        tool(root, STREAMS['spatial'], str(tmp_path / 'x.pth'),
             options=[option])
    text = str(caught.value)
    assert 'cls_head.fc_cls.bias' in text and 'x.pth' in text
    assert '\n' not in text


def test_runner_of_the_config_is_the_one_that_tests(
        tool, tmp_cwd, monkeypatch):
    tested = []

    class OtherRunner:

        @classmethod
        def from_cfg(cls, cfg):
            return SimpleNamespace(test=lambda: tested.append(cfg.load_from))

    monkeypatch.setitem(RUNNERS.module_dict, 'OtherRunner', OtherRunner)
    (tmp_cwd / 'x.pth').touch()
    tool(
        tmp_cwd,
        STREAMS['spatial'],
        'x.pth',
        options=['runner_type=OtherRunner'])
    assert tested == ['x.pth']


def test_error_of_a_worker_is_its_last_line(tool, tmp_cwd, monkeypatch):

    class BrokenRunner:

        @classmethod
        def from_cfg(cls, cfg):
            raise ValueError('Caught ValueError in DataLoader worker process '
                             '0.\nOriginal Traceback:\n  File x\n'
                             'ValueError: the list: is empty\n')

    monkeypatch.setitem(RUNNERS.module_dict, 'BrokenRunner', BrokenRunner)
    (tmp_cwd / 'x.pth').touch()
    with pytest.raises(SystemExit) as caught:
        tool(tmp_cwd, STREAMS['spatial'], 'x.pth',
             options=['runner_type=BrokenRunner'])
    assert str(caught.value) == 'error: the list: is empty'


def test_options_may_stand_before_the_checkpoint(tool, repo_root):
    ours = runpy.run_path(str(repo_root / 'tools' / 'test.py'))
    args = ours['build_parser']().parse_intermixed_args(
        ['x.py', '--work-dir', 'd', 'x.pth'])
    assert (args.config, args.checkpoint) == ('x.py', 'x.pth')


@pytest.mark.parametrize('config, args, settings', [
    ('uftsn_quickstart', [], ['uftsn_quickstart.py', 'CHECKPOINT']),
    ('uftsn_quickstart', ['--stream', 'temporal=x.pth'],
     ['--stream', 'UFTSNRecognizer', 'CHECKPOINT']),
    (FUSION, ['--stream', 'flow=x.pth'], ["'flow'", 'spatial', 'temporal']),
    (FUSION, ['--stream', 'spatial'], ["'spatial'", 'NAME=FILE']),
    (FUSION, ['--stream', 'spatial='], ["'spatial='", 'NAME=FILE']),
    (FUSION, ['--stream', '=x.pth'], ["'=x.pth'", 'NAME=FILE']),
    (FUSION, ['--stream', 'spatial=none.pth'], ["'none.pth'", "'spatial'"]),
    (FUSION, [],
     ["'work_dirs/quickstart/spatial/epoch_4.pth'", "'spatial'"]),
    (FUSION, ['x.pth', '--stream', 'spatial=y.pth'],
     ['CHECKPOINT', '--stream']),
    (FUSION, ['--cfg-options', 'model.streams.spatial.checkpoint=None'],
     ["'spatial'", '--stream spatial=FILE']),
    (FUSION, ['--dump', 'x.txt'], ['pkl']),
    (FUSION, ['--launcher', 'slurm'], ['--launcher slurm', 'SLURM_PROCID']),
    ('_base_/default_runtime', ['x.pth'], ['default_runtime.py', 'model']),
    ('none', ['x.pth'], ['none.py']),
])  # yapf: disable
def test_error_is_one_sentence(tool, tmp_cwd, config, args, settings):
    with pytest.raises(SystemExit) as caught:
        tool(tmp_cwd, config, *args)
    # Python prints a text and exits with 1.
    text = str(caught.value)
    assert text.startswith('error: ') and '\n' not in text
    assert all(setting in text for setting in settings), text
