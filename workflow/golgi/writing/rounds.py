"""Have a language model write the sentences of a study, in rounds, until each concept has its number.

Facts and short stories, as in Suau et al. 2020 (section 4) and Fedzechkina et al. 2025. What a round asks for
depends on the replies to the rounds before it and not on when they came, so a run that was stopped goes on,
and a transcript is replayed, to the same bytes.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from golgi.concepts.lexicon import load_lexicon, select
from golgi.errors import GolgiError
from golgi.files import ask, write_json
from golgi.progress import Progress
from golgi.study.prompts import Prompt, load_prompt
from golgi.study.writing import KINDS
from golgi.tables import write_table
from golgi.writing.counting import (
    Price,
    names_given,
    replies_frame,
    totals,
    writing_frame,
    written_frame,
)
from golgi.writing.demand import Demand, Draft, demands, drafting
from golgi.writing.kinds import are_swapped
from golgi.writing.parsing import Drawn, take_apart
from golgi.writing.requests import Reply, Request, Writer
from golgi.writing.sieve import KEPT, Row, Sieve
from golgi.writing.transcript import Transcript

SHORT_SHOWN = 20
logger = logging.getLogger(__name__)

Settle = Callable[[list[Request], int], list[Reply]]  # of the requests of a round, and its number


class Judge(Protocol):
    """What rounds need of a sieve; `orientation` says whether kinds look swapped (`KindGate`)."""

    orientation: float | None

    def add(self, drawn: list[Drawn]) -> list[Row]:
        """Return a row with a verdict for each sentence of the replies of a round."""

    def kept(self, concept: str, kind: str) -> int:
        """Return how many sentences were kept so far."""


def write_with_model(
    *,
    lexicon: Path,
    categories: list[str] | None,
    only: list[str] | None,
    llm: dict[str, Any],
    positives: int,
    seed: int,
    writer: Writer,
    transcript: Transcript,
    written: Path,
    replies: Path,
    facts: Path,
    table: Path,
    price: Price = None,
) -> None:
    """Write the tables `written`, `replies` and `writing` and the facts about the writer of a study.

    `llm` is that source of `concepts.sentences`, of which the writer's part is not read; `positives` are the
    sentences per concept, `price` that of a million tokens. The writer is asked for what the transcript
    lacks, and never where it lacks nothing. A concept that is short is told in the log and the table. Same
    replies, same bytes. GolgiError where the writer gives up, with all replies kept.
    """
    concepts = select(load_lexicon(lexicon), categories, only)
    wants = demands(concepts, positives=positives, per_request=llm["per_request"], attempts=llm["attempts"])
    prompts = {kind: load_prompt(llm["prompts"][kind]) for kind in KINDS}
    sieve = Sieve(concepts, gates=llm["gates"], language=llm["language"], seed=seed)

    def settle(requests: list[Request], number: int) -> list[Reply]:
        return settled(requests, number, writer=writer, transcript=transcript, output=written)

    drawn, rows = hold_rounds(wants, sieve, drafting(prompts, llm, seed, writer.identity), settle)
    frames = replies_frame(drawn), written_frame(rows)
    writing = writing_frame(wants, *frames, price=price)
    write_table(frames[1], written, schema="written")
    write_table(frames[0], replies, schema="replies")
    write_table(writing, table, schema="writing", csv=True)
    told = {"model": writer.identity, "names": names_given(drawn), "orientation": _told(sieve.orientation)}
    rounds = drawn[-1].round + 1 if drawn else 0
    write_json(told | _settings(llm, prompts, seed) | totals(writing, rounds=rounds, price=price), facts)
    if not are_swapped(sieve.orientation):
        _tell_shortage(wants, sieve)


def _told(orientation: float | None) -> float | None:
    return None if orientation is None else round(orientation, 3)


def _settings(llm: dict[str, Any], prompts: dict[str, Prompt], seed: int) -> dict[str, Any]:
    return {
        # Where a prompt lies is not the same on all machines.
        "prompts": {
            kind: {"file": Path(one.file).name, "sha256": one.sha256} for kind, one in prompts.items()
        },
        "sampling": {name: llm[name] for name in ("temperature", "top_p", "max_tokens")} | {"seed": seed},
        **{name: llm[name] for name in ("language", "per_request", "attempts", "gates")},
    }


def hold_rounds(
    wants: Sequence[Demand], sieve: Judge, draft: Draft, settle: Settle
) -> tuple[list[Drawn], list[Row]]:
    """Ask and sieve, round after round, until all that is wanted is kept or may not be asked for any more.

    There is no further round where facts and stories look swapped as a whole: the same prompts would get more
    of the same.
    Returns the replies and the rows of the sieve, in the order of rounds, demands and draws; `made` of each
    demand is counted up.
    """
    drawn, rows = [], []
    for number in count():
        requests = list(_requests(wants, sieve, draft))
        if not requests:
            return drawn, rows
        # All replies of a round are there before one is judged.
        pairs = zip(requests, settle(requests, number), strict=True)
        found = [take_apart(number, *pair) for pair in pairs]
        added = sieve.add(found)
        drawn += found
        rows += added
        _tell_round(number, requests, added, wants, sieve)
        if are_swapped(sieve.orientation):
            _tell_swapped(sieve.orientation)
            return drawn, rows


def _requests(wants: Sequence[Demand], sieve: Judge, draft: Draft) -> Iterator[Request]:
    for want in wants:
        further = want.further(sieve.kept(want.concept.name, want.kind))
        for draw in range(want.made, want.made + further):
            yield draft(want.concept, want.kind, draw)
        want.made += further


def settled(
    requests: Sequence[Request], number: int, *, writer: Writer, transcript: Transcript, output: Path
) -> list[Reply]:
    """Return the replies to the requests of a round, in their order; the writer is asked for what is missing.

    Gives way where a later job makes `output`. Raises GolgiError for a writer that leaves requests out.
    """
    transcript.catch_up()
    waiting = _waiting(requests, writer.batch, transcript)
    if waiting:
        _ask(waiting, number, len(requests), writer=writer, transcript=transcript, output=output)
    replies = [transcript.get(request.key) for request in requests]
    if missing := replies.count(None):
        raise GolgiError(f"The writer left {missing} of {len(requests)} requests without a reply. Run again.")
    return replies


def _waiting(requests: Sequence[Request], batch: int, transcript: Transcript) -> list[Request]:
    # Batches are those of the whole round, whatever is there already: what a local model writes depends on
    # the others of the batch. Each of them is full but the last, so the writer cuts them in the same places.
    unique = list({request.key: request for request in requests}.values())
    batches = [unique[start : start + batch] for start in range(0, len(unique), batch)]
    return [one for part in batches if not all(other.key in transcript for other in part) for one in part]


def _ask(
    waiting: list[Request], number: int, of: int, *, writer: Writer, transcript: Transcript, output: Path
) -> None:
    logger.info("Round %d: %d of %d replies are asked for.", number, len(waiting), of)
    # An older job must not spend what a later one spends again.
    ask(output)
    with Progress(len(waiting), unit="replies", label=f"round {number}", logger=logger) as progress:

        def keep(request: Request, reply: Reply) -> None:
            transcript.keep(request, reply)
            progress.advance(1)
            ask(output)

        writer.answer(waiting, keep)


def _tell_round(
    number: int, requests: list[Request], rows: list[Row], wants: Sequence[Demand], sieve: Judge
) -> None:
    logger.info(
        "Round %d: %d requests for %d concepts; %d of %d sentences kept, %d still wanted.",
        number,
        len(requests),
        len({request.concept for request in requests}),
        sum(row.verdict == KEPT for row in rows),
        len(rows),
        sum(_missing(want, sieve) for want in wants),
    )


def _tell_swapped(orientation: float) -> None:
    logger.warning(
        "No more is asked for: the facts and the stories that the model wrote look swapped as a whole. By "
        "what distinguishes them, %.0f%% of some plain facts and stories are told right. Look at the prompts "
        "of concepts.sentences.source.llm.prompts: is each of them under its own kind? If they mean "
        "something else by fact and story, set concepts.sentences.source.llm.gates.kind to null.",
        100 * orientation,
    )


def _tell_shortage(wants: Sequence[Demand], sieve: Judge) -> None:
    short = [(want, _missing(want, sieve)) for want in wants if _missing(want, sieve)]
    if short:
        shown = [f"{want.concept.name} ({want.kind}: {missing})" for want, missing in short[:SHORT_SHOWN]]
        more = f" ... and {len(short) - SHORT_SHOWN} more" if short[SHORT_SHOWN:] else ""
        logger.warning(
            "After all requests that are allowed sentences are missing of: %s%s.", ", ".join(shown), more
        )


def _missing(want: Demand, sieve: Judge) -> int:
    return max(want.wanted - sieve.kept(want.concept.name, want.kind), 0)
