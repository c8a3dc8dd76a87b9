"""What setting expert units does to a model: the concept's word, its continuations, its loss elsewhere."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import torch

from golgi.concepts.intervention_text import choose_concepts, read_intervention_text, study_concepts
from golgi.concepts.lexicon import Concept
from golgi.experts.interventions import Intervention, Units, count_shortage, plan_interventions, read_units
from golgi.models.bridge import open_model
from golgi.models.device import claim_device
from golgi.models.intervening import Edit, Intervener, Place
from golgi.models.prompts import Prompts, Settings
from golgi.models.tokenizer import bos_id, load_tokenizer
from golgi.progress import Progress
from golgi.tables import write_table

logger = logging.getLogger(__name__)


def intervene(
    *,
    folder: Path,
    who: str,
    model: str,
    checkpoint: str,
    step: int | None,
    untrained_seed: int | None,
    dtype: str,
    bos: bool,
    device: str,
    batch_tokens: int,
    threads: int,
    ap: Path,
    concepts: Path,
    texts: Path,
    chosen: int | list[str],
    settings: dict[str, object],
    seed: int,
    prompts: Path,
) -> None:
    """Set the best units of each chosen concept, and others to compare with; write what the model does then.

    Suau et al. 2020, sec. 4: units keep their values at every token position, BOS included, in all layers at
    once. `settings` are the fields of `Settings`; `prompts` gets the table `intervention_prompts`. Raises
    GolgiError naming `who` where model, text and expertise do not fit each other.
    """
    torch.set_num_threads(threads)
    known = study_concepts(concepts)
    names = [concept.name for concept in known]
    wanted = [known[names.index(name)] for name in choose_concepts(names, chosen, seed)]
    units = {concept.name: read_units(ap, names.index(concept.name)) for concept in wanted}
    options = Settings(**settings)
    opening = {"who": who, "untrained_seed": untrained_seed, "dtype": dtype, "bos": bos, "device": device}
    places = units[wanted[0].name].places
    with open_intervener(folder, **opening, places=places, batch_tokens=batch_tokens) as (
        engine,
        tokenizer,
        start,
    ):
        lines, context = read_intervention_text(texts), engine.model.context
        held_out = Prompts(lines, tokenizer, bos=start, context=context, settings=options, seed=seed, who=who)
        table = pl.concat(_measure_all(engine, held_out, wanted, units))
    identity = {"model": model, "checkpoint": checkpoint}
    columns = [pl.lit(value).alias(name) for name, value in identity.items()]
    write_table(
        table.with_columns(*columns, pl.lit(step, pl.Int64).alias("step")),
        prompts,
        schema="intervention_prompts",
    )


@contextmanager
def open_intervener(
    folder: Path,
    *,
    who: str,
    untrained_seed: int | None,
    dtype: str,
    bos: bool,
    device: str,
    places: list[Place],
    batch_tokens: int,
) -> Iterator[tuple]:
    """Yield the model of a folder, to be intervened in at `places`, its tokenizer, and the id of BOS or None.

    Holds a GPU while it is open. Raises GolgiError naming `who` for what will not do.
    """
    with claim_device(device) as place:
        model = open_model(Path(folder), who=who, seed=untrained_seed, dtype=dtype, device=place)
        tokenizer = load_tokenizer(Path(folder), who=who)
        nameless = set(range(model.vocabulary)) - set(tokenizer.get_vocab().values())
        unspoken = nameless.union(tokenizer.all_special_ids)
        excluded = [index for index in unspoken if index < model.vocabulary]
        engine = Intervener(model, places, batch_tokens=batch_tokens, excluded=excluded)
        yield engine, tokenizer, bos_id(tokenizer, who=who) if bos else None


def _measure_all(
    engine: Intervener, prompts: Prompts, concepts: list[Concept], units: dict[str, Units]
) -> Iterator[pl.DataFrame]:
    who = engine.model.who
    planned = {concept.name: _plan(concept, units[concept.name], prompts) for concept in concepts}
    total = sum(map(len, planned.values()))
    with Progress(total, unit="interventions", label=who, logger=logger) as progress:
        for concept in concepts:
            yield measure_concept(engine, prompts, concept, units[concept.name], planned[concept.name])
            progress.advance(len(planned[concept.name]), f"({concept.name})")
    rate = engine.tokens / max(progress.seconds, 1e-9)
    logger.info("%s: %d tokens in %.0f s, %.0f tokens/s.", who, engine.tokens, progress.seconds, rate)


def _plan(concept: Concept, units: Units, prompts: Prompts) -> list[Intervention]:
    settings = prompts.settings
    amounts = {"actions": settings.actions, "sizes": settings.sizes, "draws": settings.draws}
    planned = plan_interventions(units, **amounts, concept=concept.name, seed=prompts.seed)
    for (name, size), missing in count_shortage(planned).items():
        logger.warning("%s: up to %d of %d %s units are wanting.", concept.name, missing, size, name)
    return planned


def measure_concept(
    engine: Intervener, prompts: Prompts, concept: Concept, units: Units, planned: list[Intervention]
) -> pl.DataFrame:
    """Return the rows of one concept: every intervention, quantity and prompt, beside the model as it is."""
    settings = prompts.settings
    edits = [{}, *(as_edit(units, one) for one in planned)]
    # A set for which no unit was left changes nothing: it is the model as it is, and not run again.
    run = [0, *(row for row, edit in enumerate(edits) if edit)]
    asked = prompts.ask(concept)
    found = engine.log_probabilities([question.asked for question in asked], [edits[row] for row in run])
    found *= [-1 / question.tokens if question.quantity == "neutral" else 1 for question in asked]
    continued = engine.sample(
        [ids for _, ids in prompts.beginnings],
        [edits[row] for row in run],
        length=settings.length,
        top=settings.top,
        seed=prompts.seed,
    )
    values = np.concatenate([found, prompts.has_word(concept, continued)], axis=1)  # [run, question]
    rows = [(question.quantity, question.line, question.tokens) for question in asked]
    rows += [("generated", line, settings.length) for line, _ in prompts.beginnings]
    answers = pl.DataFrame(rows, schema=["quantity", "prompt", "tokens"], orient="row")
    answers = answers.with_columns(pl.lit(concept.name).alias("concept"), pl.Series("base", values[0]))
    places = np.searchsorted(run, np.arange(1, len(edits))) * [bool(edit) for edit in edits[1:]]
    return pl.concat(
        answers.with_columns(*_describe(one), pl.Series("value", values[place]))
        for one, place in zip(planned, places, strict=True)
    )


def as_edit(units: Units, intervention: Intervention) -> Edit:
    """Return an intervention as the units and values of every place that it changes."""
    place = units.place[intervention.chosen]
    return {
        units.places[index]: (
            units.number[intervention.chosen[place == index]],
            intervention.values[place == index],
        )
        for index in np.unique(place)
    }


def _describe(intervention: Intervention) -> list[pl.Expr]:
    facts = {
        "action": intervention.action,
        "units": intervention.units,
        "draw": intervention.draw,
        "size": intervention.size,
        "changed": len(intervention.chosen),
    }
    displacement = pl.lit(intervention.displacement, pl.Float64).alias("displacement")
    return [*(pl.lit(value).alias(name) for name, value in facts.items()), displacement]
