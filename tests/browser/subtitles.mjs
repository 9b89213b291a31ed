// Captions as subtitles in other people's players, beside those within the pictures: what is said now shows, and then what is
// said next.
import { check, run } from './browser.mjs';
import { plays } from './players.mjs';

const ADDRESSES = { hls: 'master.m3u8', dash: 'manifest.mpd' };

/** Chooses the subtitles of the presentation. */
function choose(player) {
  const { hls, dash } = window.playing;
  if (player === 'hls') {
    hls.subtitleDisplay = true;
    hls.subtitleTrack = hls.subtitleTracks.findIndex(({ lang }) => lang === 'eng');
    return hls.subtitleTracks.map(({ name, lang }) => ({ name, lang }));
  }
  const tracks = dash.getTracksFor('text');
  dash.enableText(true);
  dash.setTextTrack(0);
  return tracks.map(({ lang, codec }) => ({ name: codec, lang }));
}

/** The line that shows now as a subtitle, and where the video is. */
function shown() {
  const { video } = window.playing;
  const cues = [...video.textTracks].filter(({ mode }) => mode !== 'disabled')
    .flatMap(({ activeCues }) => [...(activeCues ?? [])]);
  const lines = cues.map(({ text }) => /LINE (\d+)/.exec(text)?.[1]).filter(Boolean);
  return { lines: [...new Set(lines)].map(Number), at: video.currentTime };
}

await run('subtitles', {}, async (page, { url, player, channel }, results) => {
  // dash.js breaks at the captions within our chunks (ARCHITECTURE.md): it is not told of them.
  await page.route('**/manifest.mpd*', async (route) => {
    const answer = await route.fetch();
    const body = (await answer.text()).replace(/<Accessibility [^>]*cea-608[^>]*>/g, '');
    await route.fulfill({ response: answer, body });
  });
  await plays(page, player, new URL(`/live/${channel}/${ADDRESSES[player]}`, url).href, 2);
  results.offered = await page.evaluate(choose, player);
  check(results.offered.length === 1, `it offers ${JSON.stringify(results.offered)}`);
  const seen = [];
  const began = Date.now();
  while (seen.length < 3) {
    const { lines, at } = await page.evaluate(shown);
    check(lines.length <= 1, `lines ${lines} show at once`);
    if (lines.length && seen.at(-1)?.line !== lines[0]) seen.push({ line: lines[0], at });
    check(Date.now() - began < 40_000, `only ${JSON.stringify(seen)} shows`);
    await page.waitForTimeout(50);
  }
  results.seen = seen;
  const [, second, third] = seen;
  // The film has thirty seconds of them, two each, over and over.
  check(third.line === second.line + 1 || third.line === 0, `${JSON.stringify(seen)} follow each other`);
  check(Math.abs(third.at - second.at - 2) < 0.5, `${JSON.stringify(seen)} are two seconds apart`);
});
