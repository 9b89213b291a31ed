// Opens an asset that has ended and has holes (--vod, --asset): it plays over all of them to the end of the asset.
import path from 'node:path';
import { askBox, check, checkNotFatal, diagnosis, ms, run, untilEnded, untilOnDemand } from './browser.mjs';

const END_TOLERANCE = 0.5; // seconds
const SLACK = 15; // seconds more than the asset lasts

await run('holes', { asset: { type: 'string' } }, async (page, options, results) => {
  await untilOnDemand(page);
  const asset = await askBox(options.asset);
  const seconds = (asset.end - asset.start) / 1000;
  const begun = Date.now();
  await untilEnded(page, seconds + SLACK);
  const end = await diagnosis(page);
  Object.assign(results, {
    assetSeconds: seconds,
    playedFor: ms((Date.now() - begun) / 1000),
    endOffS: ms((Date.parse(end.playingDate) - asset.end) / 1000),
    errors: end.errors,
  });
  checkNotFatal(end.errors);
  await page.screenshot({ path: path.join(options.out, `holes-${options.player}.png`) });
  check(
    Math.abs(results.endOffS) <= END_TOLERANCE,
    `it ends ${results.endOffS} s from the end of the asset`,
  );
});
