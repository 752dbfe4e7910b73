# SPDX-License-Identifier: Apache-2.0
"""A refused or wrong export leaves one sentence and no file.

``test_docs_export.py`` has what can.
"""
import runpy
import sys

import numpy as np
import pytest
import torch

from uftsn_mmaction.apis.export import export
from uftsn_mmaction.apis.exportable import ExportableFlow
from uftsn_mmaction.models.flow import (
    UnsupervisedFlowEstimator,
    warp_correlate_loop,
)
from uftsn_mmaction.models.other_flows import (
    RefinedFlowEstimator,
    TVNetFlowEstimator,
)

needs_export = pytest.mark.skipif(
    not hasattr(torch.compiler, 'is_exporting'),
    reason='an export needs torch 2.7')


@pytest.fixture
def small():
    return UnsupervisedFlowEstimator(
        pyramid_channels=(4, ), decoder_channels=((4, ), (4, )),
        max_displacement=1, out_indices=(0, )).eval()


@needs_export
def test_a_wrong_graph_is_not_kept(small, monkeypatch, tmp_path):
    right = warp_correlate_loop.exported
    monkeypatch.setattr(warp_correlate_loop, 'exported',
                        lambda *args: right(*args).flip(1))
    for decoder in small.decoders.values():
        torch.nn.init.normal_(decoder.predict.weight)
    with pytest.raises(ValueError, match='differs from PyTorch .* not kept'):
        export(ExportableFlow(small, 'small'), tmp_path / 'flow.pt2', 'torch',
               (32, 48))
    assert not list(tmp_path.iterdir())


@needs_export
@pytest.mark.parametrize('estimator, dynamic', [
    (lambda small: RefinedFlowEstimator(small, num_warps=1, num_iterations=1),
     ('pairs', 'height', 'width')),
    (lambda _: TVNetFlowEstimator(
        num_scales=1, num_warps=1, num_iterations=1), ('pairs', )),
])
def test_iterations_are_exported(small, tmp_path, estimator, dynamic):
    part = ExportableFlow(estimator(small), 'it')
    file = tmp_path / 'flow.pt2'
    assert export(part, file, 'torch', (32, 48)).dynamic == dynamic
    inputs, _ = part.example((32, 48), 3, seed=5)
    got = torch.export.load(file).module()(*inputs)
    torch.testing.assert_close(got, part(*inputs), atol=1e-3, rtol=0)


@pytest.mark.parametrize('scales, multiple', [(1, 2), (2, 4)])
def test_sizes_that_every_level_halves_evenly(scales, multiple):
    estimator = UnsupervisedFlowEstimator(
        pyramid_channels=(4, ), decoder_channels=((4, ), (4, )),
        max_displacement=1, num_scales=scales, out_indices=(0, ))
    assert ExportableFlow(estimator, 'some').multiple == multiple


def test_examples_move(small):
    (first, second), flow = ExportableFlow(small, 'small').example((32, 48))
    assert first.shape == second.shape == (2, 3, 32, 48)
    assert 0 <= first.min() and 0.3 < first.max() <= 1
    assert flow.shape == (2, 2, 32, 48)
    assert np.hypot(*flow.swapaxes(0, 1)).mean() > 0.5


@pytest.fixture
def tool(repo_root, monkeypatch, tmp_cwd):
    """Runs the tool in an empty folder, and returns how it ended."""

    def tool(*args):
        monkeypatch.setattr('sys.argv', ['export.py', *map(str, args)])
        with pytest.raises(SystemExit) as info:
            runpy.run_path(str(repo_root / 'tools' / 'export.py'),
                           run_name='__main__')
        assert not list(tmp_cwd.iterdir())
        assert info.value.code == 2
        return str(info.value)

    return tool


TORCH = ('--to', 'torch', '--out', 'a.pt2')


@needs_export
@pytest.mark.parametrize('args, words', [
    (['--estimator', 'dis', *TORCH], "dis is a solver of OpenCV"),
    (['--estimator', 'tvl1+refined', *TORCH], 'is a solver of OpenCV'),
    (['--estimator', 'CachedFlowEstimator', *TORCH], 'CachedFlowEstimator'),
    (['--estimator', 'nothing', *TORCH], "'nothing' is unknown"),
    (['--estimator', 'uftsn_plus_tiny', *TORCH, '--size', '40', '64'],
     'the size is 40x64, expected multiples of 16'),
    (['--estimator', 'zero', '--to', 'onnx', '--out', 'a.pt2'], '.onnx'),
    (['a.py', 'b.pth', '--estimator', 'zero', *TORCH], 'got both'),
    ([*TORCH], 'got none'),
    (['none.py', 'none.pth', *TORCH], "CONFIG 'none.py' does not exist"),
])
def test_a_mistake_is_one_sentence(tool, args, words):
    said = tool(*args)
    assert said.startswith('error: ') and words in said and '\n' not in said


def test_a_fusion_is_no_motion_stream(tool, fusion):
    said = tool(fusion, *TORCH)
    assert 'FusionRecognizer' in said and 'UFTSNRecognizer' in said


def test_a_missing_library_is_named(tool, monkeypatch):
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    said = tool('--estimator', 'zero', '--to', 'onnx', '--out', 'a.onnx')
    assert 'pip install "uftsn-mmaction[export]"' in said
