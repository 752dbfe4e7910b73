# SPDX-License-Identifier: Apache-2.0
"""The page on exported files: every command and script, on small networks."""
import re
import runpy
import shlex
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from bad_videos import draw_frames
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from uftsn_mmaction.apis import FlowInferencer

pytest.importorskip('onnx')
pytest.importorskip('onnxscript')
onnxruntime = pytest.importorskip('onnxruntime')
if not hasattr(torch.compiler, 'is_exporting'):
    pytest.skip('an export needs torch 2.7', allow_module_level=True)

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / 'docs' / 'export.md').read_text(encoding='utf-8')
# Three levels: sizes are multiples of 4, and of 16 all the more.
CONFIG = """
_base_ = ['{root}/configs/uftsn_quickstart.py']
model = dict(
    clip_len=3,
    flow_estimator=dict(
        plan=None, pyramid_channels=(4, 6), decoder_channels=(8, ),
        state_channels=8, finest_level=1, learned_upsampling=True,
        max_displacement=1, out_indices=(0, )),
    backbone=dict(
        _delete_=True, type='mmpretrain.ResNet', depth=18, stem_channels=8,
        base_channels=8, in_channels=4, num_stages=1, strides=(1, ),
        dilations=(1, ), out_indices=(0, )),
    cls_head=dict(in_channels=8))
"""


def blocks_of(language):
    return re.findall(rf'^```{language}\n(.*?)^```', TEXT, re.M | re.S)


COMMANDS = [line for block in blocks_of('bash')
            for line in block.replace('\\\n', ' ').splitlines()]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Networks of one's own and a pair of frames."""
    init_default_scope('mmaction')
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp('export')
    (root / 'small.py').write_text(CONFIG.format(root=ROOT))
    model = MODELS.build(Config.fromfile(root / 'small.py').model)
    for name, weights in model.flow_estimator.named_parameters():
        # A flow of some pixels instead of nearly none.
        weights.data *= 30 if 'predict' in name or 'flow' in name else 1.5
    model.cls_head.fc_cls.weight.data *= 100
    torch.save(model.state_dict(), root / 'small.pth')
    for name, frame in zip('ab', draw_frames(2)):
        cv2.imwrite(str(root / f'{name}.png'), frame)
    return root


@pytest.fixture(scope='module')
def exported(folder):
    """Output of each command of the page, by the file that it writes."""
    own = {
        'uftsn_plus': 'small.py:small.pth',
        'configs/uftsn_r18_ucf101.py': 'small.py',
        'work_dirs/uftsn_r18_ucf101/epoch_80.pth': 'small.pth',
    }
    said = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command in COMMANDS:
            words = [own.get(word, word) for word in shlex.split(command)]
            if '--size' in words:
                words[-2:] = '32', '64'
            else:
                words += ['--size', '32', '64']
            patch.setattr('sys.argv', words[1:])
            tool = runpy.run_path(str(ROOT / words[1]))
            said[words[words.index('--out') + 1]] = tool['run'](
                tool['parse_args']())
    return said


@pytest.fixture
def estimator(folder):
    inferencer = FlowInferencer(
        f'{folder}/small.py', f'{folder}/small.pth', 'cpu')
    return inferencer.model


def test_no_block_goes_untested():
    assert TEXT.count('```') == 2 * len(
        blocks_of('bash') + blocks_of('python'))


def test_onnx_agrees_at_any_size(exported, folder, estimator):
    assert 'multiples of 4' in exported['flow.onnx']
    session = onnxruntime.InferenceSession(folder / 'flow.onnx')
    for shape in ((3, 3, 36, 52), (1, 3, 80, 48)):
        first, second = torch.rand(2, *shape)
        with torch.no_grad():
            flow = estimator(torch.stack((first, second), 2))[:, :, 0]
        assert flow.std() > 0.3
        got, = session.run(
            None, dict(first=first.numpy(), second=second.numpy()))
        np.testing.assert_allclose(got, flow, atol=1e-3)


def test_the_stream_gives_the_scores_of_the_model(exported, folder):
    assert 'frames of 32x64 alone' in exported['stream.onnx']
    session = onnxruntime.InferenceSession(folder / 'stream.onnx')
    model = MODELS.build(Config.fromfile(folder / 'small.py').model).eval()
    model.load_state_dict(torch.load(folder / 'small.pth'))
    clips = torch.rand(2, 3, 3, 3, 32, 64)
    with torch.no_grad():
        features, arguments = model.extract_feat(clips, test_mode=True)
        expected = model.cls_head(features, **arguments)
    got, = session.run(None, dict(clips=clips.flatten(0, 1).numpy()))
    assert expected.std() > 0.01
    np.testing.assert_allclose(
        got.reshape(2, 3, -1).mean(1), expected, atol=1e-3)


def test_numpy_alone_runs_it(exported, folder, run_command, estimator):
    code, = (block for block in blocks_of('python') if 'numpy' in block)
    # An import of what is None fails.
    absent = "import sys\nsys.modules.update(torch=None, mmengine=None)\n"
    run_command([sys.executable, '-c', absent + code], cwd=folder)
    flow = np.load(folder / 'flow.npy')
    frames = [cv2.imread(str(folder / f'{name}.png'))[..., ::-1]
              for name in 'ab']
    # 64 x 96 needs no border.
    np.testing.assert_allclose(
        flow, estimator.flow_of_pair(*frames), atol=1e-3)


def test_pytorch_runs_it(exported, folder, monkeypatch, estimator):
    monkeypatch.chdir(folder)
    code, = (block for block in blocks_of('python') if 'pt2' in block)
    values = {}
    exec(compile(code, 'docs/export.md', 'exec'), values)
    clip = torch.stack((values['first'], values['second']), 2)
    with torch.no_grad():
        torch.testing.assert_close(
            values['flow'], estimator(clip)[:, :, 0], atol=1e-3, rtol=0)
