"""The pages of the documentation that are tables of what the code and the metafiles say.

python tools/misc/write_docs_tables.py            say whether they are up to date
python tools/misc/write_docs_tables.py --write    write them anew
"""

import argparse

from mmhand_flags import ToolParser, start_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('--write', action='store_true', help='write the pages anew')
    return parser.parse_args()


start_tool(__name__, parse_args)

from pathlib import Path

import yaml

from mmhand.evaluation import get_protocol, protocol_names
from mmhand.evaluation.protocols import Alignment, Protocol
from mmhand.utils.atomic_io import atomic_write
from mmhand.utils.errors import HandConfigError, cli_guard

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / 'docs' / 'en'
FRAMES = {'sample': 'camera frame', 'model': "hand model's frame"}


def protocols_page() -> str:
    """``protocols.md``: each preset in words."""
    parts = [
        '# Protocols',
        '',
        '"MPJPE" means something else in nearly every paper on hands. A protocol writes down what is '
        'aligned, compared and averaged; a metric names one (`protocol=...`), and `results.json` '
        'records it. Numbers are comparable within one protocol only. All errors are millimetres.',
        '',
        'This page is made from the presets: `python tools/misc/write_docs_tables.py --write`.',
        '',
        '| preset | what is aligned | mean over | also |',
        '|---|---|---|---|',
    ]
    protocols = [get_protocol(name) for name in protocol_names()]
    for protocol in protocols:
        aligned = '; '.join(
            f'{prefix or "main"}: {_alignment(alignment, protocol.frame)}'
            for prefix, alignment in protocol.alignments.items()
        )
        parts.append(
            f'| `{protocol.name}` | {aligned} | {_average(protocol)} | {_extras(protocol)} |'
        )
    parts += ['', '## Where they come from', '']
    parts += [f'* `{protocol.name}`: {protocol.source}.' for protocol in protocols]
    parts += [
        '',
        '## One of your own',
        '',
        '```python',
        'from dataclasses import replace',
        'from mmhand.evaluation import get_protocol, register_protocol',
        '',
        "register_protocol(replace(get_protocol('freihand'), name='freihand_wrist', ...))",
        '```',
        '',
        'Every field is described at `Protocol` in the API reference.',
        '',
    ]
    return '\n'.join(parts)


def _alignment(alignment: Alignment, frame: str) -> str:
    if alignment.procrustes:
        return f'Procrustes{" with" if alignment.reflection else " without"} reflection'
    words = [f'{alignment.root} at zero' if alignment.root else f'nothing, {FRAMES[frame]}']
    if alignment.bone:
        words.append(f'length {"-".join(alignment.bone)} scaled')
    return ', '.join(words)


def _average(protocol: Protocol) -> str:
    return {
        'point': "joints' means",
        'micro': 'all joints',
        'sample': "samples' means",
        'batch': "batches' means",
    }[protocol.average]


def _extras(protocol: Protocol) -> str:
    words = []
    if protocol.joints_from == 'hand_model':
        words.append(
            f"joints from the mesh by the hand model's regressor, `{protocol.tip_preset}` tips"
        )
    elif protocol.joints_from:
        words.append('joints from the mesh where the data set has a regressor')
    if protocol.hand_types:
        words.append(f'{", ".join(protocol.hand_types)} hands only')
    if protocol.joint_set:
        words.append(f'{len(protocol.joint_names())} points of `{protocol.joint_set}`')
    if protocol.z_bias:
        words.append('bias in depth')
    if protocol.mesh:
        words.append('vertices')
    if protocol.auc:
        first, last, count = protocol.auc
        words.append(f'AUC {first:g} to {last:g} in {count} steps')
    if protocol.fscores:
        words.append('F at ' + ', '.join(f'{value:g}' for value in protocol.fscores))
    if protocol.relative_root:
        words.append('MRRPE')
    if protocol.handedness:
        words.append('handedness')
    if protocol.success:
        words.append('success at ' + ', '.join(f'{value:g}' for value in protocol.success))
    return ', '.join(words) or '-'


def zoo_page() -> str:
    """``model_zoo.md``: what the metafiles say of every config."""
    parts = [
        '# Model zoo',
        '',
        'Made from the metafiles beside the configs: `python tools/misc/write_docs_tables.py --write`.',
        '',
        '## Weights in the package',
        '',
    ]
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    files = [yaml.safe_load((ROOT / name).read_text()) for name in index['Import']]
    shipped = [model for file in files for model in file['Models'] if model.get('Weights')]
    parts += _shipped(shipped)
    models = [model for file in files for model in file['Models']]
    kept = {m['Name']: w for m in models if (w := m.get('Metadata', {}).get('Not Shipped'))}
    parts += ['## Tried, not in the package', '']
    parts += [f'* `{name}`: {" ".join(words.split())}' for name, words in kept.items()]
    parts += ['', '## Every config', '']
    for file in files:
        collection = file['Collections'][0]
        paper = collection['Paper']
        parts += [
            f'### {collection["Name"]}',
            '',
            f'[{paper["Title"]}]({paper["URL"]}); [page](../../{collection["README"]}).',
            '',
            '| config | trained on | parameters | published | here |',
            '|---|---|---|---|---|',
        ]
        for model in file['Models']:
            metadata = model.get('Metadata', {})
            count = metadata.get('Parameters')
            data = metadata.get('Training Data', '-')
            parts.append(
                f'| `{model["Name"]}` | {data if isinstance(data, str) else ", ".join(data)} '
                f'| {f"{count / 1e6:.1f} M" if count else "-"} '
                f'| {_results(model, "published")} | {_results(model, "here")} |'
            )
        parts.append('')
    parts += [
        'Published numbers are those of the papers and are not reproduced here: neither the licensed '
        'data nor a GPU was at hand. "Here" was measured on synthetic sets with the commands of the '
        'page; it says nothing about the benchmark.',
        '',
    ]
    return '\n'.join(parts)


def _shipped(models: list[dict]) -> list[str]:
    """Cards of the weights that come with the package."""
    lines = [
        'The open method (`HandInferencer()`, `mmhand photo.jpg`) has weights of its own: see '
        '[open hands](open_hands.md) and [their card](../../mmhand/models/blaze/data/README.md).',
        '',
    ]
    for model in models:
        card = model['Metadata']
        lines += [
            f'### {model["Name"]}',
            '',
            f"`init_model('{model['Name']}')`, `HandInferencer('{model['Name']}')`",
            '',
            f'* File: `{model["Weights"]}`, sha256 `{card["SHA256"]}`.',
            *([f'* Completed by: {part}.'] if (part := card.get('Completed By')) else []),
            f'* Data: {card["Training Data"]}; seed {card["Seed"]}.',
            f'* Made by: `{card["Command"]}`.',
            f'* Licence: {card["Licence"]}',
            f'* Results: {_results(model, "here")}.',
            '',
        ]
    return lines


def _results(model: dict, kind: str) -> str:
    """Results of one kind: published by the paper, or measured here."""
    found = []
    for result in model.get('Results', []):
        here = bool(result.get('Measured Here', False))
        if here == (kind == 'here'):
            numbers = ', '.join(f'{name} {value}' for name, value in result['Metrics'].items())
            found.append(f'{result["Dataset"]}: {numbers}')
    return '; '.join(found) or '-'


PAGES_BY_NAME = {'protocols.md': protocols_page, 'model_zoo.md': zoo_page}


@cli_guard
def main() -> None:
    """Compare or write."""
    args = parse_args()
    for name, page in PAGES_BY_NAME.items():
        text = page()
        if args.write:
            with atomic_write(PAGES / name) as file:
                file.write(text.encode())
            print(PAGES / name)
        elif (PAGES / name).read_text(encoding='utf-8') != text:
            raise HandConfigError(f'{PAGES / name} is out of date; run with --write')


if __name__ == '__main__':
    main()
