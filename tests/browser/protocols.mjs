// What the viewer page does not use, in the players of other people: HLS version 3 in hls.js and Smooth Streaming in dash.js,
// live and on demand; DASH's on-demand profile, with its thumbnails.
import { check, run } from './browser.mjs';
import { plays } from './players.mjs';

const ADDRESSES = {
  hls: (source) => `${source}/ts/master.m3u8`,
  dash: (source) => `${source}/smooth.ism/Manifest`,
};

await run('protocols', {}, async (page, { url, player, seconds, vod }, results) => {
  for (const source of ['/live/main', `/vod/${vod}`]) {
    results[source] = await plays(page, player, new URL(ADDRESSES[player](source), url).href, seconds);
  }
  if (player === 'dash') {
    const manifest = `/vod/${vod}/on-demand.mpd`;
    results[manifest] = await plays(page, player, new URL(manifest, url).href, seconds);
    const thumbnail = await page.evaluate(() => new Promise((resolve) => {
      window.playing.dash.provideThumbnail(2, (found) => resolve(found && { ...found }));
    }));
    check(thumbnail?.url.endsWith(`/vod/${vod}/thumbnails-0.jpg`), `thumbnail: ${JSON.stringify(thumbnail)}`);
    check(thumbnail.x === 160 && thumbnail.width === 160, `the second tile: ${JSON.stringify(thumbnail)}`);
  }
});
