import assert from 'node:assert/strict';
import test from 'node:test';
import {
  downloadAddress,
  manifestAddress,
  readAddress,
  thumbnailsAddress,
  withPlayer,
} from '../src/address.js';

const live = (name, filter = '') => ({ kind: 'live', name, filter });
const vod = (name, filter = '') => ({ kind: 'vod', name, filter });

test('a bare address plays the main channel by LL-HLS', () => {
  assert.deepEqual(readAddress(''), { source: live('main'), player: 'hls' });
});

test('channel, filter and player come from the query', () => {
  assert.deepEqual(readAddress('?channel=hall-2&player=dash'), { source: live('hall-2'), player: 'dash' });
  assert.deepEqual(readAddress('?channel=a&filter=low;de').source, live('a', 'low;de'));
});

test('an asset goes before a channel', () => {
  assert.deepEqual(readAddress('?vod=show&channel=a&filter=low').source, vod('show', 'low'));
  assert.deepEqual(readAddress('?vod=&channel=a').source, live('a'));
});

test('an unknown player falls back to LL-HLS', () => {
  assert.equal(readAddress('?player=flash').player, 'hls');
});

test('a name cannot leave its place in the path', () => {
  assert.equal(manifestAddress(live('../a b'), 'hls'), '/live/..%2Fa%20b/master.m3u8');
  assert.equal(manifestAddress(live('main'), 'dash'), '/live/main/manifest.mpd');
  assert.equal(manifestAddress(vod('show'), 'hls'), '/vod/show/master.m3u8');
  assert.equal(downloadAddress(vod('a/b')), '/vod/a%2Fb/download.mp4');
  assert.equal(thumbnailsAddress(vod('a?b')), '/vod/a%3Fb/thumbnails.vtt');
});

test('filters go on to the manifest, and nothing else with them', () => {
  assert.equal(manifestAddress(vod('show', 'low;de'), 'dash'), '/vod/show/manifest.mpd?filter=low;de');
  assert.equal(manifestAddress(live('a', 'x&y#z'), 'hls'), '/live/a/master.m3u8?filter=x%26y%23z');
});

test('changing the player keeps the rest of the query', () => {
  assert.equal(withPlayer('?channel=a&token=x%26y', 'dash'), '?channel=a&token=x%26y&player=dash');
  assert.equal(withPlayer('?player=dash&channel=a', 'hls'), '?player=hls&channel=a');
});
