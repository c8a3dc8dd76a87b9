"""Devices and number formats: what is chosen, why, and how jobs share GPUs."""

import errno
import os
import stat
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


@pytest.fixture
def protected(monkeypatch):
    """Refuse what Linux refuses with fs.protected_regular: O_CREAT for a file that another user made."""
    real = os.open

    def guarded(path, flags, *rest):
        if flags & os.O_CREAT and not flags & os.O_EXCL and os.path.exists(path):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", guarded)


def test_a_lock_of_another_user_is_shared(monkeypatch, tmp_path, protected):
    monkeypatch.setattr(device, "_lock_path", lambda index: tmp_path / f"{index}.lock")
    for _ in range(2):  # the second time the file is there
        with device._locked_gpu(1) as index:
            assert index == 0
            assert device._try_lock(tmp_path / "0.lock") is None
    assert stat.S_IMODE((tmp_path / "0.lock").stat().st_mode) == 0o666


def test_a_lock_made_by_another_job_meanwhile_is_shared(monkeypatch, tmp_path):
    real, lock = os.open, tmp_path / "0.lock"

    def late(path, flags, *rest):
        if flags & os.O_CREAT:
            os.close(real(lock, os.O_WRONLY | os.O_CREAT, 0o666))
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", late)
    os.close(device._try_lock(lock))


def test_a_lock_that_cannot_be_opened_is_named(tmp_path):
    (tmp_path / "0.lock").mkdir()
    with pytest.raises(GolgiError, match=r"0\.lock, which says who uses a GPU, cannot be locked: Is a dir"):
        device._try_lock(tmp_path / "0.lock")


def test_every_format_has_a_reason():
    for name, torch_format in device.DTYPES.items():
        chosen, reason = device.choose_dtype(name)
        assert chosen is torch_format
        assert reason
