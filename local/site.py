"""The pages for people as a site with search: README, docs, each kind's page.

python -m local.site FOLDER          # puts the pages and mkdocs.yml into FOLDER, for `mkdocs build --strict`
python -m local.site FOLDER --check  # looks for links into nothing in the site that was built there
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import yaml

from local.aws import REPOSITORY

KINDS = "layers/rotation/rotation/consumers"
NAV = {
    "Deploy": [
        "deploying.md",
        "rds-proxy.md",
        "swarm.md",
        "postgresql.md",
        "redis.md",
        "iam-access-key.md",
        "by-hand.md",
        "http-api-key.md",
        "signing-keys.md",
        "certificates.md",
        "acme.md",
        "lambda.md",
        "ADOPTING.md",
        "terraform.md",
        "reader.md",
        "deleting.md",
    ],
    "Operate": ["operating.md", "rehearsal.md", "fleet.md", "platform.md", "command.md", "errors.md"],
    "Judge": ["security.md", "tests.md", "engines.md", "decisions.md", "costs.md", "moto-stop-execution.md"],
    "Change": ["contributing.md", "adding-a-kind.md", "RELEASING.md", "changelog.md"],
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
SITE, PAGES = "site", "pages"
STYLE = ".md-typeset td:first-child code { white-space: nowrap }\n"
"""A state's name is not broken in two; a table that gets too wide for it scrolls by itself."""
BROUGHT, ELSEWHERE = "iframe-worker.js", "https://unpkg.com/iframe-worker/shim"
NEEDED = {"script": ["src"], "img": ["src"], "link": ["href"]}


def pages() -> dict[str, str]:
    """Where each page stands in the repository → where it is in the site."""
    docs = {f"docs/{path.name}": path.name for path in sorted((REPOSITORY / "docs").glob("*.md"))}
    kinds = {
        f"{KINDS}/{path.parent.name}/README.md": f"kinds/{path.parent.name.replace('_', '-')}.md"
        for path in sorted((REPOSITORY / KINDS).glob("*/README.md"))
    }
    beside = {
        "CONTRIBUTING.md": "contributing.md",
        "CHANGELOG.md": "changelog.md",
        "reader/README.md": "reader.md",
        "terraform/README.md": "terraform.md",
    }
    return {"README.md": "index.md"} | beside | docs | kinds


def settings() -> dict[str, object]:
    kinds = [name for name in pages().values() if name.startswith("kinds/")]
    return {
        "site_name": "credential-rotation",
        "docs_dir": PAGES,
        "site_dir": SITE,
        "use_directory_urls": False,
        "theme": {
            "name": "material",
            "font": False,
            "features": ["navigation.tabs", "navigation.top", "content.code.copy", "search.suggest"],
            "palette": [
                {
                    "media": "(prefers-color-scheme: light)",
                    "scheme": "default",
                    "toggle": {"icon": "material/weather-night", "name": "dark"},
                },
                {
                    "media": "(prefers-color-scheme: dark)",
                    "scheme": "slate",
                    "toggle": {"icon": "material/weather-sunny", "name": "light"},
                },
            ],
        },
        "extra_css": ["extra.css"],
        "plugins": ["search", "offline"],
        "markdown_extensions": ["tables", "attr_list", "pymdownx.superfences", {"toc": {"permalink": True}}],
        "validation": {"links": {"anchors": "warn", "unrecognized_links": "warn"}},
        "nav": [{"Start": "index.md"}, *({title: list(names)} for title, names in NAV.items()), {"Kinds": kinds}],
    }


def page(path: str, text: str) -> str:
    """With the links of the site; what is a file of the repository and no page is named, and leads nowhere."""
    here, places = PurePosixPath(path), pages()
    return LINK.sub(lambda found: _link(found, here, places), text)


def _link(found: re.Match[str], here: PurePosixPath, places: dict[str, str]) -> str:
    picture, words, link = found.groups()
    path, _, anchor = link.partition("#")
    if "://" in link or not path:
        return found.group()
    wanted = os.path.normpath(here.parent / path)
    up = os.path.relpath(places.get(wanted, wanted.removeprefix("docs/")), PurePosixPath(places[str(here)]).parent)
    if picture:
        return f"![{words}]({up})"
    return f"[{words}]({up}{f'#{anchor}' if anchor else ''})" if wanted in places else words


def write(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for path, name in pages().items():
        target = folder / PAGES / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page(path, (REPOSITORY / path).read_text()))
    shutil.copytree(REPOSITORY / "docs" / "pictures", folder / PAGES / "pictures")
    (folder / PAGES / "extra.css").write_text(STYLE)
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(settings(), sort_keys=False))


def bring(folder: Path, script: Path) -> None:
    """What a browser needs to search pages that are files on a disk; mkdocs' plugin would fetch it from elsewhere."""
    site = folder / SITE
    shutil.copy(script, site / "assets" / BROUGHT)
    for path in site.rglob("*.html"):
        up = os.path.relpath(site / "assets" / BROUGHT, path.parent)
        path.write_text(path.read_text().replace(ELSEWHERE, "/assets/" + BROUGHT if path.name == "404.html" else up))


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.needed: list[str] = []
        """Without these the page is not shown as it should be."""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {value for value in (given.get("id"), given.get("name")) if value}
        self.links += [value for value in (given.get("href"), given.get("src")) if value]
        self.needed += [str(given[name]) for name in NEEDED.get(tag, ()) if given.get(name) and given.get("rel") != "canonical"]


def dead(folder: Path) -> Iterator[str]:
    """Links of the site that lead to no file or to no place in it, and what would come from elsewhere to show a page."""
    site = folder / SITE
    read = {path: Page(path.read_text()) for path in site.resolve().rglob("*.html")}
    for path, one in read.items():
        here = path.relative_to(site.resolve())
        yield from (f"{here} needs {link}" for link in one.needed if urlsplit(link).netloc)
        for parts in map(urlsplit, one.links):
            if parts.scheme or parts.netloc:
                continue
            root = site if parts.path.startswith("/") else path.parent
            target = (root / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
            if not target.exists() or (target in read and parts.fragment and unquote(parts.fragment) not in read[target].anchors):
                yield f"{here}: {parts.geturl()}"


def main() -> int:
    act, folder, *script = sys.argv[1:]
    if act == "write":
        write(Path(folder))
        return 0
    bring(Path(folder), Path(script[0]))
    found = sorted(set(dead(Path(folder))))
    for line in found:
        print(line)
    built = Path(folder) / SITE
    print(f"site: {len(list(built.rglob('*.html')))} pages, {len(found)} dead links: {built / 'index.html'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
