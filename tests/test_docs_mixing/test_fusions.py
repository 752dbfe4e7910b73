# SPDX-License-Identifier: Apache-2.0
"""The fusions of the page against what their streams say alone."""
import ast

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.runner import Runner


@torch.no_grad()
def scores_alone(settings, weights, clips):
    """Scores of a stream by the stock way, one video at a time."""
    model = settings.model
    if isinstance(model, str):
        open_config = get_config if '::' in model else Config.fromfile
        model = open_config(model).model
    model.cls_head.average_clips = 'score'
    recognizer = MODELS.build(model).eval()
    recognizer.load_state_dict(weights)
    if recognizer.data_preprocessor.format_shape == 'NCHW':
        clips = [clip[:, :, settings.frames] for clip in clips]
    else:
        assert 'frames' not in settings
    scores = []
    for clip in clips:
        sample, = recognizer.test_step(
            dict(inputs=[clip], data_samples=[ActionDataSample()]))
        scores.append(sample.pred_score)
    return torch.stack(scores)


def test_it_is_the_weighted_mean_of_its_streams_alone(fusion, load, make_batch,
                                                      show_motion):
    cfg = load(fusion)
    streams = cfg.model.streams
    for stream in streams.values():
        stream.checkpoint = None  # no download, no training
    runner = Runner.from_cfg(cfg)
    model = runner.model.eval()
    show_motion(model)
    batch = make_batch(cfg.test_dataloader)
    with torch.no_grad():
        found = torch.stack(
            [sample.pred_score for sample in model.test_step(batch)])

    alone = {
        name: scores_alone(
            stream, model.streams[name].recognizer.state_dict(),
            batch['inputs'][stream.sampling]
            if 'sampling' in stream else batch['inputs'])
        for name, stream in streams.items()
    }
    weights = {
        name: stream.get('weight', 1.)
        for name, stream in streams.items()
    }
    expected = sum(weights[name] * alone[name]
                   for name in alone) / sum(weights.values())
    assert found.shape == (2, model.num_classes) and found.isfinite().all()
    # A score is a sum of products as large as the largest score, which is
    # 700,000 in an untrained SlowOnly, and is rounded like it.
    rounding = 1e-5 * expected.abs().max().item()
    torch.testing.assert_close(found, expected, rtol=0, atol=rounding)
    # Each stream makes a difference that would be seen.
    for scores in alone.values():
        assert (scores - expected).abs().max() > 100 * rounding

    metrics = runner.test()
    assert {
        f'acc/{name}_top1'
        for name in (*streams, 'fusion', 'fusion_prob')
    } <= set(metrics)


def test_downloads_are_those_of_the_named_models(fusion, page):
    """A stock model in a stream has the checkpoint its metafile names."""
    tree = ast.parse(page.configs[fusion])
    settings = [
        dict(zip((key.arg for key in call.keywords),
                 (key.value for key in call.keywords)))
        for call in ast.walk(tree) if isinstance(call, ast.Call)
    ]
    base, = ast.literal_eval(tree.body[0].value)[:1]
    downloads = 0
    for setting in settings:
        if 'checkpoint' not in setting:
            continue
        url = ast.literal_eval(setting['checkpoint'])
        if '://' not in url:
            assert url.startswith('work_dirs/')
            continue
        downloads += 1
        model = setting['model']
        name = model.value if isinstance(model, ast.Constant) else base
        assert get_config(name, pretrained=True).model_path == url
    assert downloads == page.configs[fusion].count('https://')


def test_own_sampling_is_that_of_the_stock_config(checkout):
    cfg = Config.fromfile(
        checkout / 'configs' / 'fusion_slowonly_kinetics400.py')
    slow = cfg.model.streams.slow
    dataset = cfg.test_dataloader.dataset
    samplings, = (step.pipelines for step in dataset.pipeline
                  if 'pipelines' in step)
    stock = get_config(slow.model).test_dataloader.dataset.pipeline
    assert samplings[slow.sampling] == stock[1:-1]
