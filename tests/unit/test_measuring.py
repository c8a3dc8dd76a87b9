"""What a job took, as its record tells it."""

import resource
import subprocess
import sys
import textwrap

import pytest
from recorded_study import Task, put

from golgi.provenance import measuring
from golgi.provenance.records import Making, read_record

TABLE = "results/small/tables/counts.parquet"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_cpu_time_is_that_of_children_too():
    making = Making(Task("burn", [], [TABLE]), threads=1)
    subprocess.run([sys.executable, "-c", "sum(range(10**7))"], check=True)
    put(TABLE)
    making.write_records()
    assert read_record(TABLE)["seconds"]["cpu"] > 0.05


def test_memory_is_the_highest_of_the_process():
    size = 200 * 10**6
    code = f"""
        from golgi.provenance.measuring import peak_memory_mb
        before = peak_memory_mb()
        held = bytearray({size})
        del held
        print(before, peak_memory_mb())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before < 100
    assert 190 <= after - before <= 230


@pytest.mark.parametrize("status", ["Name:\tpython\nVmRSS:\t 1 kB\n", None])
def test_memory_is_measured_where_the_host_tells_less(monkeypatch, tmp_path, status):
    if status:
        put("status", status)
    monkeypatch.setattr(measuring, "STATUS", tmp_path / "status")
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    expected = max(peaks) * (1 if sys.platform == "darwin" else 1024)
    assert measuring.peak_memory_mb() == pytest.approx(expected / 1e6, rel=0.05, abs=1)
