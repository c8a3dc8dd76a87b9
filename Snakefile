"""A study spec becomes tables, figures and a report. `snakemake --cores 4` builds the studies of config/config.yaml."""

import os
import sys

from snakemake.utils import min_version

from golgi.errors import GolgiError
from golgi.study import load_studies

min_version("9.27")

# A job that runs in an environment of its own finds the library of this checkout.
LIBRARY = os.path.join(workflow.basedir, "workflow")
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [LIBRARY, os.environ.get("PYTHONPATH")])))


configfile: "config/config.yaml"


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
include: "workflow/rules/report.smk"


report: "workflow/report/workflow.rst"


rule all:
    default_target: True
    input:
        [f"results/{name}/report.html" for name in STUDIES],
        every(groundwork, graphed, tabled, drawn),


rule figures:
    input:
        every(groundwork, graphed, tabled, drawn),


rule graphs:
    input:
        every(graphed),


rule statistics:
    input:
        every(groundwork, graphed, tabled),
