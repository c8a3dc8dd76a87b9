"""The command `golgi`: check a study, and see how much work it is."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from golgi import __version__
from golgi.errors import GolgiError
from golgi.study import Study, StudyError, load_study, study_file


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
    from rich.console import Console

    from golgi.study.display import plan_page

    study = load_study(study_file(options.spec), allow_unset=True)
    _warn(study)
    # A log or a pipe has no width; what is cut off there is lost.
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(plan_page(study))
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


def _summary(study: Study) -> str:
    checkpoints = len(study.rows())
    return (
        f"{len(study.concepts)} concepts, {_counted(len(study.models), 'model')}, "
        f"{_counted(checkpoints, 'checkpoint')}, {_counted(len(study.figures), 'figure')}."
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _warn(study: Study) -> None:
    for warning in study.warnings:
        _say(f"warning: {warning}", sys.stderr)


def _say(text: str, stream=None) -> None:
    (stream or sys.stdout).write(f"{text}\n")
