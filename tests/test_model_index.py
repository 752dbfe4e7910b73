# SPDX-License-Identifier: Apache-2.0
"""The index for `mim search`: complete, and as the documents have it."""
import re
from importlib.util import find_spec

import pytest
import torch
import yaml
from mmaction.registry import MODELS
from mmengine.config import Config

# Heading of the column and begin of the line in docs/results.md, by metric.
GENERATED, REAL = 'accuracy of all classes', 'here'
BOXED = 'of all 16 classes'
RESULTS = {
    'uftsn_quickstart': {
        'Top 1 Accuracy': (GENERATED, 'motion stream after stage 3'),
        'Motion Accuracy': ('motion accuracy', 'motion stream after stage 3'),
        'AEPE': ('AEPE, px', 'motion stream after stage 3')
    },
    'uftsn_plus_quickstart': {
        'Top 1 Accuracy': (BOXED, 'motion stream after stage 3'),
        'Motion Accuracy':
        ('accuracy of the motion', 'motion stream after stage 3'),
        'AEPE': ('AEPE', 'motion stream after stage 3')
    },
    'tsn_r18_quickstart': {
        'Top 1 Accuracy': (GENERATED, 'spatial stream, one frame')
    },
    'uftsn_plus_fusion_quickstart': {
        'Top 1 Accuracy': (BOXED, 'fusion, average of class scores'),
        'Top 1 Accuracy of Probabilities':
        (BOXED, 'fusion, average of probabilities')
    },
    'uftsn_fusion_quickstart': {
        'Top 1 Accuracy':
        (GENERATED, '**fusion**, average of class scores'),
        'Top 1 Accuracy of Probabilities':
        (GENERATED, 'fusion, average of probabilities')
    },
    'uftsn_r18_ucf101_subset': {
        'Top 1 Accuracy': (REAL, 'five classes of UCF101, motion stream')
    },
    'uftsn_r18_ucf101_subset_control': {
        'Top 1 Accuracy': (REAL, 'its control: estimator never trained')
    },
    'tsn_r18_ucf101_subset': {
        'Top 1 Accuracy': (REAL, 'five classes, spatial stream')
    },
    'uftsn_fusion_ucf101_subset': {
        'Top 1 Accuracy':
        (REAL, 'five classes, both streams, average of class scores'),
        'Top 1 Accuracy of Probabilities':
        (REAL, 'five classes, both streams, average of probabilities')
    }
}


@pytest.fixture(scope='module')
def index(repo_root):
    """All imported files as one dict of lists."""
    root = yaml.safe_load((repo_root / 'model-index.yml').read_text('utf-8'))
    found = dict(Collections=[], Models=[])
    for name in root['Import']:
        part = yaml.safe_load((repo_root / name).read_text('utf-8'))
        assert set(part) <= set(found)
        for key, items in part.items():
            found[key] += items
    return found


def number_in_results(text, column, row):
    """A number of a table, by the begin of its line.

    Of two processors' numbers it is the first one's.
    """
    for table in re.findall(r'(?:^\|.*\n)+', text, re.MULTILINE):
        head, _, *lines = [[cell.strip() for cell in line.split('|')[1:-1]]
                           for line in table.splitlines()]
        for cells in lines:
            if column in head and cells[0].startswith(row):
                first, *_ = cells[head.index(column)].split(',')
                return float(first.strip('*'))
    raise LookupError(f'docs/results.md has no {column!r} of {row!r}')


def test_every_config_is_listed_once_and_is_there(index, repo_root):
    listed = [model['Config'] for model in index['Models']]
    shipped = [
        path.relative_to(repo_root).as_posix()
        for path in (repo_root / 'configs').rglob('*.py')
        if '_base_' not in path.parts
    ]
    assert sorted(listed) == sorted(shipped)
    for model in index['Models']:
        # mim takes the name for that of the config, in lower case.
        assert model['Config'].endswith(f'/{model["Name"]}.py')
        assert model['Name'] == model['Name'].lower()
        # None are published, and a link would promise them.
        assert 'Weights' not in model


def test_collections_are_those_of_the_models(index, repo_root):
    names = {item['Name'] for item in index['Collections']}
    assert {model['In Collection'] for model in index['Models']} == names
    for item in index['Collections']:
        assert (repo_root / item['README']).is_file()


def test_metadata_are_those_of_the_configs(index, repo_root):
    for model in index['Models']:
        cfg = Config.fromfile(repo_root / model['Config'])
        metadata = dict(model['Metadata'])
        if 'streams' in cfg.model:
            assert 'Epochs' not in metadata and 'Parameters' not in metadata
            continue
        assert metadata['Epochs'] == cfg.train_cfg.max_epochs, model['Name']
        batch = cfg.train_dataloader.batch_size
        assert metadata['Batch Size'] == batch, model['Name']
        estimator = cfg.model.get('flow_estimator') or {}
        if estimator.get('type') == 'PTLFlowEstimator':
            if find_spec('ptlflow') is None:
                continue  # an optional library
            estimator.pop('checkpoint')  # no download in a test
        with torch.device('meta'):
            recognizer = MODELS.build(cfg.model)
        size = sum(item.numel() for item in recognizer.parameters())
        assert metadata['Parameters'] == f'{size / 1e6:.2f}M', model['Name']


def test_results_are_those_of_the_documents(index, repo_root):
    text = (repo_root / 'docs' / 'results.md').read_text('utf-8')
    found = {
        model['Name']: model['Results']
        for model in index['Models'] if 'Results' in model
    }
    assert set(found) == set(RESULTS)
    for name, results in found.items():
        result, = results
        assert result['Task'] == 'Action Recognition'
        assert set(result['Metrics']) == set(RESULTS[name])
        for metric, (column, row) in RESULTS[name].items():
            number = number_in_results(text, column, row)
            # Accuracies of generated data are from 0 to 1 there.
            is_part = column != REAL and metric != 'AEPE'
            assert result['Metrics'][metric] == pytest.approx(
                100 * number if is_part else number), (name, metric)


@pytest.mark.skipif(find_spec('mim') is None, reason='openmim is optional')
def test_mim_reads_the_index(repo_root, index):
    from mim.commands.search import convert2df
    from modelindex.load_model_index import load

    table = convert2df(load(str(repo_root / 'model-index.yml')))
    assert list(table.index) == [model['Name'] for model in index['Models']]
    row = table.loc['uftsn_r18_ucf101_subset']
    model, = (item for item in index['Models'] if item['Name'] == row.name)
    result, = model['Results']
    assert row['five classes of ucf101/top_1_accuracy'] == result['Metrics'][
        'Top 1 Accuracy']
    assert row['training_data'] == 'five classes of ucf101'
    assert row['model'] == 'uf-tsn'
    assert row['config'] == 'configs/uftsn_r18_ucf101_subset.py'
