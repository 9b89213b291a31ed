import assert from 'node:assert/strict';
import test from 'node:test';
import { ServerClock, offsetFrom } from '../src/clock.js';

test('the quickest round trip decides the offset', () => {
  const trips = [
    { sent: 0, received: 400, server: 10_000 },
    { sent: 1_000, received: 1_020, server: 11_110 },
    { sent: 2_000, received: 2_100, server: 12_000 },
  ];
  assert.deepEqual(offsetFrom(trips), { offset: 10_100, uncertainty: 10 });
});

test('answers that are no time and clocks that ran backwards are left out', () => {
  assert.equal(offsetFrom([{ sent: 0, received: 10, server: NaN }]), null);
  assert.equal(offsetFrom([{ sent: 10, received: 0, server: 5 }]), null);
  assert.equal(offsetFrom([]), null);
});

/** A box `ahead` ms ahead of us, each way of a round trip taking the next of `ways`. */
function box(ahead, ways) {
  let local = 1_000_000;
  const next = ways[Symbol.iterator]();
  const ask = async () => {
    const way = next.next().value;
    if (way === undefined) throw new Error('away');
    local += way;
    const body = `${new Date(local + ahead).toISOString()}\n`;
    local += way;
    return body;
  };
  return new ServerClock(ask, () => local);
}

test('the clock reads the box, whatever the local clock says', async () => {
  const clock = box(3_600_000, [40, 5, 80, 20, 60]);
  assert.equal(clock.now(), null);
  assert.equal(await clock.measure(), true);
  assert.equal(clock.now() - clock.local(), 3_600_000);
  assert.equal(clock.uncertainty, 5);
});

test('what was measured stays while the box is away', async () => {
  const clock = box(-250, [1, 1, 1, 1, 1]);
  await clock.measure();
  assert.equal(await clock.measure(), true);
  assert.equal(clock.now() - clock.local(), -250);
});

test('a box that never answered leaves the time unknown', async () => {
  const clock = box(0, []);
  assert.equal(await clock.measure(), false);
  assert.equal(clock.now(), null);
});
