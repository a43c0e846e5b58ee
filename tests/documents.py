"""The README and the pages of docs/: their commands, examples, links and anchors, for the tests that hold them true."""

from __future__ import annotations

import re
import shlex
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from paths import ROOT


class Example(NamedTuple):
    """An `rnnlm` command in a block, and the lines that the page shows below it; none where it shows nothing."""

    command: str
    shown: list[str]

    @property
    def arguments(self) -> list[str]:
        return shlex.split(self.command)[1:]


class Block(NamedTuple):
    """A fenced block: what it is written in, and what stands in it."""

    language: str
    text: str

    @property
    def file_name(self) -> str | None:
        """The name in a first line such as `# mine.py`: the block is a file of that name."""
        found = re.match(r"# (\S+\.\w+)\n", self.text)
        return found[1] if found else None

    @property
    def examples(self) -> list[Example]:
        """The `rnnlm` commands of a shell block, in order; in `console` blocks they follow a `$`."""
        found: list[Example] = []
        for line in self.text.splitlines() if self.language in ("sh", "console") else ():
            if self.language == "console" and not line.startswith("$ "):
                found[-1].shown.append(line)
                continue
            parts = [re.sub(r"\s+#.*", "", part).strip() for part in line.removeprefix("$ ").split("&&")]
            found += [Example(part, []) for part in parts if part.startswith("rnnlm ")]
        return found


class Page:
    """A Markdown file of ours."""

    def __init__(self, path: Path) -> None:
        self.path, self.text = path, path.read_text(encoding="utf-8")
        self.name = path.relative_to(ROOT).as_posix()

    @cached_property
    def blocks(self) -> list[Block]:
        """Its fenced blocks, in order."""
        return [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", self.text, re.S | re.M)]

    @cached_property
    def prose(self) -> str:
        """All that stands outside of the blocks."""
        return re.sub(r"^```.*?^```$", "", self.text, flags=re.S | re.M)

    @property
    def examples(self) -> list[Example]:
        """The `rnnlm` commands of its blocks, in order."""
        return [example for block in self.blocks for example in block.examples]

    @cached_property
    def inline(self) -> list[str]:
        """What stands between backticks outside of the blocks; in tables `|` is written with a backslash."""
        return [code.replace("\\|", "|").replace("\n", " ") for code in re.findall(r"`([^`]+)`", self.prose)]

    @property
    def inline_commands(self) -> list[str]:
        """The `rnnlm …` commands among them."""
        return [code for code in self.inline if code.startswith("rnnlm ")]

    @property
    def tool_calls(self) -> list[list[str]]:
        """The commands `python tools/…`, as words, wherever they stand."""
        calls = re.findall(r"python (tools/[\w/]+\.py[^`\n#&|]*)", self.text)
        return [shlex.split(call) for call in calls]

    @property
    def links(self) -> list[tuple[Path, str]]:
        """The links into the checkout: the file or folder, and the anchor in it or "". A picture is a link too."""
        found = re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", self.prose)
        return [((self.path.parent / target).resolve() if target else self.path, anchor) for target, anchor in found]

    @cached_property
    def anchors(self) -> set[str]:
        """The anchors of its headings, as GitHub makes them."""
        headings = re.findall(r"^#+ (.+)$", self.prose, re.M)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    def table(self, heading: str) -> list[str]:
        """The lines of the first table below a heading, without its head."""
        below = self.text.split(f"\n{heading}\n", 1)[1]
        lines = re.search(r"(?:^\|.*\n)+", below, re.M)
        assert lines is not None, f"{self.name}: no table below {heading}"
        return lines[0].splitlines()[2:]


README = Page(ROOT / "README.md")
INDEX = Page(ROOT / "docs/index.md")
CONTRIBUTING = Page(ROOT / "CONTRIBUTING.md")
PAGES = [README, INDEX, *(Page(path) for path in sorted((ROOT / "docs").glob("*.md")) if path != INDEX.path)]
