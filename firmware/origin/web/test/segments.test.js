import assert from 'node:assert/strict';
import test from 'node:test';
import { mediaTimeAt, utcAt } from '../src/segments.js';

const T = Date.UTC(2026, 10, 22, 17, 40);

// Two segments, ten minutes without a stream, two more.
const segments = [
  { start: 100, duration: 2, programDateTime: T },
  { start: 102, duration: 2, programDateTime: T + 2_000 },
  { start: 104, duration: 2, programDateTime: T + 604_000 },
  { start: 106, duration: 2, programDateTime: T + 606_000 },
];

test('media time maps by the segment it lies in', () => {
  assert.equal(utcAt(segments, 100), T);
  assert.equal(utcAt(segments, 103.5), T + 3_500);
  assert.equal(utcAt(segments, 104), T + 604_000);
});

test('times outside the playlist go on from the nearest segment', () => {
  assert.equal(utcAt(segments, 99), T - 1_000);
  assert.equal(utcAt(segments, 109), T + 609_000);
});

test('UTC maps back to the same media time', () => {
  for (const mediaTime of [99, 100, 101.25, 103.999, 104, 107.5, 110]) {
    assert.ok(Math.abs(mediaTimeAt(segments, utcAt(segments, mediaTime)) - mediaTime) < 1e-6);
  }
});

test('a moment without a stream becomes the start of what follows', () => {
  assert.equal(mediaTimeAt(segments, T + 300_000), 104);
});

test('without dates there is no mapping', () => {
  assert.equal(utcAt([{ start: 0, duration: 2, programDateTime: null }], 1), null);
  assert.equal(utcAt([], 1), null);
  assert.equal(mediaTimeAt([], T), null);
});
