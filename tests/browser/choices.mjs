// Chooses another sound and the captions of a channel that has both: the sound is the other one, and what is said shows.
// dash.js is not told of captions.
import { check, checkNotFatal, diagnosis, run, until, untilAdvanced, untilPlaying } from './browser.mjs';

const untilMenu = (page, name) =>
  until(
    page,
    `a menu of ${name}`,
    (name) => [...document.querySelectorAll('.choice:not([hidden]) span')].some((span) => span.textContent === name),
    name,
  );

await run('choices', {}, async (page, options, results) => {
  await untilPlaying(page);
  await until(page, 'a choice of two sounds', () => window.riser.sounds.length === 2);
  const { sounds, sound } = await diagnosis(page);
  results.sounds = sounds.map(({ language }) => language);
  check(results.sounds.join() === 'de,en', `it offers ${results.sounds}`);
  check(sound === 0, `sound ${sound} is heard first`);
  await untilMenu(page, 'Sound');
  await page.selectOption('#sound', '1');
  await until(page, 'the other sound', () => window.riser.sound === 1);
  await untilAdvanced(page, 3);

  if (options.player === 'dash') {
    results.errors = (await diagnosis(page)).errors;
    checkNotFatal(results.errors);
    return;
  }
  await untilMenu(page, 'Captions');
  await page.selectOption('#captions', '0');
  await until(page, 'something said on the screen', () => {
    const tracks = [...document.querySelector('video').textTracks];
    const cues = tracks.filter(({ mode }) => mode === 'showing').flatMap(({ activeCues }) => [...(activeCues ?? [])]);
    return cues.some(({ text }) => /LINE \d/.test(text));
  });
  await page.screenshot({ path: `${options.out}/captions-${options.player}.png` });
  await page.selectOption('#captions', '-1');
  await until(page, 'captions switched off', () => window.riser.caption === -1);
  await untilAdvanced(page, 2);
  const { errors } = await diagnosis(page);
  results.errors = errors;
  checkNotFatal(errors);
});
