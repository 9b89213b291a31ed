import assert from 'node:assert/strict';
import test from 'node:test';
import { utcOfZero } from '../src/presentation-time.js';

const representation = (presentationTimeOffset, start) => ({
  presentationTimeOffset,
  adaptation: { period: { start } },
});

const BEGAN = Date.UTC(2026, 0, 1) / 1000 + 0.2;

test('a channel counts from the epoch, live and ended', () => {
  assert.equal(utcOfZero(representation(0, 0)), 0);
  assert.equal(utcOfZero(representation(BEGAN, BEGAN)), 0);
});

test('an asset counts from its beginning, also in later Periods and on demand', () => {
  assert.equal(utcOfZero(representation(BEGAN, 0)), BEGAN * 1000);
  for (const start of [3, 600]) {
    assert.ok(Math.abs(utcOfZero(representation(BEGAN + start, start)) - BEGAN * 1000) < 0.01);
  }
});

test('nothing is known before there is a representation', () => {
  assert.equal(utcOfZero(undefined), null);
  assert.equal(utcOfZero({}), null);
});
