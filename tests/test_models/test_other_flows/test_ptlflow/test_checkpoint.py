# SPDX-License-Identifier: Apache-2.0
"""Weights come from a file or by a published name, and are weights alone."""
import pytest
import torch
from mmengine.logging import MMLogger


@pytest.fixture
def log(caplog):
    """The log, which MMEngine's logger does not propagate by itself."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.fixture
def weights(build):
    """Function that gives the weights of a model with some bias."""
    return lambda bias=0.: build(bias=bias).network.state_dict()


def test_random_weights_are_told(build, log):
    build()
    assert log.text.count('random weights') == 1
    assert "'fake'" in log.text


def test_a_state_dict_is_loaded(build, weights, tmp_path, log):
    file = tmp_path / 'weights.pth'
    torch.save(weights(5.), file)
    log.clear()
    network = build(checkpoint=str(file)).network
    assert network.bias == 5
    assert not network.bias.requires_grad
    assert network.extra == {}
    assert 'random' not in log.text


def test_a_checkpoint_of_the_library_is_loaded(build, weights, tmp_path):
    file = tmp_path / 'weights.ckpt'
    settings = dict(train_size=(64, 64), extra_params=dict(mean=[0.5]))
    torch.save(
        dict(state_dict=weights(5.), epoch=3, hyper_parameters=settings), file)
    network = build(checkpoint=str(file)).network
    assert network.bias == 5
    assert network.extra == dict(mean=[0.5])


def test_published_weights_are_loaded_by_name(build, weights, monkeypatch,
                                              tmp_cwd):
    asked = []

    def download(url, **options):
        asked.append((url, options['weights_only'], options['check_hash']))
        return dict(state_dict=weights(7.))

    monkeypatch.setattr(torch.hub, 'load_state_dict_from_url', download)
    # A file of that name does not stand in for the published weights.
    (tmp_cwd / 'things').touch()
    assert build(checkpoint='things').network.bias == 7
    url = build().network.pretrained_checkpoints['things']
    assert asked == [(url, True, True)]


def test_a_failed_download_names_the_address(build, monkeypatch):

    def download(url, **options):
        raise OSError('no route')

    monkeypatch.setattr(torch.hub, 'load_state_dict_from_url', download)
    with pytest.raises(ValueError, match=r'no route.*download https://local'):
        build(checkpoint='things')


def test_a_hostile_checkpoint_is_refused(build, weights, hostile, tmp_path):
    thing, trace = hostile
    file = tmp_path / 'weights.ckpt'
    torch.save(dict(state_dict=weights(), hyper_parameters=thing), file)
    with pytest.raises(ValueError, match='Unpickling'):
        build(checkpoint=str(file))
    assert not trace.exists()


@pytest.mark.parametrize('content, words', [
    (b'no checkpoint', ["'fake'", 'state_dict']),
    ([1, 2], ["'fake'", 'list']),
    (dict(bias=torch.zeros(())), ["'fake'", 'norm.weight']),
    (dict(state_dict=3), ["'fake'", 'int']),
])
def test_checkpoints_it_refuses(content, words, build, tmp_path):
    file = tmp_path / 'weights.ckpt'
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        torch.save(content, file)
    with pytest.raises(ValueError) as caught:
        build(checkpoint=str(file))
    assert all(word in str(caught.value) for word in [str(file), *words])
