// Watches for --seconds of wall time while others break things, and reports the longest time the
// picture stood still and every player error. Fails above --max-gap milliseconds, and when the
// picture does not move at the end. Prints "watching" on stderr once the outside may begin.
import { check, diagnosis, ms, positive, run, until, untilAdvanced, untilPlaying } from './browser.mjs';
import { record, stopRecording } from './recorder.mjs';

await run('follow', { 'max-gap': { type: 'string' } }, async (page, options, results) => {
  await untilPlaying(page, 60);
  await record(page);
  console.error('watching');
  const endsAt = Date.now() + options.seconds * 1000;
  await until(page, 'the end of the watch', (end) => Date.now() >= end, endsAt, options.seconds + 10);

  let moves = true;
  try {
    await untilAdvanced(page, 2);
  } catch {
    moves = false; // reported below, after everything that was recorded
  }
  const { delay, latency, ...recording } = await stopRecording(page);
  const end = await diagnosis(page);
  Object.assign(results, {
    seconds: ms(recording.seconds),
    longestGapMs: recording.longestGapMs,
    gaps: recording.gaps,
    states: recording.states,
    delay,
    latency,
    endState: end.state,
    endDelay: ms(end.delay),
    atLive: end.atLive,
    droppedFrames: end.droppedFrames,
    errors: end.errors,
  });
  check(moves, `the picture does not move at the end (state: ${end.state})`);
  if (options['max-gap']) {
    const maxGap = positive('max-gap', options['max-gap']);
    check(
      recording.longestGapMs <= maxGap,
      `the picture stood still for ${recording.longestGapMs} ms, allowed ${maxGap}`,
    );
  }
});
