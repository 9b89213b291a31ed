// Bundles the page into dist/: index.html plus hashed assets that may be cached for ever, each also as .gz.
import { build } from 'esbuild';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(root, 'dist');

await rm(dist, { recursive: true, force: true });

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['src/main.js', 'src/style.css'],
  outdir: 'dist/assets',
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  target: ['chrome94', 'firefox93', 'safari15'],
  minify: true,
  legalComments: 'none', // in licenses.txt instead, whole
  metafile: true,
  logLevel: 'warning',
});

const outputs = Object.entries(metafile.outputs);
const address = (source) => {
  const [file] = outputs.find(([, output]) => output.entryPoint === source);
  return path.posix.relative('dist', file);
};

const page = (await readFile(path.join(root, 'src/index.html'), 'utf8'))
  .replace('{{script}}', address('src/main.js'))
  .replace('{{style}}', address('src/style.css'));
await writeFile(path.join(dist, 'index.html'), page);

const licenses = ['hls.js/LICENSE', 'dashjs/LICENSE.md', 'dashjs/dist/modern/esm/dash.mediaplayer.min.js.LICENSE.txt'];
const texts = licenses.map(async (file) => `== ${file}\n\n${await readFile(path.join(root, 'node_modules', file), 'utf8')}`);
await writeFile(path.join(dist, 'assets/licenses.txt'), (await Promise.all(texts)).join('\n\n'));

for (const [file, { bytes }] of outputs) {
  const packed = gzipSync(await readFile(path.join(root, file)), { level: 9 });
  await writeFile(path.join(root, `${file}.gz`), packed);
  const size = (count) => String(Math.ceil(count / 1024)).padStart(5);
  console.log(`${size(bytes)} KiB, packed ${size(packed.length)} KiB  ${file}`);
}
