// Opens an asset that has ended (--vod, --asset): it begins at its beginning, and time bar, thumbnails and download are there.
import { askBox, check, checkNotFatal, diagnosis, ms, run, until, untilAdvanced, untilOnDemand } from './browser.mjs';

const LATE = 2; // seconds that may have played before the first look

await run('demand', { asset: { type: 'string' } }, async (page, options, results) => {
  await untilOnDemand(page);
  const first = await diagnosis(page);
  const asset = await askBox(options.asset);
  results.begunOffS = ms((Date.parse(first.playingDate) - asset.start) / 1000);
  check(
    results.begunOffS >= 0 && results.begunOffS <= LATE,
    `it begins ${results.begunOffS} s after the asset's beginning`,
  );
  await untilAdvanced(page, 2);

  const middle = (asset.start + asset.end) / 2;
  await page.evaluate((moment) => window.riser.seekTo(new Date(moment)), middle);
  await until(page, 'playback from the middle', (moment) => {
    const { state, playingDate } = window.riser;
    const at = (Date.parse(playingDate) - moment) / 1000;
    return state === 'playing' && at >= -0.1 && at < 3;
  }, middle);
  await untilAdvanced(page, 1);

  results.tip = await untilThumbnail(page);
  Object.assign(results, {
    title: await page.title(),
    position: await page.textContent('#position'),
    download: await page.getAttribute('#download', 'href'),
    firstPictureMs: first.firstPictureMs,
    errors: (await diagnosis(page)).errors,
  });
  checkNotFatal(results.errors);
  check(await page.isVisible('#download'), 'no download is offered');
  check(results.download === `/vod/${options.vod}/download.mp4`, `the download is ${results.download}`);
  check(!(await page.isVisible('#live')), 'the LIVE button is there although nothing is live');
  check(results.title === options.vod, `the title is "${results.title}"`);
});

/** Moves over the time bar until a thumbnail shows there; they are made in the background. */
async function untilThumbnail(page) {
  const bar = await page.locator('#timebar').boundingBox();
  let step = 0;
  const over = async () => {
    step = 1 - step; // the page looks again when the pointer moves
    await page.mouse.move(bar.x + bar.width / 2 + step, bar.y + bar.height / 2);
    return page.isVisible('#timebar .preview');
  };
  const end = Date.now() + 30_000;
  while (!(await over())) {
    check(Date.now() < end, 'no thumbnail on the time bar within 30 s');
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  const picture = await page.evaluate(async () => {
    const [, address] = getComputedStyle(document.querySelector('.preview')).backgroundImage.match(/url\("(.*)"\)/);
    const image = new Image();
    image.src = address;
    await image.decode();
    return { address, width: image.naturalWidth, height: image.naturalHeight };
  });
  check(picture.width >= 160 && picture.height > 0, `the sheet has ${picture.width} x ${picture.height} pixels`);
  return { ...picture, text: await page.textContent('.tip-text') };
}
