import assert from 'node:assert/strict';
import test from 'node:test';
import { manifestAddress, readAddress, withPlayer } from '../src/address.js';

test('a bare address plays the main channel by LL-HLS', () => {
  assert.deepEqual(readAddress(''), { channel: 'main', player: 'hls' });
});

test('channel and player come from the query', () => {
  assert.deepEqual(readAddress('?channel=hall-2&player=dash'), { channel: 'hall-2', player: 'dash' });
});

test('an unknown player falls back to LL-HLS', () => {
  assert.equal(readAddress('?player=flash').player, 'hls');
});

test('a channel name cannot leave its place in the path', () => {
  assert.equal(manifestAddress('../a b', 'hls'), '/live/..%2Fa%20b/master.m3u8');
  assert.equal(manifestAddress('main', 'dash'), '/live/main/manifest.mpd');
});

test('changing the player keeps the rest of the query', () => {
  assert.equal(withPlayer('?channel=a&token=x%26y', 'dash'), '?channel=a&token=x%26y&player=dash');
  assert.equal(withPlayer('?player=dash&channel=a', 'hls'), '?player=hls&channel=a');
});
