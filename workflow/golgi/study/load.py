"""From a file to a study, or to every reason why not."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path as FilePath

from golgi.study.checked import Checked
from golgi.study.crosschecks import crosscheck
from golgi.study.document import Document, read_document
from golgi.study.files import file_problems
from golgi.study.folders import links_out
from golgi.study.lexicon import Lexicon, load_lexicon
from golgi.study.plan import Study
from golgi.study.problems import Problem, StudyError, did_you_mean
from golgi.study.resolve import resolve
from golgi.study.validate import schema_problems

STUDIES_FOLDER = FilePath("config/studies")


def load_study(
    path: str | FilePath,
    *,
    environment: Mapping[str, str] | None = None,
    check_files: bool = False,
    allow_unset: bool = False,
) -> Study:
    """Return the study of a YAML file; StudyError with all its problems otherwise.

    `check_files` also looks whether the files it names exist. With `allow_unset`, a variable of the
    environment that is not set is a warning, and its path keeps `${GOLGI_...}`: enough to plan, not to run.
    """
    document = read_document(path)
    problems = schema_problems(document)
    if not isinstance(document.data, dict):
        raise StudyError(problems)
    broken = {re.split(r"[.\[]", problem.field)[0] for problem in problems}
    spec, unset = resolve(document, os.environ if environment is None else environment, without=broken)
    lexicon, found = _lexicon(spec, document)
    checked = Checked(document, {key: spec[key] for key in spec if key not in broken}, lexicon)
    contradictions, warnings = crosscheck(checked)
    # Without its lexicon nothing can be planned.
    tolerated = [one for one in unset if allow_unset and one.field != "concepts.lexicon"]
    problems += [*found, *contradictions, *(one for one in unset if one not in tolerated)]
    warnings += tolerated
    if check_files:
        missing, doubtful = file_problems(checked)
        problems += [*missing, *_links_out(spec, document)]
        warnings += doubtful
    if problems:
        raise StudyError(problems)
    return Study(str(path), spec, resolve(document, {})[0], lexicon, tuple(sorted(set(warnings))))


def _links_out(spec: dict, document: Document) -> list[Problem]:
    message = "is a link out of the study's results, where a run writes and deletes. Remove it; only"
    return [
        document.problem(("study",), f"{link} {message} `results` itself may be a link.")
        for link in (links_out(f"results/{spec['study']}") if "study" in spec else [])
    ]


def _lexicon(spec: dict, document: Document) -> tuple[Lexicon | None, list[Problem]]:
    file = spec.get("concepts", {}).get("lexicon", "$")
    if "$" in file:
        return None, []
    if not os.path.isfile(file):
        there = sorted(path.stem for path in FilePath(file).parent.glob("*.yaml"))
        message = f"there is no file {file}.{did_you_mean(FilePath(file).stem, there)}"
        return None, [document.problem(("concepts", "lexicon"), message)]
    try:
        return load_lexicon(file), []
    except StudyError as error:
        return None, list(error.problems)


def load_studies(config: Mapping[str, object], *, check_files: bool = False) -> dict[str, Study]:
    """Return the studies that a configuration names under `studies`: one, several with commas, or a list.

    Each is the name of a file in `config/studies/` or the path of a YAML file. StudyError holds the problems
    of all of them, names that are not known and names that two files share included; with `check_files` also
    the files that are named and are not there.
    """
    studies: dict[str, Study] = {}
    problems: list[Problem] = []
    for item in _items(config.get("studies")):
        try:
            study = load_study(study_file(item), check_files=check_files)
        except StudyError as error:
            problems += error.problems
            continue
        if study.name in studies:
            message = f"`{study.name}` is also the name of the study in {studies[study.name].file}."
            problems.append(Problem(study.file, 1, 1, "study", message))
        studies[study.name] = study
    if problems:
        raise StudyError(problems)
    return studies


def study_file(item: str) -> str:
    """Return the file of a study given by name or path; StudyError where a name has none."""
    if item.endswith((".yaml", ".yml")) or "/" in item:
        return item
    file = STUDIES_FOLDER / f"{item}.yaml"
    if not file.is_file():
        there = sorted(path.stem for path in STUDIES_FOLDER.glob("*.yaml"))
        listed = f" There are: {', '.join(there)}." if there else ""
        message = f"there is no study `{item}`.{did_you_mean(item, there)}{listed}"
        raise StudyError([Problem(str(file), 1, 1, "", message)])
    return str(file)


def _items(studies: object) -> list[str]:
    items = studies.split(",") if isinstance(studies, str) else studies
    items = (
        [item.strip() for item in items if isinstance(item, str)] if isinstance(items, list | tuple) else []
    )
    if not any(items):
        message = "name at least one study, as in `studies: [demo]` or `--config studies=demo`."
        raise StudyError([Problem("config/config.yaml", 1, 1, "studies", message)])
    return list(dict.fromkeys(item for item in items if item))
