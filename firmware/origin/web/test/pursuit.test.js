import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bufferedAhead, speed } from '../src/pursuit.js';

test('plays faster only where it is behind and has enough in the buffer', () => {
  assert.ok(speed({ latency: 1.2, target: 0.64, ahead: 0.8 }) > 1);
  assert.equal(speed({ latency: 0.7, target: 0.64, ahead: 0.8 }), 1);
  assert.equal(speed({ latency: 1.2, target: 0.64, ahead: 0.3 }), 1);
  assert.equal(speed({ latency: 600, target: 0.64, ahead: 8 }), 1, 'the viewer has rewound');
  assert.equal(speed({ latency: 1.2, target: null, ahead: 0.8 }), 1, 'before the first playlist');
});

test('counts only the stretch that is playing', () => {
  const ranges = [[0, 4], [5, 9]];
  const buffered = { length: 2, start: (i) => ranges[i][0], end: (i) => ranges[i][1] };
  assert.equal(bufferedAhead({ buffered, currentTime: 5.5 }), 3.5);
  assert.equal(bufferedAhead({ buffered, currentTime: 4.5 }), 0);
});
