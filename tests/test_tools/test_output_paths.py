# SPDX-License-Identifier: Apache-2.0
"""Every tool refuses an output path that a file is in the way of."""
import runpy
import sys

import pytest

CONFIG = 'configs/uftsn_r18_ucf101.py'
TOOLS = {
    'benchmark': ['--estimator', 'zero', '--out'],
    'compare_flows': ['--estimator', 'zero', '--work-dir'],
    'evaluate_flow': ['--estimator', 'zero', '--out'],
    'extract_flow': ['a.mp4', '--to', 'flo', '--out'],
    'generate_motion': ['--num-train', '1', '--num-test', '1', '--out'],
    'prepare_annotations':
    ['ucf101', '--splits', 'splits', '--videos', 'videos', '--out'],
    'quickstart': ['--work-dir'],
    'run_splits': ['ucf101', '--work-dir'],
    'test': [CONFIG, 'a.pth', '--work-dir'],
    'train': [CONFIG, '--work-dir'],
}
FILES = {
    'check_videos --out': ['list.txt', '--out'],
    'predict --out': ['a.mp4', '--out'],
    'visualize_flow --out': ['a.mp4', '--out'],
    'test --dump': [CONFIG, 'a.pth', '--dump'],
    'test --export': [CONFIG, 'a.pth', '--export'],
}


@pytest.fixture
def run(repo_root, monkeypatch, tmp_cwd):
    """Function that runs a tool in a folder with a file called ``file``."""

    def run(tool, *args):
        (tmp_cwd / 'file').write_text('mine')
        monkeypatch.setattr('sys.argv', [
            f'{tool}.py',
            *(str(repo_root / arg) if arg == CONFIG else arg for arg in args)
        ])
        monkeypatch.syspath_prepend(str(repo_root / 'tools'))
        with pytest.raises(SystemExit) as caught:
            runpy.run_path(
                str(repo_root / 'tools' / f'{tool}.py'), run_name='__main__')
        assert (tmp_cwd / 'file').read_text() == 'mine'
        return str(caught.value)

    yield run
    # Of the folder of the script, not of the tests.
    sys.modules.pop('stock_tool', None)


@pytest.mark.parametrize('path', ['file', 'file/sub/deeper'])
@pytest.mark.parametrize('tool', TOOLS)
def test_a_file_in_the_way_of_a_folder_is_named(run, tool, path):
    *args, option = TOOLS[tool]
    message = run(tool, *args, option, path)
    if tool == 'generate_motion':
        option = 'data_root'
    assert message.startswith(f"error: {option} is '{path}', but 'file' ")
    assert '\n' not in message


@pytest.mark.parametrize('name', FILES)
def test_a_file_in_the_way_of_a_file_is_named(run, name):
    *args, option = FILES[name]
    message = run(name.split()[0], *args, option, 'file/a.pkl')
    assert message.startswith(f"error: {option} is 'file/a.pkl', but 'file' ")
