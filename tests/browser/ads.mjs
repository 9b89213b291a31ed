// An ad break and an ID3 tag, announced while other people's players play: hls.js is told of the break by the playlist and of the
// tag by the segments, dash.js of the break by the manifest and by the segments.
import { check, run } from './browser.mjs';
import { plays } from './players.mjs';

const ADDRESSES = { hls: 'master.m3u8', dash: 'manifest.mpd' };
const SCHEMES = {
  id3: 'https://aomedia.org/emsg/ID3',
  segments: 'urn:scte:scte35:2013:bin',
  manifest: 'urn:scte:scte35:2014:xml+bin',
};

/** Notes in `window.playing.told` what the player says: of each source what came last. */
function listen({ player, schemes }) {
  const told = {};
  const bytes = (data) => btoa(String.fromCharCode(...new Uint8Array(data)));
  window.playing.told = told;
  if (player === 'hls') {
    const { hls } = window.playing;
    hls.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => {
      for (const range of Object.values(details.dateRanges)) told.playlist = range.attr['SCTE35-OUT'] ?? told.playlist;
    });
    hls.on(Hls.Events.FRAG_PARSING_METADATA, (_, { samples }) => {
      for (const sample of samples) if (sample.type === schemes.id3) told.id3 = bytes(sample.data);
    });
  } else {
    const { dash } = window.playing;
    for (const source of ['manifest', 'segments']) {
      dash.on(schemes[source], ({ event }) => { told[source] = bytes(event.messageData); }, null, { mode: 'eventModeOnReceive' });
    }
    dash.on(schemes.id3, ({ event }) => { told.id3 = bytes(event.messageData); }, null, { mode: 'eventModeOnReceive' });
  }
}

await run('ads', { api: { type: 'string' }, cue: { type: 'string' } }, async (page, options, results) => {
  const { url, player, api, cue } = options;
  const ask = async (method, path, body) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${api}/channels/main/${path}`, { method, headers, body: JSON.stringify(body) });
    check(answer.ok, `${method} ${path}: ${answer.status} ${await answer.text()}`);
  };
  await plays(page, player, new URL(`/live/main/${ADDRESSES[player]}`, url).href, 2);
  await page.evaluate(listen, { player, schemes: SCHEMES });
  const tag = Buffer.from('ID3\x04\x00\x00\x00\x00\x00\x00', 'latin1').toString('base64');
  // One after the other: breaks do not overlap.
  await ask('PUT', `advertisements/${cue}`, { at: Date.now() + 10_000 * Number(cue), duration: 5 });
  await ask('POST', 'metadata', { id3: tag });
  const sources = player === 'hls' ? ['playlist', 'id3'] : ['manifest', 'segments', 'id3'];
  await page.waitForFunction((sources) => sources.every((name) => window.playing.told[name]), sources, { timeout: 30_000 })
    .catch(async () => check(false, `told only of ${JSON.stringify(await page.evaluate(() => window.playing.told))}`));
  const told = await page.evaluate(() => window.playing.told);
  check(told.id3 === tag, `another tag: ${told.id3}`);
  const section = (text) => text.startsWith('0x') ? Buffer.from(text.slice(2), 'hex') : Buffer.from(text, 'base64');
  for (const source of sources.filter((source) => source !== 'id3')) {
    const splice = section(told[source]);
    check(splice[0] === 0xfc && splice.readUInt32BE(14) === Number(cue), `${source}: ${splice.toString('hex')}`);
  }
  results.told = told;
});
