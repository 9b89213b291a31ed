import assert from 'node:assert/strict';
import test from 'node:test';
import { LIVE_TOLERANCE, isAtLive, placeOf, timeAt, withinRange } from '../src/scale.js';

const range = { start: 1_000, live: 1_200 };

test('the bar runs from the oldest moment to live', () => {
  assert.equal(placeOf(1_000, range), 0);
  assert.equal(placeOf(1_050, range), 0.25);
  assert.equal(placeOf(1_200, range), 1);
});

test('what lies outside the window stays on the bar', () => {
  assert.equal(placeOf(900, range), 0);
  assert.equal(placeOf(1_300, range), 1);
  assert.equal(timeAt(-0.1, range), 1_000);
  assert.equal(timeAt(1.1, range), 1_200);
});

test('place and time are each other\'s inverse', () => {
  for (const time of [1_000, 1_001.5, 1_133.3, 1_200]) {
    assert.ok(Math.abs(timeAt(placeOf(time, range), range) - time) < 1e-9);
  }
});

test('an empty window counts as live', () => {
  const empty = { start: 5, live: 5 };
  assert.equal(placeOf(5, empty), 1);
  assert.equal(timeAt(0.5, empty), 5);
});

test('near the live position still is live', () => {
  assert.equal(isAtLive(1_200 - LIVE_TOLERANCE, range), true);
  assert.equal(isAtLive(1_200 - LIVE_TOLERANCE - 0.01, range), false);
});

test('a seek keeps away from the segment that is about to go', () => {
  assert.equal(withinRange(-Infinity, range), 1_002);
  assert.equal(withinRange(1_100, range), 1_100);
  assert.equal(withinRange(Infinity, range), 1_200);
  assert.equal(withinRange(0, { start: 10, live: 11 }), 11);
});

test('what has ended stays whole and has no live', () => {
  const ended = { ...range, finished: true };
  assert.equal(withinRange(-Infinity, ended), 1_000);
  assert.equal(withinRange(Infinity, ended), 1_200);
  assert.equal(isAtLive(1_200, ended), false);
});
