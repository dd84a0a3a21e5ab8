"""No public name comes or goes unnoticed."""

import json
import subprocess
import sys


def test_public_names_are_those_written_down(repo):
    code = (
        f'import sys, json; sys.path.insert(0, {str(repo / "tools/misc")!r})\n'
        'from api_surface import surface\n'
        'print(json.dumps(surface()))\n'
    )
    # A process of its own: other tests register parts of theirs.
    output = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert output.returncode == 0, output.stderr[-2000:]
    now = json.loads(output.stdout.splitlines()[-1])
    before = json.loads((repo / 'tests' / 'api_surface.json').read_text())
    for kind in ('packages', 'registries'):
        assert set(now[kind]) == set(before[kind])
        for place, names in before[kind].items():
            gone, new = set(names) - set(now[kind][place]), set(now[kind][place]) - set(names)
            message = f'{place}: gone {sorted(gone)}, new {sorted(new)}; on purpose: '
            assert not gone | new, message + 'python tools/misc/api_surface.py --write'
