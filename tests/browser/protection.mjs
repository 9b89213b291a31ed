// What is encrypted on the way out, in the players of other people: AES-128 in HLS of both kinds, common encryption in HLS and
// DASH with the browser's own Clear Key, live and on demand. A key that needs a token comes to who has it in the address.
import { check, run } from './browser.mjs';
import { plays } from './players.mjs';

const FOLDERS = {
  hls: ['aes-128/master.m3u8', 'aes-128/ts/master.m3u8', 'cbcs/master.m3u8', 'cenc/master.m3u8'],
  dash: ['cbcs/manifest.mpd', 'cenc/manifest.mpd'],
};

await run('protection', { token: { type: 'string' } }, async (page, options, results) => {
  const { url, player, seconds, vod, channel, token } = options;
  for (const source of [`/live/${channel}`, `/vod/${vod}`]) {
    for (const file of FOLDERS[player]) {
      const address = new URL(`${source}/${file}?token=${token}`, url).href;
      const licence = new URL(`/keys/guarded?token=${token}`, url).href;
      const config = { emeEnabled: true, drmSystems: { 'org.w3.clearkey': { licenseUrl: licence } } };
      results[`${source}/${file}`] = await plays(page, player, address, seconds, config);
    }
  }
  const refused = await page.evaluate(async () => (await fetch('/keys/guarded')).status);
  check(refused === 401, `a key without a token: ${refused}`);
});
