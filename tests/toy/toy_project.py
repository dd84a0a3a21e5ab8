"""The toy model, data and config of this folder in a temporary folder, and the commands on them."""

import contextlib
import io
import os
import runpy
import subprocess
import sys
from pathlib import Path

import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer
from toy_hands import write_toy_data

from mmhand.visualization import HandVisualizer


class ToyProject:
    """
    Args:
        repo: the checkout.
        folder: where data and work folders go; commands run here.
    """

    def __init__(self, repo: Path, folder: Path):
        self.repo, self.folder = repo, folder
        self.data = write_toy_data(folder / 'data')
        self.base = repo / 'tests' / 'toy' / 'toy_config.py'
        self.config = self.write_config('toy')

    def write_config(self, name: str, text: str = '') -> Path:
        """A config that inherits the toy's, with more lines."""
        path = self.folder / f'{name}.py'
        path.write_text(f"_base_ = ['{self.base}']\n{text}\n")
        return path

    def env(self) -> dict:
        paths = [str(self.repo / 'tests' / 'toy'), str(self.repo)]
        env = {
            **os.environ,
            'PYTHONPATH': os.pathsep.join([*paths, os.environ.get('PYTHONPATH', '')]),
            'PYTHON': sys.executable,
            'OMP_NUM_THREADS': '1',
            'CUDA_VISIBLE_DEVICES': '-1',
        }
        env.pop('MMHAND_DEBUG', None)
        return env

    def command(self, tool: str, *args: object) -> list[str]:
        path = str(self.repo / tool)
        start = [sys.executable, path] if tool.endswith('.py') else ['bash', path]
        return [*start, *map(str, args)]

    def run(
        self, tool: str, *args: object, check: bool = True, own_process: bool = False
    ) -> subprocess.CompletedProcess:
        """Run a command of the repository in the project's folder.

        Python tools run in this process, which saves seconds of imports, unless asked otherwise.
        """
        if tool.endswith('.py') and not own_process:
            done = self._run_here(tool, args)
        else:
            done = subprocess.run(
                self.command(tool, *args),
                cwd=self.folder,
                env=self.env(),
                capture_output=True,
                text=True,
                timeout=180,
            )
        if check and done.returncode:
            raise AssertionError(f'{tool} ended with {done.returncode}:\n{done.stderr[-3000:]}')
        return done

    def _run_here(self, tool: str, args: tuple) -> subprocess.CompletedProcess:
        out, err = io.StringIO(), io.StringIO()
        argv, environ, folder = sys.argv, dict(os.environ), os.getcwd()
        code: object = 0
        try:
            sys.argv = [tool, *map(str, args)]
            os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
            os.environ.pop('MMHAND_DEBUG', None)
            os.chdir(self.folder)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                runpy.run_path(str(self.repo / tool), run_name='__main__')
        except SystemExit as end:
            code = end.code
        finally:
            sys.argv = argv
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(environ)
            torch.use_deterministic_algorithms(False)
            # mmengine keeps loggers and the like by the second they were made in.
            for kept in (MMLogger, MessageHub, Visualizer, HandVisualizer, DefaultScope):
                kept._instance_dict.clear()
        return subprocess.CompletedProcess(args, int(code or 0), out.getvalue(), err.getvalue())

    def fails(self, tool: str, *args: object, own_process: bool = False) -> str:
        """Run a command that must end with one line on stderr and status 2; returns the line."""
        done = self.run(tool, *args, check=False, own_process=own_process)
        lines = [line for line in done.stderr.splitlines() if line.startswith('error: ')]
        assert done.returncode == 2, (done.returncode, done.stderr[-2000:])
        assert 'Traceback' not in done.stderr, done.stderr[-2000:]
        assert len(lines) == 1, done.stderr[-2000:]
        return lines[0]
