// What the viewer page does not use, in the players of other people: HLS version 3 in hls.js and Smooth Streaming in dash.js,
// live and on demand.
import { run } from './browser.mjs';
import { plays } from './players.mjs';

const ADDRESSES = {
  hls: (source) => `${source}/ts/master.m3u8`,
  dash: (source) => `${source}/smooth.ism/Manifest`,
};

await run('protocols', {}, async (page, { url, player, seconds, vod }, results) => {
  for (const source of ['/live/main', `/vod/${vod}`]) {
    results[source] = await plays(page, player, new URL(ADDRESSES[player](source), url).href, seconds);
  }
});
