"""A job depends on the modules that hold its method, and on no others."""

import re
from pathlib import Path

import pytest

from golgi.modules import INFRASTRUCTURE, LIBRARY, depends_on


def test_imports_are_followed():
    assert {"statistics/alignment", "statistics/spearman", "statistics/overlap"} <= set(
        depends_on("statistics/alignment")
    )
    assert "concepts/lexicon" in depends_on("statistics/references")
    assert "models/bridge" in depends_on("models/responses")


def test_a_figure_does_not_depend_on_another():
    figures = [path.stem for path in (LIBRARY / "figures").glob("*.py")]
    others = {
        f"figures/{name}" for name in figures if name.startswith(("alignment", "ap_", "within", "threshold"))
    }
    assert not others & set(depends_on("figures/overlap"))


def test_a_method_depends_on_no_infrastructure():
    assert not INFRASTRUCTURE & set(depends_on("models/responses", "experts/scoring"))
    assert all((LIBRARY / f"{module}.py").is_file() for module in INFRASTRUCTURE)


def test_an_unknown_module_is_an_error():
    with pytest.raises(FileNotFoundError):
        depends_on("experts/nothing")


def test_every_rule_names_the_module_that_its_script_calls(root: Path):
    rules = "\n".join(path.read_text() for path in sorted((root / "workflow" / "rules").glob("*.smk")))
    # A download is checked by its hash or commit; changed code is no reason to fetch gigabytes again.
    scripts = sorted((root / "workflow" / "scripts").glob("*.py"))
    for script in (path for path in scripts if not path.name.startswith("fetch_")):
        called = re.findall(r"from golgi\.([\w.]+) import", script.read_text())
        modules = {name.replace(".", "/") for name in called} - INFRASTRUCTURE
        for module in modules - {"figures"}:
            named = (f'"{module}"', f'"{module}/__init__"')
            assert any(name in rules for name in named), f"{script.name} calls {module}"
