"""The trained models of the real data: their responses, and a hash for every checkpoint."""

import numpy as np
import pytest

from golgi.models.weights import find_weights, hash_files


@pytest.mark.parametrize("model", ["tinystories-1m", "tinystories-4m"])
def test_responses_of_trained_models(data, collect, model):
    folder = data / "models" / model / "step2048"
    options = {"sites": ["mlp_post"], "masked": True, "rotation_seed": 1, "batch_tokens": 512}
    got = collect(folder, **options)
    twin = collect(folder, untrained_seed=1, checkpoint="untrained", step=None, name="twin", **options)
    layers = got.facts["layers"]
    assert sorted(got.responses) == [f"mlp_post/{layer}" for layer in range(layers)]
    last = f"mlp_post/{layers - 1}"
    assert np.abs(got.responses[last]).max() > 2 * np.abs(twin.responses[last]).max()
    assert got.facts["parameters"] == twin.facts["parameters"]


def test_every_checkpoint_has_its_own_hash(data):
    folders = sorted((data / "models" / "tinystories-1m").glob("step*"))
    hashes = {hash_files(find_weights(folder, who=folder.name), who=folder.name) for folder in folders}
    assert len(hashes) == len(folders) > 5
