"""Devices and number formats: what is chosen, why, and how jobs share GPUs."""

import threading
import time

import pytest
import torch

from golgi.errors import GolgiError
from golgi.models import device


def test_without_a_gpu_auto_is_the_cpu(monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with caplog.at_level("INFO"), device.claim_device("auto") as place:
        assert place.type == "cpu"
    assert "Device cpu (auto: torch sees no GPU)" in caplog.text
    with pytest.raises(GolgiError, match="torch sees no GPU here"), device.claim_device("cuda"):
        pass
    with pytest.raises(GolgiError, match="Allowed: auto, cpu, cuda"), device.claim_device("tpu"):
        pass


def test_jobs_take_different_gpus_and_wait_when_all_are_taken(monkeypatch, tmp_path):
    monkeypatch.setattr(device, "_lock_path", lambda index: tmp_path / f"{index}.lock")
    monkeypatch.setattr(device, "POLL", 0.01)
    waited = []
    with device._locked_gpu(2) as first:
        with device._locked_gpu(2) as second:
            assert {first, second} == {0, 1}
            thread = threading.Thread(target=lambda: waited.append(_take_one()))
            thread.start()
            time.sleep(0.1)
            assert waited == []
        thread.join(timeout=10)
    assert waited == [second]


def _take_one() -> int:
    with device._locked_gpu(2) as index:
        return index


def test_every_format_has_a_reason():
    for name, torch_format in device.DTYPES.items():
        chosen, reason = device.choose_dtype(name)
        assert chosen is torch_format
        assert reason
