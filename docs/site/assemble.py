"""Lays the pages of the documentation site together.

The pages are Markdown that also reads well in the repository: those of ``docs/en``, and the READMEs
beside the configs and projects, the changelog and the guide for contributors. Here they are copied
into one tree, links between them are turned to their new places, and a page is written for every
public package. Links to code become its path: the site shows no source files.
"""

import importlib
import json
import os
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / 'docs' / 'en'
#: Folders of pages that get a page which lists them, and its title.
INDEXES = {
    'families': 'Configs by method',
    'methods': 'Methods as implemented',
    'projects': 'Projects',
}
LINK = re.compile(r'(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)')
IMAGE = re.compile(r'!\[([^\]]*)\]\(([^)\s]+)\)')


def collected_pages() -> dict[Path, str]:
    """Pages from outside ``docs/en``: file to its name in the site."""
    pages = {
        ROOT / 'CHANGELOG.md': 'about/changelog.md',
        ROOT / 'CONTRIBUTING.md': 'about/contributing.md',
        ROOT / 'CODE_OF_CONDUCT.md': 'about/code_of_conduct.md',
        ROOT / 'mmhand' / 'models' / 'blaze' / 'data' / 'README.md': 'families/blaze.md',
    }
    for readme in sorted((ROOT / 'configs').glob('*/README.md')):
        pages[readme] = f'families/{readme.parent.name}.md'
    for readme in sorted((ROOT / 'projects').glob('*/README.md')):
        pages[readme] = f'projects/{readme.parent.name}.md'
    return {file: name for file, name in pages.items() if file.is_file()}


def turn_links(text: str, file: Path, name: str, places: dict[Path, str]) -> str:
    """Links of a page for the place that it has in the site.

    Args:
        text: the page.
        file: where it is in the repository.
        name: where it is in the site, relative to its root.
        places: every page and picture of the site: file to place.

    Returns:
        The page; a link to a file that the site does not show is its text and path.
    """

    def relative(target: Path) -> str:
        return os.path.relpath(places[target], Path(name).parent).replace(os.sep, '/')

    def turn(match: re.Match, image: bool) -> str:
        label, link = match.groups()
        path, _, anchor = link.partition('#')
        if not path or re.match(r'[a-z]+:', link):
            return match.group()
        target = (file.parent / path).resolve()
        if target in places:
            return f'{"!" * image}[{label}]({relative(target)}{"#" * bool(anchor)}{anchor})'
        shown = os.path.relpath(target, ROOT).replace(os.sep, '/')
        return label if label.strip('`') == shown else f'{label} (`{shown}`)'

    text = IMAGE.sub(lambda match: turn(match, True), text)
    return LINK.sub(lambda match: turn(match, False), text)


def homes(packages: dict[str, list[str]]) -> dict[str, list[str]]:
    """Names of each package that are described on its page: a name at home in a deeper one is there."""
    best: dict[int, tuple[str, str, int]] = {}
    for package, names in packages.items():
        module = importlib.import_module(package)
        for name in names:
            part = getattr(module, name)
            own = str(getattr(part, '__module__', package))
            near = len(os.path.commonprefix([f'{package}.', f'{own}.']))
            known = best.get(id(part))
            if known is None or near > known[2]:
                best[id(part)] = (package, name, near)
    found: dict[str, list[str]] = {package: [] for package in packages}
    for package, name, _ in best.values():
        found[package].append(name)
    return found


def write_api(out: Path) -> None:
    """A page for each public package, and their list."""
    surface = json.loads((ROOT / 'tests' / 'api_surface.json').read_text())
    folder = out / 'api'
    folder.mkdir()
    at_home = homes(surface['packages'])
    for package, names in surface['packages'].items():
        title = f'``{package}``'
        lines = [title, '=' * len(title), '', f'.. automodule:: {package}']
        lines += [f'   :members: {", ".join(at_home[package])}'] * bool(at_home[package])
        others = ', '.join(f'``{name}``' for name in names if name not in at_home[package])
        lines += ['', f'Also here, described where they are at home: {others}.'] * bool(others)
        (folder / f'{package}.rst').write_text('\n'.join([*lines, '']))
    rows = '\n'.join(sorted(surface['packages']))
    tables = '\n\n'.join(
        f'`{name}`\n: ' + ', '.join(f'`{part}`' for part in parts)
        for name, parts in surface['registries'].items()
    )
    (folder / 'index.md').write_text(
        '# API reference\n\nThe public names of each package. What is not listed may change without '
        f'notice.\n\n```{{toctree}}\n:maxdepth: 1\n\n{rows}\n```\n\n## Registered parts\n\n'
        'What a config may name as `type=...`, or `mmhand.X` from another project.\n\n'
        f'{tables}\n'
    )


def assemble(out: Path) -> None:
    """Write the site's source tree.

    Args:
        out: folder; what it held is removed.
    """
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(PAGES, out)
    places = {file: str(file.relative_to(PAGES)) for file in PAGES.rglob('*') if file.is_file()}
    places |= collected_pages()
    for file, name in places.items():
        if file.suffix == '.md':
            target = out / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(turn_links(file.read_text(encoding='utf-8'), file, name, places))
    for folder, title in INDEXES.items():
        names = sorted(path.stem for path in (out / folder).glob('*.md'))
        rows = '\n'.join(names)
        (out / folder / 'index.md').write_text(
            f'# {title}\n\n```{{toctree}}\n:maxdepth: 1\n\n{rows}\n```\n'
        )
    write_api(out)
    shutil.copy(Path(__file__).with_name('conf.py'), out / 'conf.py')
