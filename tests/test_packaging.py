# SPDX-License-Identifier: Apache-2.0
import re
import shutil
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from shutil import which

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

SUFFIX = sysconfig.get_config_var('EXT_SUFFIX')
COMPILER = sysconfig.get_config_var('CXX').split()[0]
# Loads every config of the installed package, far from the checkout.
LOAD = """
import sys
from pathlib import Path
import uftsn_mmaction
from mmengine.config import Config
home = Path(uftsn_mmaction.__file__).parent
assert home.parent == Path(sys.argv[1]), home
configs = [path for path in (home / '.mim/configs').rglob('*.py')
           if '_base_' not in path.parts]
for path in configs:
    Config.fromfile(path)
print(len(configs), uftsn_mmaction.__version__)
"""


@pytest.fixture
def call(run_command):
    """Function that runs a command and returns what it prints."""

    def call(*command, **kwargs):
        return run_command(command, **kwargs).stdout

    return call


@pytest.fixture(scope='module')
def source(repo_root, tmp_path_factory):
    """A copy of the checkout, so that no build output is left in it."""
    # As pyproject.toml asks; an isolated build would have to download it.
    pytest.importorskip('setuptools', minversion='64')
    target = tmp_path_factory.mktemp('source') / 'repo'
    shutil.copytree(
        repo_root,
        target,
        ignore=shutil.ignore_patterns('.*', '__pycache__', '*.egg-info',
                                      '*.so', 'build', 'dist', 'work_dirs',
                                      'data'))
    # As a clean-up of the tree must show in the next build of the wheel.
    stale = target / 'build/lib/uftsn_mmaction/.mim/configs/gone.py'
    stale.parent.mkdir(parents=True)
    stale.write_text('')
    return target


def files_of(root, *parts):
    """Relative names of the files below some folders of the source."""
    return {
        path.relative_to(root).as_posix()
        for part in parts
        for path in (root / part).rglob('*') if path.is_file()
    }


def test_wheel(source, tmp_path, call):
    call(
        sys.executable, '-m', 'pip', 'wheel', '--no-build-isolation',
        '--no-deps', '--no-index', '-w', str(tmp_path), str(source))
    wheel, = tmp_path.glob('*.whl')
    names = set(zipfile.ZipFile(wheel).namelist())
    code = {name for name in names if name.startswith('uftsn_mmaction/')}
    inside = {name for name in code if name.startswith('uftsn_mmaction/.mim/')}
    expected = files_of(source, 'configs', 'tools')
    expected |= {'model-index.yml'}
    assert inside == {f'uftsn_mmaction/.mim/{name}' for name in expected}
    kernels = {name for name in code if name.endswith(SUFFIX)}
    assert len(kernels) == bool(which(COMPILER))
    assert code - inside - kernels == {
        name for name in files_of(source, 'uftsn_mmaction')
        if '/csrc/' not in name}
    assert any(name.endswith('.html') for name in code - inside)
    # Neither the tests nor a second top-level package come with it, but the
    # module of the command.
    assert 'uftsn_command.py' in names
    rest = names - code - {'uftsn_command.py'}
    assert all('.dist-info/' in name for name in rest)
    assert any(name.endswith('LICENSE') for name in rest)
    # The source tree got no copy and no link.
    assert not (source / 'uftsn_mmaction' / '.mim').exists()

    metadata = zipfile.ZipFile(wheel).read(
        next(name for name in rest if name.endswith('METADATA'))).decode()
    lines = metadata.splitlines()
    assert 'Requires-Python: >=3.10' in lines
    requires = [line for line in lines if line.startswith('Requires-Dist')]
    # Old releases of setuptools write the range in parentheses.
    for requirement in ('torch>=2.6', 'jinja2>=3.1'):
        assert f'Requires-Dist: {requirement}' in [
            re.sub(r' \((.*?)\)', r'\1', line) for line in requires]
    # Two distributions provide MMCV; only the extras name one.
    mmcv = [line for line in requires if 'mmcv' in line]
    assert mmcv and all('extra ==' in line for line in mmcv)

    home = tmp_path / 'home'
    call(
        sys.executable, '-m', 'pip', 'install', '--no-deps', '--no-index',
        '--target', str(home), str(wheel))
    count, version = call(
        sys.executable,
        '-W',
        'ignore',
        '-c',
        LOAD,
        str(home),
        cwd=tmp_path,
        env=dict(PYTHONPATH=str(home))).split()[-2:]
    assert int(count) == len([
        name for name in files_of(source, 'configs')
        if name.endswith('.py') and '/_base_/' not in name
    ])
    assert wheel.name.startswith(f'uftsn_mmaction-{version}-')
    # The command finds the tools of the installation.
    listed = call(home / 'bin' / 'uftsn', '--help', cwd=tmp_path,
                  env=dict(PYTHONPATH=str(home)))
    assert '\n  predict ' in listed


def test_no_compiler_is_needed(source, tmp_path, call):
    shutil.copytree(source, tmp_path / 'repo',
                    ignore=shutil.ignore_patterns('build', '*.so'))
    call(
        sys.executable, 'setup.py', 'build_ext', '--inplace',
        cwd=tmp_path / 'repo', env=dict(CC='false', CXX='false'))
    assert not list(tmp_path.rglob('_kernels*'))


def test_source_distribution_builds_the_same(source, tmp_path, call):
    build = 'import sys; from setuptools import build_meta as b; ' \
        'getattr(b, sys.argv[1])(sys.argv[2])'
    call(
        sys.executable, '-c', build, 'build_sdist', str(tmp_path), cwd=source)
    archive, = tmp_path.glob('*.tar.gz')
    with tarfile.open(archive) as file:
        root = file.getnames()[0].split('/')[0]
        # Trusted: built above.
        file.extractall(tmp_path)
    unpacked = tmp_path / root
    for part in ('uftsn_mmaction', 'configs', 'tools', 'tests',
                 'requirements'):
        assert files_of(unpacked, part) == files_of(source, part)
    call(
        sys.executable, '-c', build, 'build_wheel', str(tmp_path),
        cwd=unpacked)
    wheel, = tmp_path.glob('*.whl')
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        f'uftsn_mmaction/.mim/{name}'
        for name in files_of(source, 'configs', 'tools')
    } <= names


@pytest.fixture
def requirements(repo_root):
    """Function that reads the requirements of some files."""

    def read(*names):
        found = []
        for name in names:
            path = Path(repo_root, 'requirements', f'{name}.txt')
            # The extra ptlflow caps OpenCV below the pinned release.
            text, *_ = path.read_text(encoding='utf-8').split('# [ptlflow]')
            found += [
                Requirement(line) for line in text.splitlines()
                if line and not line.startswith('#')
            ]
        return found

    return read


@pytest.fixture
def read_pins(requirements):
    """Function that reads the version of each distribution in a file."""

    def read(name):
        pins = {}
        for pin in requirements(name):
            exact, = pin.specifier
            assert exact.operator == '==', pin
            assert pin.name.lower() not in pins, f'{pin.name} is pinned twice'
            pins[pin.name.lower()] = Version(exact.version)
        # These two share the folder cv2: at one version they agree.
        assert pins['opencv-python'] == pins['opencv-contrib-python']
        return pins

    return read


def test_pins_are_exact_and_within_the_ranges(requirements, read_pins):
    pins = read_pins('pinned')
    for requirement in requirements('runtime', 'optional', 'tests'):
        assert requirement.name in pins, f'{requirement.name} is not pinned'
        assert requirement.specifier.contains(pins[requirement.name])


def test_lowest_set_is_the_lower_end_of_the_ranges(requirements, read_pins):
    pins = read_pins('lowest')
    for requirement in requirements('runtime', 'optional', 'tests'):
        for bound in requirement.specifier:
            if bound.operator == '>=':
                lowest = Version(bound.version).release
                found = pins[requirement.name].release
                assert found[:len(lowest)] == lowest, requirement
        if requirement.name in pins:
            assert requirement.specifier.contains(pins[requirement.name])


def test_opencv_has_its_contrib_modules():
    import cv2

    # opencv-python, unpacked over it, leaves the folder cv2/optflow empty.
    assert hasattr(cv2.optflow, 'DualTVL1OpticalFlow_create'), (
        'opencv-python was unpacked over opencv-contrib-python: run '
        '`pip install --force-reinstall --no-deps opencv-contrib-python`')
