# SPDX-License-Identifier: Apache-2.0
"""All blocks of the README and of the pages.

Shell blocks go through bash, with a recorder in place of each program, so that
loops, variables and functions mean what they mean to a user; then the parser
of each tool takes its arguments, and each config the options that it is given.
Python blocks are run, or loaded as configs. Blocks that are run elsewhere are
named here; the others say on their page, or in their first line, what they
need.
"""
import importlib.util
import re
import shlex
import subprocess
import sys
from functools import cache
from inspect import signature
from pathlib import Path

import mmaction.registry as registries
import pytest
import torch
from mmaction.registry import HOOKS, MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.runner import Runner

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md',
         ROOT / 'uftsn_mmaction/weights/README.md',
         *sorted((ROOT / 'docs').glob('*.md'))]
#: Pages whose blocks are run by another test, and that test.
RUN = dict(mixing='test_docs_mixing', own_data='test_docs_own_data',
           own_videos='test_docs_own_videos', README='test_docs_own_videos',
           faq='test_docs_own_videos', cluster='test_docs_cluster',
           unlabelled_videos='test_docs_unlabelled_videos',
           watching='test_docs_watching', export='test_docs_export',
           app='test_tools/test_app')
NOT_RUN = 'The tests check only the options of the commands on this page, '
EXCEPTION = re.compile(r'# (Needs|Takes) ')
SETTINGS = ('FLOW', 'SPLIT', 'EXPERIMENT', 'SPATIAL')
RECORDER = r"""
command_not_found_handle() {
    local name words=()
    for name in $SETTINGS; do
        [ -z "${!name-}" ] || words+=("$name=${!name}")
    done
    printf '%q ' "${words[@]}" "$@" >> "$RECORD"
    echo >> "$RECORD"
}
"""
HARMLESS = {'cp', 'mkdir', 'sed', 'pip', 'sbatch'}


def blocks_of(page, language):
    """Yield each block with the number of its first line."""
    text = page.read_text(encoding='utf-8')
    for block in re.finditer(rf'^```{language}\n(.*?)^```', text, re.M | re.S):
        yield text.count('\n', 0, block.start()) + 2, block[1]


def record(block, folder):
    """Return the settings and the words of each command that bash calls."""
    log = folder / 'record'
    log.write_text('')
    # A path would be looked for, and not handed to the recorder.
    script = RECORDER + block.replace('.venv/bin/', '')
    done = subprocess.run(
        ['/bin/bash', '-euc', script], cwd=folder, text=True,
        capture_output=True,
        env=dict(PATH='/nowhere', RECORD=str(log),
                 SETTINGS=' '.join(SETTINGS)))
    assert not done.returncode, done.stderr
    for line in log.read_text().splitlines():
        words = shlex.split(line)
        number = sum(word.split('=')[0] in SETTINGS for word in words)
        yield dict(word.split('=', 1) for word in words[:number]), (
            words[number:])


def pages(check):
    return pytest.mark.parametrize(
        'page', [pytest.param(page, id=f'{page.parent.name}/{page.stem}')
                 for page in PAGES if list(blocks_of(page, check))])


@cache
def load_tool(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def load_config(name, settings):
    """Load a config, whose environment has settings."""
    with pytest.MonkeyPatch.context() as patch:
        for setting, value in settings:
            patch.setenv(setting, value)
        return Config.fromfile(ROOT / name)


@pytest.fixture
def parse(monkeypatch):
    """Function that gives a tool its arguments, and returns what it reads."""
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))

    def parse(tool, arguments):
        path = ROOT / tool
        assert path.exists(), tool
        monkeypatch.setattr('sys.argv', [path.name, *arguments])
        module = load_tool(path)
        if hasattr(module, 'build_parser'):
            return module.build_parser().parse_args()
        return module.parse_args()

    yield parse
    sys.modules.pop('stock_tool', None)


def as_tool(words):
    """Return the tool that a command runs, and its arguments."""
    program, *rest = words
    if program == 'mim':
        assert rest[1] == 'mmaction' and rest[0] in ('train', 'test'), words
        tool, rest = f'tools/{rest[0]}.py', rest[2:]
        # Options of mim itself.
        for option in ('--gpus', '--gpus-per-node', '--partition'):
            if option in rest:
                place = rest.index(option)
                del rest[place:place + 2]
        if '--checkpoint' in rest:
            rest.remove('--checkpoint')
        return tool, rest
    if program == 'torchrun':
        rest = rest[next(n for n, word in enumerate(rest)
                         if word.startswith('tools/')):]
    return rest[0], rest[1:]


def check_options(cfg, options):
    """Assert that a config has what options change, or what is above it."""
    for key in options or ():
        *above, _ = key.split('.')
        if above and f'{above[0]}.type' in options:  # a part that is new
            assert above[0] in signature(Runner).parameters, key
            continue
        value = cfg
        for part in above[:2]:
            value = value[int(part) if part.isdigit() else part]
        assert above or key in cfg or key in signature(Runner).parameters, key


@pages('bash')
def test_commands_exist_and_take_their_options(page, parse, tmp_path):
    written = set(re.findall(
        r'^# (configs/\w+\.py)$',
        '\n'.join(other.read_text(encoding='utf-8') for other in PAGES), re.M))
    for line, block in blocks_of(page, 'bash'):
        for settings, words in record(block, tmp_path):
            place = f'{page.name}:{line}: {" ".join(words)}'
            program = Path(words[0]).name
            if program == 'make':
                makefile = (ROOT / 'Makefile').read_text(encoding='utf-8')
                assert f'\n{words[1]}:' in makefile, place
            elif program in ('python', 'mim', 'torchrun'):
                if words[1] == '-c':
                    compile(words[2], place, 'exec')
                    continue
                tool, arguments = as_tool(words)
                args = parse(tool, arguments)
                config = str(getattr(args, 'config', None) or '')
                config = config[max(0, config.find('configs/')):]
                known = (ROOT / config).is_file()
                assert known or config in written or not config.startswith(
                    'configs/') or '/my_' in config, place
                if known:
                    cfg = load_config(config, tuple(settings.items()))
                    check_options(cfg, getattr(args, 'cfg_options', None))
            else:
                assert program in HARMLESS, place


@pages('bash')
def test_what_is_not_run_says_what_it_needs(page):
    text = page.read_text(encoding='utf-8')
    for line, block in blocks_of(page, 'bash'):
        tools = 'make ' not in block or 'tools/' in block
        assert (not tools or page.stem in RUN or NOT_RUN in text
                or EXCEPTION.match(block)), f'{page.name}:{line}'


def is_registered(kind):
    """Return whether a config may name a type."""
    return any(registry.get(kind) for registry in vars(registries).values()
               if isinstance(registry, Registry))


@pages('python')
def test_python_runs_or_configures(page, tmp_path, monkeypatch):
    if page.stem in RUN and page.stem != 'README':
        return
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / 'configs'
    folder.mkdir()
    for config in (ROOT / 'configs').iterdir():
        (folder / config.name).symlink_to(config)
    for line, block in blocks_of(page, 'python'):
        code = compile(block, f'{page.name}:{line}', 'exec')
        if EXCEPTION.match(block) or 'FlowInferencer' in block:
            continue
        if re.search('^(from|import) ', block, re.M):
            exec(code, dict(clips=torch.rand(1, 3, 2, 64, 64)))
            continue
        path = folder / f'block_{line}.py'
        path.write_text(block)
        cfg = Config.fromfile(path)
        for kind in re.findall(r"type='([\w.]+)'", block):
            assert is_registered(kind), f'{page.name}:{line}: {kind}'
        if 'type' in cfg.get('model', {}):
            MODELS.build(cfg.model)
        for step in cfg.get('train_pipeline', ()):
            TRANSFORMS.build(step)
        for hook in cfg.get('default_hooks', {}).values():
            if 'type' in hook:
                HOOKS.build(hook)
