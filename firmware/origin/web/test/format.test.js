import assert from 'node:assert/strict';
import test from 'node:test';
import * as format from '../src/format.js';

test('clock time is the viewer\'s own time of day', () => {
  assert.equal(format.clockTime(new Date(2026, 10, 22, 7, 4, 9).getTime()), '07:04:09');
});

test('durations show hours only when there are any', () => {
  assert.equal(format.duration(5), '0:05');
  assert.equal(format.duration(723.4), '12:03');
  assert.equal(format.duration(3723), '1:02:03');
  assert.equal(format.duration(-1), '0:00');
  assert.equal(format.duration(59.7), '1:00');
});

test('progress is both lengths of time', () => {
  assert.equal(format.progress(12.4, 220), '0:12 / 3:40');
});

test('spoken durations leave out what is zero', () => {
  assert.equal(format.spokenDuration(3661), '1 hour 1 minute 1 second');
  assert.equal(format.spokenDuration(120), '2 minutes');
  assert.equal(format.spokenDuration(0.2), '0 seconds');
});

test('the delay has one decimal, is a dash while unknown and a length of time when far back', () => {
  assert.equal(format.delayText(1.449), '1.4 s');
  assert.equal(format.delayText(0), '0.0 s');
  assert.equal(format.delayText(119.9), '119.9 s');
  assert.equal(format.delayText(600), '10:00');
  assert.equal(format.delayText(null), '–');
  assert.equal(format.delayText(NaN), '–');
});

test('renditions are named by height, high frame rates said', () => {
  assert.equal(format.renditionName({ height: 1080, frameRate: 25, bitrate: 1 }), '1080p');
  assert.equal(format.renditionName({ height: 720, frameRate: 49.99, bitrate: 1 }), '720p50');
  assert.equal(format.renditionName({ height: 0, frameRate: 0, bitrate: 96_000 }), '96 kb/s');
  assert.equal(format.bitRate(4_460_000), '4.5 Mb/s');
});
