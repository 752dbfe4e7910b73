# SPDX-License-Identifier: Apache-2.0
"""The whole tool on two dozen videos: interrupted, resumed, finished."""
import json
import math
import re
import runpy
import signal
import sys

import pytest


@pytest.mark.slow
def test_quickstart_survives_an_interruption(repo_root, tiny_options,
                                             start_command, run_command,
                                             wait_until, tmp_path):
    work_dir = tmp_path / 'my run'
    command = [
        sys.executable, '-W', 'ignore', 'tools/quickstart.py', '--work-dir',
        str(work_dir), '--data-root',
        str(tmp_path / 'my data'), '--threads', '1', '--cfg-options',
        *(f'{key}={value}' for key, value in tiny_options.items()),
        # Crops of frames are to fill the coarsest level as well.
        *(f'{loader}_dataloader.dataset.generator.size=(64, 64)'
          for loader in ('train', 'val', 'test'))
    ]
    log = tmp_path / 'log.txt'
    first = work_dir / 'temporal' / 'epoch_1.pth'
    with log.open('w') as file, start_command(
            command, cwd=repo_root, stdout=file, stderr=file,
            fork=True) as process:
        wait_until(first.exists, process)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 128 + signal.SIGTERM, log.read_text()
    assert not (work_dir / 'metrics.json').exists()

    done = run_command(command, cwd=repo_root, fork=True)
    assert 'resumed epoch: ' in done.stdout + done.stderr
    log = max((work_dir / 'temporal').glob('*/*.log'))
    assert 'Epoch(train) [2]' in log.read_text()
    assert 'Epoch(train) [1]' not in log.read_text()

    metrics = json.loads((work_dir / 'metrics.json').read_text())
    numbers = {k: v for k, v in metrics.items() if isinstance(v, float)}
    assert set(numbers) >= {
        'aepe_zero', 'aepe_tvl1', 'aepe', 'aepe_stage1', 'aepe_untrained',
        'motion_acc_stage2', 'motion_acc_stage3', 'motion_acc_control',
        'top1_temporal', 'top1_spatial', 'top1_fusion', 'top1_fusion_prob'
    }
    assert numbers.pop('seconds') > 1
    for name, value in numbers.items():
        upper = 20 if name.startswith('aepe') else 1
        assert math.isfinite(value) and 0 <= value <= upper, name
    # The solver needs no training, so that its error tells whether frames,
    # flow and clips belong together.
    assert 0 < metrics['aepe_tvl1'] < 0.7 * metrics['aepe_zero']
    # Also the stage whose validation was cut off has its value.
    assert metrics['epochs'] == dict(stage1=1, stage2=2, stage3=3)
    seconds = metrics['seconds_of_phases']
    assert metrics['seconds'] == pytest.approx(sum(seconds.values()))
    assert {'data', 'training', 'control', 'spatial', 'test_tvl1',
            'test_fusion'} <= set(seconds)

    page = (work_dir / 'report.html').read_text(encoding='utf-8')
    sources = re.findall(r'<img src="([^"]{0,30})', page)
    kinds = [re.match(r'data:image/(\w+);base64,', src)[1] for src in sources]
    # The animation comes first.
    assert kinds == ['gif'] + ['png'] * 6


@pytest.mark.parametrize('arguments, words', [
    (['--cfg-options', 'train_cfg.val_begin=99'], "Stage 'flow'"),
    (['--cfg-options', 'train_cfg'], "'train_cfg'"),
    (['--cfg-options', '=3'], "'=3'"),
    (['--threads', '0'], 'threads .*0'),
    (['--config', 'configs/none.py'], 'configs/none.py'),
])
def test_error_is_one_line(repo_root, monkeypatch, capsys, tmp_path,
                           arguments, words):
    tool = repo_root / 'tools' / 'quickstart.py'
    monkeypatch.setattr(sys, 'argv', [
        str(tool), '--work-dir', str(tmp_path / 'run'), *arguments
    ])  # yapf: disable
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(tool), run_name='__main__')
    # argparse prints its own errors and ends with 2.
    assert caught.value.code == 2
    text = capsys.readouterr().err
    last = text.strip().splitlines()[-1]
    assert re.search(f'error: .*{words}', last)
    assert not (tmp_path / 'run').exists()
