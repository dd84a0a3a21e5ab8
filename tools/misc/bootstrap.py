"""Make or refresh the environment that the Makefile's targets run in. Standard library only.

Safe to run at any time: it does nothing when the environment matches the requirements, repairs one
whose installation was interrupted, and installs again when a requirements file has changed.
"""

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / 'requirements'
SUPPORTED = ((3, 10), (3, 11), (3, 12), (3, 13))


def fail(message: str) -> None:
    sys.exit(f'error: {message}')


def fingerprint(constraints: str) -> str:
    """Hash of everything an installation depends on."""
    digest = hashlib.sha256(sys.version.encode())
    files = [*sorted(REQUIREMENTS.glob('*.txt')), ROOT / 'setup.py', Path(__file__)]
    for file in files:
        digest.update(file.read_bytes())
    digest.update(str(ROOT).encode())
    digest.update(constraints.encode())
    return digest.hexdigest()


def run(*command: str) -> None:
    print('+', ' '.join(command), flush=True)
    status = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL).returncode
    if status:
        fail(f'the command above ended with status {status}; run make again to resume')


def works(python: Path) -> bool:
    """Whether an environment's interpreter is of our version and has pip."""
    if not python.exists():
        return False
    probe = 'import sys, pip; print(sys.version_info[:2] == tuple(map(int, sys.argv[1:])))'
    command = [str(python), '-c', probe, *map(str, sys.version_info[:2])]
    result = subprocess.run(command, capture_output=True, text=True)
    return result.stdout.strip() == 'True'


def make_venv(folder: Path) -> Path:
    """Interpreter of the virtual environment, which is made if it is missing or broken."""
    python = folder / 'bin' / 'python'
    if not works(python):
        if python.exists() and not (folder / 'pyvenv.cfg').exists():
            fail(f'{folder} is an environment of another Python without pip; name another VENV')
        run(sys.executable, '-m', 'venv', '--clear', str(folder))
    return python


def install(python: Path, versions: str) -> None:
    pip = (str(python), '-m', 'pip', 'install', '--disable-pip-version-check')
    constraints = ('-c', str(REQUIREMENTS / versions))
    # One command for all, so that torch and torchvision are resolved as a pair.
    files = ('runtime.txt', 'mminstall.txt', 'tests.txt', 'docs.txt')
    sources = [word for name in files for word in ('-r', str(REQUIREMENTS / name))]
    run(*pip, 'wheel', *constraints, *sources)
    run(*pip, '--no-deps', '-r', str(REQUIREMENTS / 'nodeps.txt'))
    run(*pip, '--no-deps', '--no-build-isolation', '-e', str(ROOT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--venv', default='.venv', help='environment folder; empty for the running interpreter'
    )
    parser.add_argument(
        '--constraints', default='constraints.txt', help='file of versions in requirements/'
    )
    args = parser.parse_args()
    if not (REQUIREMENTS / args.constraints).is_file():
        fail(f'requirements/ has no {args.constraints}')
    if sys.version_info[:2] not in SUPPORTED:
        versions = ', '.join('.'.join(map(str, version)) for version in SUPPORTED)
        fail(
            f'mmhand runs on Python {versions}, this is {sys.version.split()[0]}: '
            'name another, as in "make test PYTHON=python3.11"'
        )
    if args.venv:
        python = make_venv((ROOT / args.venv).absolute())
        prefix = python.parent.parent
    else:
        python, prefix = Path(sys.executable), Path(sys.prefix)
    stamp = prefix / '.mmhand-installed'
    wanted = fingerprint(args.constraints)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    install(python, args.constraints)
    stamp.write_text(wanted)


if __name__ == '__main__':
    main()
