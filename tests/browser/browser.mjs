// Starts Chromium on the viewer page and reads its diagnosis object.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

// As a container runs it: root, no sandbox, no GPU, no traffic of its own.
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
];

export class CheckFailed extends Error {}

/** Fails the test with a plain message unless `condition` holds. */
export function check(condition, message) {
  if (!condition) throw new CheckFailed(message);
}

/** Rounds to milliseconds, so that results stay readable. */
export const ms = (number) => (number === null ? null : Math.round(number * 1000) / 1000);

/**
 * Options every script takes, plus its own (`parseArgs` form).
 * @returns {{url: string, player: string, seconds: number, out: string} & Record<string, any>}
 */
export function readOptions(own = {}) {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      player: { type: 'string', default: 'hls' },
      channel: { type: 'string', default: 'main' },
      vod: { type: 'string' },
      filter: { type: 'string' },
      seconds: { type: 'string', default: '15' },
      out: { type: 'string', default: fileURLToPath(new URL('../artefacts', import.meta.url)) },
      ...own,
    },
  });
  if (!values.url) throw new CheckFailed('--url is missing, for example --url http://127.0.0.1:8080');
  if (!['hls', 'dash'].includes(values.player)) {
    throw new CheckFailed(`--player is "${values.player}", must be hls or dash`);
  }
  return { ...values, seconds: positive('seconds', values.seconds) };
}

export function positive(name, text) {
  const number = Number(text);
  if (!(number > 0)) throw new CheckFailed(`--${name} is "${text}", must be a number above 0`);
  return number;
}

/**
 * Runs one test on the page: one JSON line with its results on stdout, exit code 1 and a plain
 * message on stderr when a check fails. A screenshot is left in `out` either way.
 *
 * @param {string} name of the test, also of the screenshot
 * @param {object} own further options
 * @param {(page: import('playwright-core').Page, options: object, results: object) => Promise<void>} test
 */
export async function run(name, own, test) {
  const results = { test: name, ok: false };
  try {
    const options = readOptions(own);
    results.player = options.player;
    await withPage(options, results, (page) => test(page, options, results));
    results.ok = true;
  } catch (error) {
    results.failure = error instanceof CheckFailed ? error.message : plain(error);
    console.error(`${name}: ${results.failure}`);
    process.exitCode = 1;
  }
  console.log(JSON.stringify(results));
}

async function withPage(options, results, test) {
  const profile = await mkdtemp(path.join(tmpdir(), 'viewer-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: FLAGS,
    viewport: { width: 1280, height: 800 },
  });
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    results.pageErrors = [];
    results.foreignRequests = [];
    page.on('pageerror', (error) => results.pageErrors.push(error.message));
    page.on('request', (request) => noteForeign(request.url(), options.url, results));
    await page.goto(pageAddress(options), { waitUntil: 'domcontentloaded' });
    try {
      await test(page, options, results);
    } finally {
      await screenshot(page, options, results);
    }
    check(results.pageErrors.length === 0, `script errors on the page: ${results.pageErrors.join('; ')}`);
    check(
      results.foreignRequests.length === 0,
      `the page asked other hosts: ${results.foreignRequests.join(', ')}`,
    );
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The viewer page on the channel, or on the asset where one is named. */
function pageAddress({ url, player, channel, vod, filter }) {
  const address = new URL('/', url);
  address.search = new URLSearchParams({
    player,
    ...(vod ? { vod } : { channel }),
    ...(filter ? { filter } : {}),
  });
  return address.href;
}

/** Everything must come from the box: a venue may have no internet. */
function noteForeign(address, box, results) {
  const { protocol, origin } = new URL(address);
  if (protocol.startsWith('http') && origin !== new URL(box).origin) results.foreignRequests.push(address);
}

async function screenshot(page, { out, player }, results) {
  await mkdir(out, { recursive: true });
  results.screenshot = path.join(out, `${results.test}-${player}.png`);
  await page.screenshot({ path: results.screenshot });
}

const plain = (error) => String(error.message).split('\n')[0];

/** Waits for a condition on the page; `what` says in the failure what did not come. */
export async function until(page, what, condition, argument, seconds = 30) {
  try {
    return await page.waitForFunction(condition, argument, { timeout: seconds * 1000, polling: 100 });
  } catch (error) {
    if (error.name !== 'TimeoutError') throw error;
    const state = await page.evaluate(() => window.riser?.state ?? 'no page');
    const errors = await page.evaluate(() => window.riser?.errors.slice(-3).map((e) => e.detail) ?? []);
    throw new CheckFailed(
      `${what} did not happen within ${seconds} s (state: ${state}; last errors: ${errors.join(', ') || 'none'})`,
    );
  }
}

/** Waits until the page plays and the measured delay is known. */
export async function untilPlaying(page, seconds = 30) {
  await until(page, 'playback', () => {
    const { riser } = window;
    return riser?.state === 'playing' && riser.currentTime > 0 && riser.delay !== null;
  }, null, seconds);
}

/** Waits until an asset that has ended plays. */
export async function untilOnDemand(page, seconds = 30) {
  await until(page, 'playback on demand', () => {
    const { riser } = window;
    return riser?.onDemand && riser.state === 'playing' && riser.currentTime > 0 && riser.playingDate !== null;
  }, null, seconds);
}

/** Waits for the end of an asset; `seconds` how much of it is left. */
export async function untilEnded(page, seconds) {
  await until(page, 'the end', () => window.riser.state === 'ended', null, seconds + 10);
}

/** Waits for media to play on by `seconds`, given twice that and a little to do it. */
export async function untilAdvanced(page, seconds) {
  const from = await page.evaluate(() => window.riser.currentTime);
  await until(
    page,
    `${seconds} s of playback`,
    (goal) => window.riser.currentTime >= goal,
    from + seconds,
    seconds * 2 + 10,
  );
}

/** Fails if the page's player has given up once or more. */
export function checkNotFatal(errors) {
  const fatal = errors.filter((error) => error.fatal);
  check(fatal.length === 0, `fatal player errors: ${fatal.map((error) => error.detail).join('; ')}`);
}

/** What the management interface says under an address. */
export async function askBox(address) {
  const response = await fetch(address);
  check(response.ok, `${address} answers ${response.status}`);
  return response.json();
}

/** Plain copy of the diagnosis object. */
export function diagnosis(page) {
  return page.evaluate(() => {
    const copy = {};
    for (const key of Object.keys(window.riser)) {
      if (typeof window.riser[key] !== 'function') copy[key] = window.riser[key];
    }
    return copy;
  });
}
