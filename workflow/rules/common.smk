# Small words that several stages say. Each looks one thing up in the plan of a study.


def study_of(wildcards):
    return STUDIES[wildcards.study]


def per_checkpoint(pattern):
    """Input of a job that gathers one file per model and checkpoint."""
    return lambda wildcards: [
        pattern.format(study=wildcards.study, model=model, checkpoint=checkpoint)
        for model, checkpoint in study_of(wildcards).rows()
    ]


def last_rows(wildcards):
    """The last (model, checkpoint) of every model, and its untrained twin where there is one."""
    study = study_of(wildcards)
    return [row for row in study.rows() if row[1] in (study.last_checkpoint(row[0]), "untrained")]


def code(*modules):
    """The modules that hold the method: editing one reruns what it feeds."""
    return [f"workflow/golgi/{module}.py" for module in modules]


def gpu(wildcards):
    return study_of(wildcards).gpu


def threads(wildcards):
    return study_of(wildcards).threads


def memory(megabytes):
    """Memory that grows with the attempt, so that a job killed for want of it passes the next time."""
    return lambda wildcards, attempt: megabytes * attempt


def weights(wildcards):
    """What holds a model's weights: the trained model's folder, the hub's download, or the user's own folder."""
    study = study_of(wildcards)
    if wildcards.model in study.trained():
        return f"{study.results}/models/{wildcards.model}"
    return study.folder(wildcards.model, wildcards.checkpoint)
