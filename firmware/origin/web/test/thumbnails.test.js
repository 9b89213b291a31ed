import assert from 'node:assert/strict';
import test from 'node:test';
import { Thumbnails, readIndex, tileAt } from '../src/thumbnails.js';

const INDEX = `WEBVTT

00:00:00.000 --> 00:00:01.600
thumbnails-0.jpg#xywh=0,0,160,90

00:00:01.600 --> 00:00:03.200
thumbnails-0.jpg#xywh=160,0,160,90

00:00:03.200 --> 100:00:00.040
thumbnails-1.jpg#xywh=0,90,160,90
`;
const BASE = 'http://box/vod/show/thumbnails.vtt';

test('cues become tiles', () => {
  const tiles = readIndex(INDEX, BASE);
  assert.equal(tiles.length, 3);
  assert.deepEqual(tiles[2], {
    start: 3.2,
    end: 360_000.04,
    address: 'http://box/vod/show/thumbnails-1.jpg',
    x: 0,
    y: 90,
    width: 160,
    height: 90,
  });
});

test('lines may end as on Windows, and what is no cue is passed over', () => {
  assert.deepEqual(readIndex(INDEX.replaceAll('\n', '\r\n'), BASE), readIndex(INDEX, BASE));
  assert.deepEqual(readIndex('', BASE), []);
  const odd = 'WEBVTT\n\nNOTE x\n\n00:00:00.000 --> 00:00:01.000\nwords\n\n00:00:01.000 --> 00:00:02.000\na.jpg#xywh=1,2,3,4\n';
  assert.deepEqual(readIndex(odd, BASE).map(({ start, x }) => [start, x]), [[1, 1]]);
});

test('a time has the tile that covers it, the nearest beyond both ends', () => {
  const tiles = readIndex(INDEX, BASE);
  assert.equal(tileAt(tiles, 1.599), tiles[0]);
  assert.equal(tileAt(tiles, 1.6), tiles[1]);
  assert.equal(tileAt(tiles, -1), tiles[0]);
  assert.equal(tileAt(tiles, 1e9), tiles[2]);
  assert.equal(tileAt([], 0), null);
});

test('thumbnails that are not made yet are asked for again, but not at once', async () => {
  const asked = [];
  let answer = Promise.reject(new Error('status 404'));
  const thumbnails = new Thumbnails(() => {
    asked.push(0);
    return answer;
  });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  assert.equal(thumbnails.at(1, 0), null);
  await settled();
  assert.equal(thumbnails.at(1, 4_999), null);
  assert.equal(asked.length, 1);
  answer = Promise.resolve(readIndex(INDEX, BASE));
  assert.equal(thumbnails.at(1, 5_000), null);
  await settled();
  assert.equal(thumbnails.at(1, 5_001).start, 0);
  assert.equal(thumbnails.at(2, 60_000).start, 1.6);
  assert.equal(asked.length, 2);
});
