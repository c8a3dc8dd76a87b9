"""The archive of a study: all that a reviewer needs to look at it, to draw it again, and to make it again."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from tqdm import tqdm

from golgi.archive import contents
from golgi.archive.contents import Archive
from golgi.archive.packing import Member, pack, safe_name
from golgi.archive.page import archive_page, variables_page
from golgi.errors import GolgiError
from golgi.provenance.commits import COMMIT, commit
from golgi.provenance.verifying import ALTERED, STALE, UNFINISHED, verify
from golgi.study.plan import Study
from golgi.tables import read_table
from golgi.writing.transcript import Transcript

ENDING = ".tar.zst"
PAGE = "ARCHIVE.md"
CONFIG = "config/config.yaml"
# Times and memory are measured anew when a study is made again: these have no lasting hash.
UNSUMMED = ("records", "provenance")
NOT_AS_MADE = (ALTERED, STALE, UNFINISHED)


def gather_archive(study: Study, *, weights: bool = False) -> Archive:
    """Return what an archive of a finished study holds; `weights` adds those of `directory` sources.

    GolgiError, naming all that is wrong, where the study is not finished, where a result is not what the
    study made, and where the code is not the one that drew the figures.
    """
    contents.require_own_library()
    members = _distinct(
        [*contents.code_members(), *contents.input_members(study), *contents.result_members(study)]
    )
    own = _distinct(contents.weight_members(study))
    _require_files(study, [*members, *own])
    code = commit()
    _require_one_code(study, members, code)
    _require_unaltered(study, members)
    _require_replies(study)
    members += own if weights else []
    left = _left_out(study, members)
    stay = 0 if weights else sum(member.bytes for member in own)
    members = _distinct([*members, *_own_members(study, code)])
    members.sort(key=lambda member: member.name)
    page = archive_page(study, Archive(study, tuple(members), left, stay, code))
    return Archive(study, (Member(PAGE, "study", page.encode()), *members), left, stay, code)


def write_archive(archive: Archive, path: str | Path) -> int:
    """Write an archive and return its size; GolgiError for a name without .tar.zst, or one that it reads."""
    path = Path(path)
    if not path.name.endswith(ENDING):
        raise GolgiError(f"{path}: an archive's name ends in {ENDING}.")
    if any(path.resolve() == member.source for member in archive.members):
        raise GolgiError(f"{path} is a file that goes into the archive. Give the archive another name.")
    with tqdm(
        total=archive.bytes, unit="B", unit_scale=True, desc=path.name, disable=None, leave=False
    ) as progress:
        folder = f"golgi-{archive.study.name}"
        pack(archive.members, path, folder=folder, unsummed=UNSUMMED, advance=progress.update)
    return path.stat().st_size


def _own_members(study: Study, code: str) -> Iterator[Member]:
    """Yield the small files that are in the archive alone."""
    yield Member(COMMIT, "code", f"{code}\n".encode())
    yield Member(CONFIG, "study", f"# The study of this archive.\nstudies: [{study.name}]\n".encode())
    named = contents.variables(study)
    if named:
        yield Member(contents.VARIABLES, "study", variables_page(named).encode())


def _distinct(members) -> list[Member]:
    """Return members once each; two files that would have one name are an error."""
    found: dict[str, Member] = {}
    for member in members:
        other = found.setdefault(safe_name(member.name), member)
        if other.source != member.source:
            raise GolgiError(
                f"{other.source} and {member.source} would both be {member.name} in the archive."
            )
    return list(found.values())


def _require_files(study: Study, members: list[Member]) -> None:
    missing = [member.name for member in members if not member.source.is_file()]
    if missing:
        raise GolgiError(
            f"Study {study.name} is not finished. What is missing:\n{_listed(missing)}\n"
            f"Finish it: snakemake --cores {os.cpu_count() or 1} --config studies={study.file}"
        )


def _require_one_code(study: Study, members: list[Member], code: str) -> None:
    drawings = [one for one in members if one.kind in ("figures", "drawings") and one.name.endswith(".svg")]
    others = [one.name for one in drawings if drawn_by(one.source) != code]
    if others:
        raise GolgiError(
            f"Figures of {study.name} were drawn by other code than that of this commit "
            f"({code or 'none'}), and drawn again from the archive they would not be the same:\n"
            f"{_listed(others)}\n"
            "Remove them, and run the study again."
        )


def _require_unaltered(study: Study, members: list[Member]) -> None:
    held = {member.name for member in members}
    verdict = verify(study.name, study)
    # What else there is does not go in, and need not be there: a study can be archived out of its archive.
    wrong = [one for one in verdict.faults if one.kind in NOT_AS_MADE or one.path in held]
    if wrong or verdict.changes:
        counted = Counter(one.kind for one in wrong)
        told = [f"{number} {kind}" for kind, number in counted.items()]
        told += [f"{len(verdict.changes)} fields of the spec changed since"] if verdict.changes else []
        raise GolgiError(
            f"Study {study.name} is not what its jobs wrote, or would write now: {', '.join(told)}.\n"
            f"{_listed([one.path for one in wrong])}\n"
            f"`golgi verify {study.file}` says why, and what to do."
        )


def _require_replies(study: Study) -> None:
    """Raise GolgiError where a reply that was made use of is in no transcript, or is not what it was.

    Whoever unpacks had to ask for the one, and would get other sentences from the other.
    """
    if not study.llm:
        return
    kept = Transcript(Path(study.transcript), [Path(one) for one in study.transcripts])
    replies = read_table(Path(study.results, "sentences", "replies.parquet"), schema="replies")
    used = dict(replies.select("reply", "sha256").iter_rows())
    missing = sum(key not in kept for key in used)
    if missing:
        raise GolgiError(
            f"{missing:,} of the {len(used):,} replies that the sentences of {study.name} are from are in no "
            f"transcript any more: without them, whoever unpacks would have to ask for them.\n"
            f"Put {study.transcript} back, or ask again: remove {study.results}/sentences, and run the study."
        )
    altered = [key for key, sha256 in used.items() if kept.get(key).sha256 != sha256]
    if altered:
        more = f" and {len(altered) - 1:,} more" if altered[1:] else ""
        raise GolgiError(
            f"{kept.file_of(altered[0])}: the reply {altered[0]}{more} changed since the sentences of "
            f"{study.name} were taken from it.\n"
            f"Put the file back as it was, or remove {study.results}/sentences, and run the study."
        )


def drawn_by(figure: Path) -> str | None:
    """Return the commit that an SVG carries in its provenance; None where it carries none."""
    try:
        for _, element in ElementTree.iterparse(figure):
            if element.tag.endswith("}description"):
                return json.loads(element.text)["commit"]
    except (ElementTree.ParseError, KeyError, TypeError, ValueError):
        return None
    return None


def _listed(names: list[str]) -> str:
    folders: dict[str, list[str]] = {}
    for folder, name in (name.rpartition("/")[::2] for name in names):
        folders.setdefault(folder, []).append(name)
    return "\n".join(f"  {folder or '.'}: {', '.join(found)}" for folder, found in folders.items())


def _left_out(study: Study, members: list[Member]) -> dict[str, int]:
    """Return the bytes of the study's results that are no members, by folder of the results."""
    home = Path(study.results)
    held = {member.name for member in members}
    sizes: dict[str, int] = {}
    for folder, _, names in os.walk(home):
        for path in (Path(folder, name) for name in names):
            if str(path) not in held and not path.is_symlink():
                first = path.relative_to(home).parts[0]
                sizes[first] = sizes.get(first, 0) + path.stat().st_size
    return dict(sorted(sizes.items()))
