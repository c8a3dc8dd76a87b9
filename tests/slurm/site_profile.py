"""The tiny study as the tests send it to a cluster, with what a site keeps beside the shipped profile."""

import shutil
from pathlib import Path

import yaml
from workspace import Workspace, make_workspace

# What a site edits: its partitions, and here how soon it is asked, for the jobs last seconds.
SITE = {
    "slurm-init-seconds-before-status-checks": 2,
    "slurm-partition-config": "site/partitions.yaml",
    "latency-wait": 5,
    "default-resources": {"mem_mb": 1000, "runtime": 5},
    "resources": ["gpu=2"],
}
PARTITIONS = {"partitions": {"cpu": {}, "gpu": {"max_gpu": 4}}}


def prepared(root: Path, folder: Path) -> Workspace:
    """Return a folder with the tiny study and a site's own profile."""
    workspace = make_workspace(root, folder)
    workspace.study("tiny", tiny(root))
    (folder / "site").mkdir()
    (folder / "site" / "profile.yaml").write_text(yaml.safe_dump(SITE))
    (folder / "site" / "partitions.yaml").write_text(yaml.safe_dump(PARTITIONS))
    return workspace


def tiny(root: Path) -> dict:
    """The tiny study at three points of training, for a GPU where there is one."""
    spec = yaml.safe_load((root / "tests" / "studies" / "tiny.yaml").read_text())
    steps = spec["models"]["mite"]["source"]["train"]["steps"]
    spec["models"]["mite"]["checkpoints"] = [0, steps // 2, steps]
    return {**spec, "compute": {"device": "auto", "threads": 2}}


def copied(study: Workspace, workspace: Workspace) -> Workspace:
    """Return the workspace with the results of a finished study in it."""
    for name in ("results", ".snakemake"):
        shutil.copytree(study.folder / name, workspace.folder / name, symlinks=True)
    shutil.copy2(study.folder / "tiny.yaml", workspace.folder / "tiny.yaml")
    return workspace
