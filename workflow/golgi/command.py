"""The command `golgi`: check a study, see how much work it is, and search what it found."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

from golgi import __version__
from golgi.errors import GolgiError
from golgi.study import Study, StudyError, load_study, study_file

SEARCH = [
    ("--fires-on", "TOKEN", "units that fire on this token"),
    ("--context", "TOKEN", "units that need this token somewhere before"),
    ("--like", "LAYER.UNIT", "units that resemble this one"),
]
SCOPE = [
    ("--model", "NAME", "only units of this model"),
    ("--checkpoint", "STEP", "only units at this checkpoint"),
    ("--site", "SITE", "only units at this site"),
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status, 1 where a study has problems."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except GolgiError as error:
        _say(str(error), sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="golgi", description="Expert-neuron studies of language models.")
    parser.add_argument("--version", action="version", version=f"golgi {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    spec = {"metavar": "SPEC", "help": "a study file, or the name of one in config/studies/"}
    check = commands.add_parser("check", help="say everything that is wrong with a study")
    check.add_argument("specs", nargs="+", **spec)
    check.set_defaults(run=_check)
    plan = commands.add_parser("plan", help="say how much work a study is, before it is done")
    plan.add_argument("spec", **spec)
    plan.set_defaults(run=_plan)
    search = commands.add_parser("search", help="find units by the tokens that they answer to")
    search.add_argument("spec", **spec)
    for option, value, meaning in (*SEARCH, *SCOPE):
        search.add_argument(option, metavar=value, help=meaning)
    search.add_argument(
        "--limit", type=_at_least_one, default=20, metavar="N", help="units shown; 20 without it"
    )
    search.set_defaults(run=_search)
    draw = commands.add_parser("draw", help="draw the graph of one unit")
    draw.add_argument("spec", **spec)
    draw.add_argument("unit", metavar="LAYER.UNIT", help="the unit, by its layer and number")
    for option, value, meaning in SCOPE:
        draw.add_argument(option, metavar=value, help=meaning)
    draw.add_argument("--output", metavar="FILE", help=".svg, .pdf or .png; SITE-LAYER.UNIT.svg without it")
    draw.set_defaults(run=_draw)
    verify = commands.add_parser(
        "verify", help="say whether a study's files are what was made, and would be now"
    )
    verify.add_argument("spec", metavar="STUDY", help="a study file, or the name of a study")
    verify.add_argument("--discard", action="store_true", help="remove what is damaged, to be made again")
    verify.set_defaults(run=_verify)
    archive = commands.add_parser("archive", help="pack a finished study for who wants to check it")
    archive.add_argument("spec", **spec)
    archive.add_argument("file", metavar="FILE", help="the archive to write, NAME.tar.zst")
    archive.add_argument("--weights", action="store_true", help="with the weights of the study's own models")
    archive.set_defaults(run=_archive)
    schema = commands.add_parser("schema", help="show the fields of a study")
    schema.add_argument(
        "--markdown", action="store_true", help="as tables (config/README.md), instead of JSON"
    )
    schema.set_defaults(run=_schema)
    return parser


def _check(options: argparse.Namespace) -> int:
    problems = []
    for spec in options.specs:
        try:
            study = load_study(study_file(spec), check_files=True)
        except StudyError as error:
            problems += error.problems
            continue
        _warn(study)
        _say(f"{study.file}: in order. {_summary(study)}")
    if problems:
        raise StudyError(problems)
    return 0


def _plan(options: argparse.Namespace) -> int:
    from golgi.study.display import plan_page

    study = load_study(study_file(options.spec), allow_unset=True)
    _warn(study)
    _show(plan_page(study, _answered(study)))
    return 0


def _answered(study: Study) -> tuple[int, int] | None:
    there = [file for file in (study.transcript, *study.transcripts) if os.path.isfile(file)]
    if study.llm is None or not there:
        return None
    from golgi.writing.answered import answered

    return answered(study)


def _search(options: argparse.Namespace) -> int:
    from golgi.graphs.display import Question, search_page

    study = load_study(study_file(options.spec), allow_unset=True)
    asked = {name: getattr(options, name) for name in Question.__dataclass_fields__}
    _show(search_page(study.results, Question(**asked), limit=options.limit))
    return 0


def _draw(options: argparse.Namespace) -> int:
    from golgi.graphs.drawing import draw_named

    study = load_study(study_file(options.spec), allow_unset=True)
    scope = {option: getattr(options, option) for option in ("model", "checkpoint", "site", "output")}
    file, unit = draw_named(study.results, options.unit, **scope)
    _say(f"{file}: {unit['model']} at {unit['checkpoint']}, {unit['site']} {unit['layer']}.{unit['unit']}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    from golgi.provenance.discarding import discard
    from golgi.provenance.display import verdict_page
    from golgi.provenance.verifying import has_records, verify

    try:
        study = load_study(study_file(options.spec), allow_unset=True)
    except StudyError:
        # A study that was run from a file elsewhere, named as the messages of its jobs name it.
        if not has_records(options.spec):
            raise
        study = None
    name = study.name if study else options.spec
    verdict = verify(name, study)
    _show(verdict_page(verdict, spec=options.spec, planned=study is not None))
    removed = discard(verdict) if options.discard else []
    for output in removed:
        _say(f"removed {output}")
    return 0 if verdict.in_order else 1


def _archive(options: argparse.Namespace) -> int:
    from golgi.archive.archiving import gather_archive, write_archive

    archive = gather_archive(load_study(study_file(options.spec), check_files=True), weights=options.weights)
    _say(archive.summary())
    _say(f"{options.file}: {write_archive(archive, options.file):,} bytes. Unpack it with: tar --zstd -xf")
    return 0


def _schema(options: argparse.Namespace) -> int:
    from golgi.study.reference import markdown
    from golgi.study.schema import study_schema

    _say(
        markdown().rstrip("\n")
        if options.markdown
        else json.dumps(study_schema(), indent=2, ensure_ascii=False)
    )
    return 0


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of units")
    return int(text)


def _summary(study: Study) -> str:
    checkpoints = len(study.rows())
    return (
        f"{len(study.concepts)} concepts, {_counted(len(study.models), 'model')}, "
        f"{_counted(checkpoints, 'checkpoint')}, {_counted(len(study.figures), 'figure')}."
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _show(page) -> None:
    from rich.console import Console

    # A log or a pipe has no width; what is cut off there is lost.
    Console(width=None if sys.stdout.isatty() else 110, markup=False, emoji=False).print(page)


def _warn(study: Study) -> None:
    for warning in (*study.warnings, *study.unknown_layers()):
        _say(f"warning: {warning}", sys.stderr)


def _say(text: str, stream=None) -> None:
    (stream or sys.stdout).write(f"{text}\n")
