import assert from 'node:assert/strict';
import test from 'node:test';
import { retryDelay } from '../src/backoff.js';
import { firstRendition, saysEnded, verdictOfStatus } from '../src/inquiry.js';
import { stateOf, wordsOf } from '../src/state.js';
import { Watchdog } from '../src/watchdog.js';

test('retries slow down to three seconds and are spread', () => {
  assert.deepEqual([1, 2, 3, 4, 50].map((n) => retryDelay(n, 0.5)), [500, 1_000, 2_000, 3_000, 3_000]);
  assert.equal(retryDelay(50, 0), 2_250);
  assert.equal(retryDelay(50, 1), 3_750);
});

test('statuses are told apart as viewers need it', () => {
  assert.equal(verdictOfStatus(200), null);
  assert.equal(verdictOfStatus(404), 'missing');
  assert.equal(verdictOfStatus(403), 'refused');
  assert.equal(verdictOfStatus(503), 'busy');
});

test('the first rendition is found behind comments and other tags', () => {
  const master = '#EXTM3U\r\n#EXT-X-MEDIA:TYPE=AUDIO,URI="a.m3u8"\r\n#EXT-X-STREAM-INF:BANDWIDTH=1\r\n# low\r\nv/0.m3u8\r\n';
  assert.equal(firstRendition(master), 'v/0.m3u8');
  assert.equal(firstRendition('#EXTM3U\n#EXTINF:2,\n1.m4s\n'), null);
});

test('an end is read from a playlist and from an MPD', () => {
  assert.equal(saysEnded('#EXTM3U\n#EXTINF:2,\n1.m4s\n#EXT-X-ENDLIST\n'), true);
  assert.equal(saysEnded('#EXTM3U\n#EXTINF:2,\n1.m4s\n'), false);
  assert.equal(saysEnded('<?xml version="1.0"?>\n<MPD\n  type="dynamic">'), false);
  assert.equal(saysEnded('<MPD type="static">'), true);
  assert.equal(saysEnded('<MPD>'), true);
});

const calm = { trouble: null, started: true, blocked: false, ended: false, paused: false, still: false };

test('states as the viewer is told them', () => {
  assert.equal(stateOf(calm), 'playing');
  assert.equal(stateOf({ ...calm, still: true }), 'buffering');
  assert.equal(stateOf({ ...calm, started: false }), 'connecting');
  assert.equal(stateOf({ ...calm, started: false, trouble: 'missing' }), 'no-stream');
  assert.equal(stateOf({ ...calm, still: true, trouble: 'lost' }), 'lost');
  assert.equal(stateOf({ ...calm, paused: true }), 'paused');
  assert.equal(stateOf({ ...calm, ended: true, trouble: 'missing' }), 'ended');
});

test('trouble is not told while the picture still moves', () => {
  assert.equal(stateOf({ ...calm, trouble: 'lost' }), 'playing');
});

test('every state that hides the picture has its words', () => {
  for (const trouble of ['missing', 'refused', 'busy', 'lost']) {
    for (const kind of ['live', 'vod']) {
      assert.equal(wordsOf(stateOf({ ...calm, trouble, started: false }), kind).length, 2);
    }
  }
  assert.equal(wordsOf('playing', 'vod'), undefined);
});

test('the end of a broadcast is told in other words than that of a channel', () => {
  assert.notDeepEqual(wordsOf('ended', 'vod'), wordsOf('ended', 'live'));
  assert.deepEqual(wordsOf('lost', 'vod'), wordsOf('lost', 'live'));
});

/** Actions of a watchdog fed every 250 ms until `end`, `mediaTime` a function of the time. */
function watch(end, mediaTime, reachable = () => true) {
  const watchdog = new Watchdog();
  const actions = [];
  for (let now = 0; now <= end; now += 250) {
    const action = watchdog.beat(now, mediaTime(now), true, reachable(now));
    if (action !== 'nothing') actions.push([now, action]);
  }
  return actions;
}

test('a moving picture is left alone', () => {
  assert.deepEqual(watch(60_000, (now) => now / 1000), []);
});

test('a standing picture is asked about, recovered once, then opened afresh', () => {
  assert.deepEqual(watch(14_000, () => 5), [
    [2_500, 'ask'],
    [5_000, 'ask'],
    [7_000, 'recover'],
    [7_500, 'ask'],
    [10_000, 'ask'],
    [12_500, 'ask'],
    [14_000, 'reopen'],
  ]);
});

test('while the box is away one can only ask', () => {
  const actions = watch(60_000, () => 5, () => false).map(([, action]) => action);
  assert.ok(actions.length > 20);
  assert.deepEqual([...new Set(actions)], ['ask']);
});

test('a pause is no standstill', () => {
  const watchdog = new Watchdog();
  for (let now = 0; now < 30_000; now += 250) {
    assert.equal(watchdog.beat(now, 5, false, true), 'nothing');
  }
  assert.equal(watchdog.beat(30_000, 5, true, true), 'nothing');
  assert.ok(watchdog.stillFor(30_000) <= 250);
});
