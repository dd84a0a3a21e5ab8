"""Properties of the package as a whole."""

import ast
import re

import pytest


def python_files(repo, *folders):
    return [path for folder in folders for path in sorted((repo / folder).rglob('*.py'))]


def test_no_file_is_too_long(repo):
    long = {
        str(path.relative_to(repo)): lines
        for path in python_files(repo, 'mmhand', 'tools', 'demo', 'projects')
        if (lines := len(path.read_text().splitlines())) > 350
    }
    assert not long


def test_everything_public_states_types_and_has_a_docstring(repo):
    """ruff checks the docstrings; here: every argument of a public function is annotated."""
    bare = []
    for path in python_files(repo, 'mmhand'):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            args = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            missing = [a.arg for a in args if a.annotation is None and a.arg not in ('self', 'cls')]
            if missing and not node.name.startswith('_'):
                bare.append(f'{path.relative_to(repo)}:{node.lineno} {node.name} {missing}')
    assert not bare, '\n'.join(bare)


@pytest.mark.parametrize('word', ['chumpy', 'manopth', 'manotorch', 'smplx', 'pytorch3d'])
def test_nothing_imports_what_the_licences_forbid(repo, word):
    pattern = re.compile(rf'^\s*(import|from)\s+{word}\b', re.M)
    guilty = [p for p in python_files(repo, 'mmhand') if pattern.search(p.read_text())]
    assert not guilty


def test_mesh_sizes_are_read_from_the_model(repo):
    allowed = {'mano.py', 'io.py', 'manopth_compat.py', 'synthetic_mano.py'}
    guilty = [
        path
        for path in python_files(repo, 'mmhand')
        if path.name not in allowed
        and any(
            isinstance(node, ast.Constant) and node.value in (778, 1538)
            for node in ast.walk(ast.parse(path.read_text()))
        )
    ]
    assert not guilty


def test_joint_orders_live_in_one_file(repo):
    """No long literal list of joint indices outside ``joint_sets.py``."""
    guilty = []
    for path in python_files(repo, 'mmhand'):
        if path.name == 'joint_sets.py':
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.List | ast.Tuple)
                and len(node.elts) >= 16
                and all(isinstance(e, ast.Constant) and type(e.value) is int for e in node.elts)
                # Vertices go higher than joints.
                and max(e.value for e in node.elts) < 64
            ):
                guilty.append(f'{path.relative_to(repo)}:{node.lineno}')
    assert not guilty
