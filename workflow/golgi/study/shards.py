"""Which checkpoints of a model share a job on a cluster: as many as take a quarter of an hour together."""

from __future__ import annotations

from golgi.study.costs import NEXT_SECONDS, START_SECONDS
from golgi.study.needs import minutes, told_seconds
from golgi.study.plan import UNTRAINED, Study

# A job should last 5 to 30 minutes: a shorter one costs the scheduler more than it does, a longer one loses
# more when it is lost. Estimates are good to a factor of about three.
TARGET_SECONDS = 15 * 60
# What a checkpoint of a shard asks for at least. After a failure it may be the only one left to do; what
# closes the shard is then done again in the same job, and asks for the whole start besides.
LEAST_MINUTES = 3
# Rules that work through a shard, one checkpoint after another, by the first of them; and what closes it.
SHARDED = {
    "collect_responses": ("collect_responses",),
    "score_experts": ("score_experts", "measure_overlap", "describe_units"),
}
CLOSING = {"gather_facts": "collect_responses", "measure_counts": "score_experts"}


def asked_minutes(study: Study, rule: str, model: str | None = None) -> int:
    """Return the minutes that a job of a rule asks for, wherever it runs."""
    if model is None:
        return minutes(study, rule)
    if rule in CLOSING:
        return minutes(study, rule, model, times=shard_size(study, CLOSING[rule], model))
    for first, rules in SHARDED.items():
        if rule in rules:
            start = START_SECONDS / (len(rules) * shard_size(study, first, model))
            return max(LEAST_MINUTES, minutes(study, rule, model, start=start + NEXT_SECONDS))
    return minutes(study, rule, model)


def shard_size(study: Study, rule: str, model: str) -> int:
    """Return how many checkpoints of a model a shard of `rule` holds, one at least.

    It does not depend on which checkpoints a study has: one more leaves the others in their shards. Nor
    does it change when a model has been downloaded: all jobs of a run have to know the same shards.
    """
    each = [told_seconds(study, one, model) for one in SHARDED[rule]]
    return 1 if None in each else max(1, int(TARGET_SECONDS // sum(NEXT_SECONDS + one for one in each)))


def shard_of(study: Study, rule: str, model: str, checkpoint: str) -> int:
    """Return the number of the shard that a checkpoint of a model is in."""
    return _in_order(study, model).index(checkpoint) // shard_size(study, rule, model)


def shard_rows(study: Study, rule: str, model: str, shard: int) -> list[str]:
    """Return the checkpoints of a shard."""
    size = shard_size(study, rule, model)
    return _in_order(study, model)[shard * size : (shard + 1) * size]


def shards(study: Study, rule: str) -> list[tuple[str, int]]:
    """Return every (model, shard) of a study."""
    sizes = {model: shard_size(study, rule, model) for model in study.models}
    return [
        (model, shard)
        for model, size in sizes.items()
        for shard in range(-(-len(study.checkpoints(model)) // size))
    ]


def shared(study: Study, rule: str) -> list[tuple[str, int]]:
    """Return the shards whose model has several checkpoints in a shard."""
    return [row for row in shards(study, rule) if shard_size(study, rule, row[0]) > 1]


def count_submissions(study: Study, jobs: dict[str, int]) -> int:
    """Return how many jobs a cluster is sent for these jobs of each rule: a shard is one."""
    together = {rule for rules in SHARDED.values() for rule in rules} | set(CLOSING)
    alone = sum(number for rule, number in jobs.items() if rule not in together)
    return alone + sum(len(shards(study, rule)) for rule in SHARDED)


def _in_order(study: Study, model: str) -> list[str]:
    # The twin first, so that a checkpoint added at the end of training moves nothing.
    twin = [UNTRAINED] if UNTRAINED in study.controls else []
    return [*twin, *study.weights(model)]
