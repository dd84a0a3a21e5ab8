"""Packaging of mmhand.

The wheel carries ``configs/``, ``tools/``, ``demo/`` and ``model-index.yml`` under ``mmhand/.mim``,
the convention that OpenMMLab's ``mim`` and ``mmhand::config.py`` look in. An editable install links
them.
"""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
MIM_PARTS = ('configs', 'tools', 'demo', 'model-index.yml')


def requirements(name):
    lines = (ROOT / 'requirements' / name).read_text().splitlines()
    return [line.split('  #')[0].strip() for line in lines if line and not line.startswith('#')]


class BuildWithMim(build_py):
    """Put the ``.mim`` folder into a build, or links to it into an editable checkout."""

    def run(self):
        super().run()
        editable = getattr(self, 'editable_mode', False)
        folder = (ROOT if editable else Path(self.build_lib).resolve()) / 'mmhand' / '.mim'
        folder.mkdir(parents=True, exist_ok=True)
        for part in MIM_PARTS:
            source, target = ROOT / part, folder / part
            if not source.exists():
                continue
            if target.is_symlink() or target.is_file():
                target.unlink()
            elif target.is_dir():
                shutil.rmtree(target)
            if editable:
                target.symlink_to(Path('..') / '..' / part)
            elif source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns('__pycache__'))
            else:
                shutil.copy2(source, target)


version: dict = {}
exec((ROOT / 'mmhand' / 'version.py').read_text(), version)

setup(
    name='mmhand',
    version=version['__version__'],
    description='3D hand pose and mesh methods as plugins on OpenMMLab',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8')
    if (ROOT / 'README.md').exists()
    else '',
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    author='The mmhand authors',
    keywords='hand pose, hand mesh, MANO, depth, OpenMMLab',
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Science/Research',
        'Operating System :: OS Independent',
        'Programming Language :: Python :: 3',
        *(f'Programming Language :: Python :: 3.{minor}' for minor in (10, 11, 12, 13)),
        'Topic :: Scientific/Engineering :: Image Recognition',
        'Typing :: Typed',
    ],
    python_requires='>=3.10,<3.14',
    packages=find_packages(include=['mmhand', 'mmhand.*']),
    py_modules=['mmhand_cli', 'mmhand_flags'],
    entry_points={'console_scripts': ['mmhand=mmhand_cli:main']},
    package_data={
        'mmhand': [
            'py.typed',
            'geometry/data/*',
            'hand_models/data/*',
            'models/blaze/data/*',
            'checkpoints/*',
            'visualization/assets/*',
            'apis/assets/*',
        ]
    },
    install_requires=requirements('runtime.txt'),
    extras_require={
        'docs': requirements('docs.txt'),
        'export': requirements('export.txt'),
        'mm': requirements('mminstall.txt'),
        'optional': requirements('optional.txt'),
        'tests': requirements('tests.txt'),
        'video': requirements('video.txt'),
        'viewer': requirements('viewer.txt'),
        # The page of --serve needs nothing; the name is there for those who expect it.
        'web': [],
    },
    cmdclass={'build_py': BuildWithMim},
    zip_safe=False,
)
