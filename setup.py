# SPDX-License-Identifier: Apache-2.0
"""Build of the package; ``pyproject.toml`` names the build system."""

import re
import shutil
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
PACKAGE = 'uftsn_mmaction'
# OpenMMLab's tools look for these in the folder `.mim` of a package.
MIM_PARTS = ('configs', 'tools', 'model-index.yml')


class BuildWithConfigs(build_py):
    """Copy the configs and tools into the built package.

    The copy goes to the build folder, not into the source tree, where there
    is one copy to edit. An editable install runs from the checkout and needs
    none.
    """

    def run(self):
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, PACKAGE, '.mim')
        # An old build folder may hold files that are gone from the source.
        shutil.rmtree(target, ignore_errors=True)
        for source in self._mim_files():
            copy = target / source.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)

    def get_outputs(self, include_bytecode=True):
        outputs = super().get_outputs(include_bytecode)
        if self.editable_mode:
            return outputs
        target = Path(self.build_lib, PACKAGE, '.mim')
        return outputs + [
            str(target / source.relative_to(ROOT))
            for source in self._mim_files()
        ]

    @staticmethod
    def _mim_files():
        for part in MIM_PARTS:
            path = ROOT / part
            files = path.rglob('*') if path.is_dir() else [path]
            yield from sorted(
                file for file in files if file.is_file()
                and '__pycache__' not in file.parts)


def read_version():
    """Return the version without importing the package (and torch)."""
    text = (ROOT / PACKAGE / 'version.py').read_text(encoding='utf-8')
    return re.search(r"^__version__ = '(.+)'$", text, re.MULTILINE).group(1)


def read_requirements(name):
    """Return the requirements of a file, by section.

    A line ``# [name]`` opens a section; the lines before the first one belong
    to the section ``''``. ``pip install -r`` reads the same file.
    """
    sections, current = {'': []}, ''
    text = (ROOT / 'requirements' / f'{name}.txt').read_text(encoding='utf-8')
    for line in map(str.strip, text.splitlines()):
        heading = re.fullmatch(r'# \[(.+)\]', line)
        if heading:
            current = heading.group(1)
            sections[current] = []
        elif line and not line.startswith('#'):
            sections[current].append(line)
    return sections


extras = read_requirements('optional')
extras.pop('')
# ptlflow caps OpenCV, which the other extras do not.
extras['all'] = sorted({
    line
    for name, lines in extras.items() if name != 'ptlflow' for line in lines
})
for name in ('tests', 'docs'):
    extras[name] = read_requirements(name)['']

setup(
    name='uftsn-mmaction',
    version=read_version(),
    description='UF-TSN for MMAction2: unsupervised optical flow for action '
    'recognition',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    keywords='action recognition, optical flow, unsupervised learning',
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Science/Research',
        'Programming Language :: Python :: 3 :: Only',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
    python_requires='>=3.10',
    packages=find_packages(include=[PACKAGE, f'{PACKAGE}.*']),
    # Beside the package, whose import takes seconds.
    py_modules=['uftsn_command'],
    entry_points=dict(console_scripts=['uftsn = uftsn_command:main']),
    package_data={
        PACKAGE: ['experiments/**/*.html', 'weights/*']
    },
    # Without a compiler, a loop in PyTorch does the same.
    ext_modules=[
        Extension(
            f'{PACKAGE}._kernels', [f'{PACKAGE}/csrc/warp_correlate.cpp'],
            depends=[f'{PACKAGE}/csrc/warp_correlate_kernels.h'],
            language='c++',
            extra_compile_args=['-O3', '-std=c++17', '-fopenmp'],
            extra_link_args=['-fopenmp'],
            optional=True)
    ],
    cmdclass=dict(build_py=BuildWithConfigs),
    install_requires=read_requirements('runtime')[''],
    extras_require=extras,
    zip_safe=False)
