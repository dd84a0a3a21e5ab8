// Bundles tools/misc/viewer/viewer.js with three.js into mmhand/visualization/assets/viewer.min.js.
//
//     npm install --prefix tools/misc/viewer
//     node tools/misc/build_viewer.mjs
//
// The bundle is committed: neither an install nor a page needs Node or the network.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = join(dirname(fileURLToPath(import.meta.url)), 'viewer');
const { build } = createRequire(join(here, 'package.json'))('esbuild');
const outfile = join(here, '../../../mmhand/visualization/assets/viewer.min.js');

const result = await build({
  absWorkingDir: here,
  entryPoints: ['viewer.js'],
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2020',
  charset: 'ascii',
  legalComments: 'inline',
  outfile,
  metafile: true,
});
const [size] = Object.values(result.metafile.outputs).map((output) => output.bytes);
console.log(`${outfile}: ${(size / 1024).toFixed(0)} KiB`);
if (size > 1_000_000) throw new Error('the bundle is above 1 MB, too large to commit');
