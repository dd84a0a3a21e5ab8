"""Mistakes of distributed runs end in one line, that of the first process last."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest


def launch(repo, tmp_path, code, processes='2', **env):
    """Run a file of code in several processes."""
    tool = tmp_path / 'tool.py'
    tool.write_text(f'import os, sys, time\nrank = int(os.environ["RANK"])\n{code}\n')
    command = [sys.executable, str(repo / 'tools/dist_launch.py'), processes, str(tool), 'config']
    clean = {k: v for k, v in os.environ.items() if k not in ('PORT', 'MASTER_ADDR', 'NNODES')}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**clean, **env}, cwd=tmp_path
    )


SAY = 'sys.stderr.write({}); sys.exit({})'


def test_every_process_gets_its_place(repo, tmp_path):
    done = launch(
        repo,
        tmp_path,
        'place = [os.environ[name] for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")]\n'
        # In one piece: lines of several processes meet in one pipe.
        'os.write(1, f"{place} {sys.argv[1:]}\\n".encode())',
        processes='3',
    )
    assert done.returncode == 0
    assert sorted(done.stdout.splitlines()) == [
        f"['{rank}', '3', '{rank}'] ['config', '--launcher', 'pytorch']" for rank in range(3)
    ]


def test_the_same_mistake_of_all_is_told_once(repo, tmp_path):
    done = launch(repo, tmp_path, SAY.format("'error: no such config\\n'", 2))
    assert (done.returncode, done.stderr) == (2, 'error: no such config\n')


def test_the_one_at_fault_speaks_and_not_those_that_lost_it(repo, tmp_path):
    code = (
        'if rank: sys.stderr.write("error: picture 7 is broken\\n"); sys.exit(2)\n'
        'sys.stderr.write("hello\\n"); time.sleep(1)\n'
        'sys.stderr.write("[rank0]: Traceback (most recent call last):\\n[rank0]: gloo\\n"); sys.exit(1)'
    )
    done = launch(repo, tmp_path, code)
    assert done.returncode == 2
    assert done.stderr == 'hello\nerror: process 1: picture 7 is broken\n'


def test_those_that_wait_for_a_dead_one_are_ended(repo, tmp_path):
    start = time.monotonic()
    code = 'if rank: os.kill(os.getpid(), 9)\ntime.sleep(50)'
    done = launch(repo, tmp_path, code)
    assert time.monotonic() - start < 20
    assert done.returncode == 2
    assert done.stderr.startswith('error: process 1 was killed (SIGKILL)')
    assert done.stderr.count('\n') == 1


def test_defects_keep_their_traceback(repo, tmp_path):
    done = launch(repo, tmp_path, '{}["defect"]')
    assert done.returncode == 1
    assert done.stderr.count('Traceback') == 1
    assert "KeyError: 'defect'" in done.stderr


@pytest.mark.parametrize(
    ('processes', 'env', 'said'),
    [
        ('two', {}, 'the number of processes is "two"'),
        ('0', {}, 'the number of processes is "0"'),
        ('2', {'PORT': 'http'}, 'PORT is "http"'),
        ('2', {'PORT': '70000'}, 'PORT is "70000"'),
        ('2', {'NNODES': '2'}, 'set MASTER_ADDR'),
        ('2', {'NNODES': '2', 'NODE_RANK': '2'}, 'NODE_RANK is "2"'),
        ('2', {'PORT': '29876', 'MASTER_ADDR': 'no such host'}, 'is not known here'),
    ],
)
def test_bad_settings(repo, tmp_path, processes, env, said):
    done = launch(repo, tmp_path, '', processes, **env)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count('\n') == 1


def test_a_port_in_use(repo, tmp_path):
    with socket.socket() as taken:
        taken.bind(('', 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = launch(repo, tmp_path, '', PORT=port)
    assert done.returncode == 2
    assert done.stderr.startswith(f'error: port {port} cannot be used')
    assert done.stderr.count('\n') == 1


@pytest.mark.parametrize(
    ('number', 'status', 'word'),
    [(signal.SIGINT, 130, 'interrupted'), (signal.SIGTERM, 143, 'terminated')],
)
def test_signals_end_all_within_three_seconds(repo, tmp_path, number, status, word):
    tool = tmp_path / 'tool.py'
    # Processes that listen to nothing, as in a library's wait.
    tool.write_text(
        'import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n'
        'signal.signal(signal.SIGINT, signal.SIG_IGN)\nos.write(1, b"up\\n")\ntime.sleep(50)'
    )
    process = subprocess.Popen(
        [sys.executable, str(repo / 'tools/dist_launch.py'), '2', str(tool), 'config'],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == 'up\n'
    assert process.stdout.readline() == 'up\n'
    start = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert time.monotonic() - start < 3
    assert (process.returncode, said) == (status, f'{word}\n')


def test_missing_config_through_the_script(toy):
    done = toy.run('tools/dist_train.sh', 'gone.py', 2, check=False)
    assert done.returncode == 2
    assert done.stderr == 'error: config gone.py does not exist; check the path\n'
