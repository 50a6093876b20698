"""A hook of MkDocs: the pages of the root belong to the site, and links of all pages lead to where they stand there.

Links that leave the documentation (code, schemas) become plain words: a site has no sources beside it.
"""

import posixpath
import re
from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

_ROOT: Final = Path(__file__).parents[2]
_ROOT_PAGES: Final = ("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md")
_LINK: Final = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]+)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Take in the root's pages, and the list of decisions, which the repository shows as a folder."""
    docs = Path(config.docs_dir)
    for name in _ROOT_PAGES:
        files.append(
            File.generated(config, name, content=_moved((_ROOT / name).read_text(encoding="utf-8"), ".", docs))
        )
    if files.get_file_from_path("index.md") is None:
        readme = (_ROOT / "README.md").read_text(encoding="utf-8")
        files.append(File.generated(config, "index.md", content=_moved(readme, ".", docs)))
    files.append(File.generated(config, "adr/index.md", content=_decisions(docs)))
    return files


def on_page_markdown(markdown: str, page: object, config: MkDocsConfig, **_: object) -> str:
    """Mend the links of pages that stand in `docs/`; the root's were moved before."""
    file: File = page.file  # type: ignore[attr-defined]  # MkDocs types pages of hooks as any
    if file.generated_by is not None:
        return markdown
    folder = posixpath.join("docs", posixpath.dirname(file.src_uri))
    return _moved(markdown, folder, Path(config.docs_dir), at=posixpath.dirname(file.src_uri))


def _moved(markdown: str, folder: str, docs: Path, *, at: str = "") -> str:
    """Links as they are from `folder` of the repository, made right for a page at `at` of the site."""

    def link(found: re.Match[str]) -> str:
        words, target, anchor = found[1], found[2], found[3] or ""
        whole = posixpath.normpath(posixpath.join(folder, target))
        there = _on_site(whole, docs)
        return words if there is None else f"[{words}]({posixpath.relpath(there, at or '.')}{anchor})"

    return _LINK.sub(link, markdown)


def _on_site(path: str, docs: Path) -> str | None:
    if path in _ROOT_PAGES:
        return path
    if path == "README.md":
        return "index.md"
    if path == "docs/adr":
        return "adr/index.md"
    inside = path.removeprefix("docs/")
    return inside if inside != path and (docs / inside).is_file() else None


def _decisions(docs: Path) -> str:
    lines = ["# Decisions", "", "Each with its context, what was rejected, and when to look again.", ""]
    for file in sorted((docs / "adr").glob("*.md")):
        title = file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        lines.append(f"* [{title}]({file.name})")
    return "\n".join(lines)
