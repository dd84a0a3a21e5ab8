"""One self-contained HTML page of headings, tables, pictures and plots."""

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mmhand.utils.atomic_io import AtomicLocalBackend
from mmhand.utils.errors import HandFileError

from .plots import figure_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2127; --soft: #5a646e; --page: #fbfbfa;
  --card: #ffffff; --line: #e1e4e7; --accent: #0b5f99; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaed; --soft: #a3adb7; --page: #14171a;
  --card: #1d2125; --line: #343a40; --accent: #7cc0f2; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
header, main, footer { max-width: 1080px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 40px; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 1.25rem; margin: 48px 0 12px; padding-top: 16px;
  border-top: 1px solid var(--line); }
p.lead, figcaption, footer, caption { color: var(--soft); }
a { color: var(--accent); }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 20px; list-style: none; padding: 0; }
.skip { position: absolute; left: -999px; }
.skip:focus { position: static; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 8px 0 20px; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: 6px; font-size: .92rem; }
/* Words and numbers stay whole: a table that is too wide is scrolled, its first column staying. */
th, td { text-align: left; padding: 6px 18px 6px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
td.number, th.number { text-align: right; }
td.number, th[scope="row"] { white-space: nowrap; }
th[scope="row"] { position: sticky; left: 0; background: var(--page); }
thead th { vertical-align: bottom; }
.long { overflow-wrap: anywhere; }
.headlines { display: grid; gap: 16px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 220px), 1fr)); }
.headlines div { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 14px 16px; }
.headlines strong { display: block; font-size: 1.9rem; line-height: 1.25; white-space: nowrap; }
.headlines span { display: block; color: var(--soft); font-size: .92rem;
  overflow-wrap: break-word; }
.facts th[scope="row"] { font-weight: 500; color: var(--soft); position: static;
  white-space: normal; }
.facts th.short[scope="row"] { white-space: nowrap; }
.grid { display: grid; gap: 20px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  overflow: hidden; }
figure img { display: block; width: 100%; height: auto; }
figure.plot { background: #ffffff; padding: 8px; }
figcaption { padding: 8px 12px; font-size: .88rem; overflow-wrap: anywhere; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px;
  overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere;
  font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
details summary { cursor: pointer; color: var(--accent); }
footer { padding: 40px 24px; font-size: .88rem; }
@media (max-width: 600px) { header, main, footer { padding-left: 16px; padding-right: 16px; }
  table { font-size: .9rem; } th, td { padding-right: 12px; }
  th[scope="row"] { font-weight: 500; } }
@media print { body { font-size: 12px; } nav { display: none; } figure { break-inside: avoid; } }
"""

#: Longer words, characters, are broken where a cell is too narrow for them.
_LONG_WORD = 24

#: Names of facts up to this length, characters, are not broken.
_SHORT_NAME = 20


class HtmlReport:
    """Builds a page piece by piece; nothing in it is fetched from anywhere.

    Pictures are JPEG and plots SVG inside the file. The page follows the reader's light or dark
    setting, can be read by screen readers (one heading order, table headers, texts for pictures)
    and prints.

    Args:
        title: of the page.
        lead: a sentence under it.
        max_width: wider pictures are shrunk to this, pixels.
    """

    def __init__(self, title: str, lead: str = '', max_width: int = 1280) -> None:
        self.title = title
        self.lead = lead
        self.max_width = max_width
        self._sections: list[tuple[str, list[str]]] = []

    def section(self, title: str) -> 'HtmlReport':
        """Start a section; what is added next belongs to it.

        Args:
            title: its heading, also in the table of contents.
        """
        self._sections.append((title, []))
        return self

    def text(self, text: str) -> 'HtmlReport':
        """Add a paragraph.

        Args:
            text: plain text.
        """
        return self._add(f'<p>{html.escape(text)}</p>')

    def headlines(self, numbers: Sequence[tuple[str, str, str]]) -> 'HtmlReport':
        """Add large numbers side by side.

        Args:
            numbers: what it is, the number with its unit, and what to compare it with.
        """
        cards = ''.join(
            f'<div><span>{html.escape(name)}</span><strong>{html.escape(value)}</strong>'
            f'<span>{html.escape(beside)}</span></div>'
            for name, value, beside in numbers
        )
        return self._add(f'<div class="headlines">{cards}</div>')

    def facts(self, facts: Mapping[str, object], caption: str = '') -> 'HtmlReport':
        """Add a two-column table.

        Args:
            facts: name to value.
            caption: over the table.
        """
        rows = ''.join(
            f'<tr>{_fact_name(str(name))}{_fact(show(value))}</tr>' for name, value in facts.items()
        )
        return self._add(
            f'<div class="scroll"><table class="facts">{_caption(caption)}{rows}</table></div>'
        )

    def table(
        self,
        head: Sequence[str],
        rows: Sequence[Sequence[object]],
        caption: str = '',
        fold: str | None = None,
    ) -> 'HtmlReport':
        """Add a table; numbers are set to the right.

        Args:
            head: column names.
            rows: as many values each; the first names the row.
            caption: over the table.
            fold: if given, the table is folded away under these words.
        """
        numeric = [
            all(isinstance(row[i], int | float | None) for row in rows) and bool(rows)
            for i in range(len(head))
        ]
        kind = [' class="number"' if is_number else '' for is_number in numeric]
        top = ''.join(
            f'<th scope="col"{kind[i]}>{html.escape(str(name))}</th>' for i, name in enumerate(head)
        )
        body = ''
        for row in rows:
            first = f'<th scope="row"{kind[0]}>{html.escape(show(row[0]))}</th>'
            rest = ''.join(
                f'<td{kind[i]}>{html.escape(show(row[i]))}</td>' for i in range(1, len(head))
            )
            body += f'<tr>{first}{rest}</tr>'
        table = (
            f'<div class="scroll" tabindex="0"><table>{_caption(caption)}'
            f'<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
        )
        return self._add(_folded(table, fold))

    def pictures(self, pictures: Mapping[str, np.ndarray | str | Path]) -> 'HtmlReport':
        """Add pictures side by side.

        Args:
            pictures: caption to an RGB array (H, W, 3) uint8 or a file.

        Raises:
            HandFileError: a file cannot be read as a picture.
        """
        figures = ''.join(
            f'<figure><img src="{self._jpeg(picture)}" alt="{html.escape(caption)}" loading="lazy">'
            f'<figcaption>{html.escape(caption)}</figcaption></figure>'
            for caption, picture in pictures.items()
        )
        return self._add(f'<div class="grid">{figures}</div>')

    def plots(self, plots: Mapping[str, 'Figure']) -> 'HtmlReport':
        """Add plots side by side.

        Args:
            plots: what each shows, for readers who cannot see it, to the figure.
        """
        figures = ''
        for caption, figure in plots.items():
            data = base64.b64encode(figure_svg(figure).encode()).decode()
            figures += (
                f'<figure class="plot"><img src="data:image/svg+xml;base64,{data}" '
                f'alt="{html.escape(caption)}"></figure>'
            )
        return self._add(f'<div class="grid">{figures}</div>')

    def code(self, text: str, fold: str | None = None) -> 'HtmlReport':
        """Add preformatted text.

        Args:
            text: the text.
            fold: if given, the text is folded away under these words.
        """
        block = f'<pre tabindex="0"><code>{html.escape(text)}</code></pre>'
        return self._add(_folded(block, fold))

    def render(self) -> str:
        """The page's HTML."""
        links = ''.join(
            f'<li><a href="#s{i}">{html.escape(title)}</a></li>'
            for i, (title, _) in enumerate(self._sections)
        )
        body = ''.join(
            f'<section aria-labelledby="s{i}"><h2 id="s{i}">{html.escape(title)}</h2>{"".join(parts)}'
            '</section>'
            for i, (title, parts) in enumerate(self._sections)
        )
        lead = f'<p class="lead">{html.escape(self.lead)}</p>' if self.lead else ''
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            # Stated so that a reader can see that the page asks nothing of any server.
            '<meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
            f'<title>{html.escape(self.title)}</title><style>{_STYLE}</style></head>\n<body>'
            '<a class="skip" href="#content">Skip to the content</a>'
            f'<header><h1>{html.escape(self.title)}</h1>{lead}'
            f'<nav aria-label="Contents"><ul>{links}</ul></nav></header>\n'
            f'<main id="content">{body}</main>\n'
            '<footer>Written by mmhand. This file needs no network.</footer></body></html>\n'
        )

    def write(self, path: str | Path) -> None:
        """Write the page, whole or not at all.

        Args:
            path: the ``.html`` file; its folder is made if needed.

        Raises:
            HandFileError: it cannot be written.
        """
        try:
            AtomicLocalBackend().put_text(self.render(), path)
        except OSError as error:
            raise HandFileError(f'cannot write the report {path}: {error.strerror}') from error

    def _add(self, piece: str) -> 'HtmlReport':
        if not self._sections:
            self.section('Overview')
        self._sections[-1][1].append(piece)
        return self

    def _jpeg(self, picture: np.ndarray | str | Path) -> str:
        """A picture as a ``data:`` address."""
        if isinstance(picture, np.ndarray):
            image = picture[..., ::-1]
        else:
            image = cv2.imread(str(picture), cv2.IMREAD_COLOR)
            if image is None:
                raise HandFileError(f'{picture} cannot be read as a picture')
        if image.shape[1] > self.max_width:
            height = round(image.shape[0] * self.max_width / image.shape[1])
            image = cv2.resize(image, (self.max_width, height), interpolation=cv2.INTER_AREA)
        options = [cv2.IMWRITE_JPEG_QUALITY, 88]
        _, data = cv2.imencode('.jpg', np.ascontiguousarray(image), options)
        return f'data:image/jpeg;base64,{base64.b64encode(data).decode()}'


def show(value: object) -> str:
    """A value as a table shows it: numbers short, nothing as a dash."""
    if value is None:
        return '–'
    if isinstance(value, float):
        return f'{value:.4g}' if abs(value) < 0.1 else f'{value:.2f}'
    if isinstance(value, list | tuple):
        return ', '.join(map(show, value))
    return str(value)


def _fact_name(text: str) -> str:
    """The head of a row, in one line if that leaves a phone room for the rest."""
    kind = ' class="short"' if len(text) <= _SHORT_NAME else ''
    return f'<th scope="row"{kind}>{html.escape(text)}</th>'


def _fact(text: str) -> str:
    """A cell whose words stay whole, unless one is longer than a phone is wide, such as a hash."""
    kind = ' class="long"' if any(len(word) > _LONG_WORD for word in text.split()) else ''
    return f'<td{kind}>{html.escape(text)}</td>'


def _folded(block: str, words: str | None) -> str:
    if words is None:
        return block
    return f'<details><summary>{html.escape(words)}</summary>{block}</details>'


def _caption(text: str) -> str:
    return f'<caption>{html.escape(text)}</caption>' if text else ''
