"""A study spec becomes tables, figures and a report. `snakemake --cores 4` builds the studies of config/config.yaml."""

import os
import sys

# The library of this checkout, whichever is installed: here, and in jobs that run in an environment of their own.
LIBRARY = os.path.join(workflow.basedir, "workflow")
sys.path.insert(0, LIBRARY)
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [LIBRARY, os.environ.get("PYTHONPATH")])))

from snakemake.utils import min_version

from golgi.errors import GolgiError
from golgi.files import require_writable
from golgi.study import load_studies

min_version("9.27")


configfile: "config/config.yaml"


# The image that jobs run in where containers are asked for: envs/golgi.def, and `--config container=golgi.sif`.
if "container" in config:

    container: config["container"]


try:
    if workflow.is_main_process:
        load_studies(config, check_files=True)
    STUDIES = load_studies(config)
except GolgiError as error:
    sys.exit(str(error))


wildcard_constraints:
    study="|".join(STUDIES),
    model=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    checkpoint=r"[0-9]+|final|untrained",
    layer=r"[0-9]+",
    shard=r"[0-9]+",


# Checkpoints that share a job of a cluster take turns in it; on one machine they run side by side.
resource_scopes:
    turn="local",


if workflow.resource_settings.nodes or workflow.remote_exec:
    workflow.register_resource("turn", 1)

# One study at a time asks a server for sentences; `--resources server=2` allows another.
if "server" not in workflow.global_resources:
    workflow.register_resource("server", 1)


include: "workflow/rules/common.smk"
include: "workflow/rules/sentences.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/responses.smk"
include: "workflow/rules/experts.smk"
include: "workflow/rules/statistics.smk"
include: "workflow/rules/stability.smk"
include: "workflow/rules/hierarchy.smk"
include: "workflow/rules/distributed.smk"
include: "workflow/rules/dynamics.smk"
include: "workflow/rules/interventions.smk"
include: "workflow/rules/sensitivity.smk"
include: "workflow/rules/graphs.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/atlas.smk"
include: "workflow/rules/report.smk"


report: "workflow/report/workflow.rst"


# Before any job: what a job is about to write is removed first, and where that fails nothing explains it.
onstart:
    try:
        for study in STUDIES.values():
            require_writable(study.results)
    except GolgiError as error:
        sys.exit(str(error))


rule all:
    default_target: True
    input:
        every(groundwork, graphed, tabled, drawn, reported),


rule figures:
    input:
        every(groundwork, graphed, tabled, drawn),


rule redraw:
    input:
        every(drawn, pictured),


rule graphs:
    input:
        every(graphed),


rule statistics:
    input:
        every(groundwork, graphed, tabled),
