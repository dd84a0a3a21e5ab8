"""Ways to spoil a file, each decided by a seeded generator."""

import json
import re
import struct
import zlib
from pathlib import Path

import numpy as np

#: What a field may hold instead of what it should.
WEIRD = (
    *(float('nan'), float('inf'), -float('inf'), 1e30, -1e30, 0, -1, 2**63, 10**400, 1e-30),
    *(
        None,
        True,
        '',
        'x',
        '1.5',
        [],
        {},
        [[]],
        '../../x',
        '/etc/passwd',
        '\ud800',
        'a\0b',
        'é' * 300,
    ),
)

_NUMBER = re.compile(rb'-?\d+\.?\d*(?:[eE][-+]?\d+)?')


def mutate(path: Path, content: bytes, rng: np.random.Generator) -> bytes:
    """Content with one to three faults, by the kind of file."""
    for _ in range(int(rng.integers(1, 4))):
        choices = [_bytes]
        if path.suffix == '.json':
            choices = [_json, _json, _json, _text, _bytes]
        elif path.suffix in ('.txt', '.yml', '.yaml'):
            choices = [_text, _text, _bytes]
        elif path.suffix == '.png':
            choices = [_png, _bytes]
        elif path.suffix in ('.jpg', '.jpeg'):
            choices = [_jpeg, _bytes]
        elif path.suffix == '.npy':
            choices = [_numbers, _text, _bytes]
        elif path.suffix == '.bin':
            choices = [_numbers, _bytes]
        content = choices[int(rng.integers(len(choices)))](content, rng)
    return content


def _bytes(content: bytes, rng: np.random.Generator) -> bytes:
    """Flip, cut, repeat, or overwrite bytes."""
    data = bytearray(content)
    if not data:
        return bytes(rng.integers(0, 256, 8, np.uint8))
    kind, at = int(rng.integers(6)), int(rng.integers(len(data)))
    if kind == 0:
        data[at] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        del data[at:]
    elif kind == 2:
        end = at + int(rng.integers(1, 64))
        data[at:at] = data[at:end] * int(rng.integers(1, 20))
    elif kind == 3:
        size = int(rng.integers(1, 9))
        data[at : at + size] = rng.integers(0, 256, size, np.uint8).tobytes()
    elif kind == 4:
        data[at : at + 4] = (b'\xff\xff\xff\xff', b'\0\0\0\0', b'\x7f\xff\xff\xff')[at % 3]
    else:
        del data[at : at + int(rng.integers(1, 32))]
    return bytes(data)


def _text(content: bytes, rng: np.random.Generator) -> bytes:
    """Replace, double or drop one number or line."""
    if rng.integers(3) == 0:
        lines = content.split(b'\n')
        at = int(rng.integers(len(lines)))
        if rng.integers(2):
            lines.insert(at, lines[at])
        else:
            lines[at] = (b'', b'x', b'- - -', b'&a [*a, *a]', b'\xff\xfe', b'1 ' * 2000)[at % 6]
        return b'\n'.join(lines)
    found = list(_NUMBER.finditer(content))
    if not found:
        return _bytes(content, rng)
    spot = found[int(rng.integers(len(found)))]
    other = (
        b'nan',
        b'inf',
        b'1e30',
        b'-1',
        b'0',
        b'99999999999999999999',
        b'x',
        b'',
        b'1.5',
        b'[]',
    )
    return content[: spot.start()] + other[int(rng.integers(len(other)))] + content[spot.end() :]


def _json(content: bytes, rng: np.random.Generator) -> bytes:
    """Put something else in a random place of the tree."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return _bytes(content, rng)
    holder, key = None, None
    node = tree
    for _ in range(int(rng.integers(1, 8))):
        if isinstance(node, dict) and node:
            holder, key = node, list(node)[int(rng.integers(len(node)))]
        elif isinstance(node, list) and node:
            holder, key = node, int(rng.integers(len(node)))
        else:
            break
        node = holder[key]
    if holder is None:
        return _bytes(content, rng)
    kind = int(rng.integers(8))
    if kind < 4:
        holder[key] = WEIRD[int(rng.integers(len(WEIRD)))]
    elif kind == 4:
        del holder[key]
    elif kind == 5 and isinstance(holder, list):
        holder.insert(0, holder[key])
    elif kind == 6:
        depth = int(rng.choice([5, 70, 5000]))
        text = json.dumps(tree).replace(json.dumps(node), '[' * depth + ']' * depth, 1)
        return text.encode(errors='replace')
    elif isinstance(holder, dict):
        name = json.dumps(key)
        text = json.dumps(tree).replace(f'{name}:', f'{name}: 0, {name}:', 1)
        return text.encode(errors='replace')
    try:
        return json.dumps(tree).encode(errors='replace')
    except ValueError:  # more digits than Python writes
        return _bytes(content, rng)


def _png(content: bytes, rng: np.random.Generator) -> bytes:
    """Another size, depth or kind in a header whose checksum is right."""
    if len(content) < 33:
        return _bytes(content, rng)
    header = bytearray(content[12:29])
    if rng.integers(2):
        sides = (0, 1, 2, 60000, 2**31 - 1, 20000)
        place = int(rng.choice([4, 8]))
        header[place : place + 4] = struct.pack('>I', sides[int(rng.integers(len(sides)))])
    else:
        header[12 + int(rng.integers(5))] = int(rng.integers(0, 20))
    checksum = struct.pack('>I', zlib.crc32(bytes(header)))
    return content[:12] + bytes(header) + checksum + content[33:]


def _jpeg(content: bytes, rng: np.random.Generator) -> bytes:
    """Another size in the frame's header, or a forged end."""
    at = max(content.find(b'\xff\xc0'), content.find(b'\xff\xc2'))
    if at > 0 and rng.integers(2):
        sides = (0, 1, 65535, 30000)
        place = at + int(rng.choice([5, 7]))
        side = struct.pack('>H', sides[int(rng.integers(len(sides)))])
        return content[:place] + side + content[place + 2 :]
    cut = int(rng.integers(2, max(3, len(content))))
    return content[:cut] + b'\xff\xd9'


def _numbers(content: bytes, rng: np.random.Generator) -> bytes:
    """A number of eight or four bytes that is none, or is huge."""
    at = int(rng.integers(max(1, len(content) - 8)))
    kind = ('<d', '<f')[int(rng.integers(2))]
    value = struct.pack(kind, (float('nan'), float('inf'), 1e30, -1.0)[int(rng.integers(4))])
    return content[:at] + value + content[at + len(value) :]
