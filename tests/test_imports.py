"""Imports of the package and of tools/: one way only, and no circle. The folders are listed in pyproject.toml."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

from paths import ROOT
from python_process import python

import rnnlm


def imported(file: Path) -> set[str]:
    """The modules that a file imports, wherever the import stands."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names


def circles(graph: dict[str, set[str]]) -> list[str]:
    """The names that lead back to themselves."""

    def reach(name: str) -> set[str]:
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            for following in graph[waiting.pop()] - seen:
                seen.add(following)
                waiting.append(following)
        return seen

    return [name for name in graph if name in reach(name)]


def test_no_tool_imports_itself_through_another():
    files = {file.stem: file for file in (ROOT / "tools").rglob("*.py")}
    graph = {name: imported(file) & set(files) for name, file in files.items()}
    assert sum(map(len, graph.values())) > 10  # they do import each other
    assert circles(graph) == []
    assert sorted(circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == ["a", "b", "c"]


def test_every_folder_has_its_place():
    """What the linter of imports is told must be the folders and files that are there."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    listed = [name.strip() for layer in contracts[0]["layers"] for name in layer.split("|")]
    folders = {path.parent.name for path in (ROOT / "rnnlm").glob("*/__init__.py")}
    files = {path.stem for path in (ROOT / "rnnlm").glob("*.py")} - {"__init__", "__main__"}
    assert sorted(listed) == sorted(folders | files)


def test_every_public_name_can_be_used_after_the_import():
    """In a process that has imported nothing else."""
    for name in ("testing", "errors", "train", "check_tokenizer"):
        assert name in dir(rnnlm)
        done = python("-c", f"import rnnlm; print(rnnlm.{name}.__name__)")
        assert done.stdout.split(".")[-1].strip() == name, done.stderr
    done = python("-c", "import rnnlm\nfor name in dir(rnnlm): getattr(rnnlm, name)\nprint(len(dir(rnnlm)))")
    assert (done.stdout.strip(), done.stderr) == (str(len(dir(rnnlm))), "")
