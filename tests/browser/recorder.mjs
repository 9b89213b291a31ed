// Records how the picture moves, inside the page, at a steady beat.

const BEAT_MS = 50;

/** Starts recording on the page. */
export function record(page) {
  return page.evaluate((beatMs) => {
    const recording = { samples: 0, longestGapMs: 0, gaps: [], states: [], delays: [] };
    let time = window.riser.currentTime;
    let movedAt = performance.now();
    const began = movedAt;
    const closeGap = (now) => {
      const gapMs = now - movedAt;
      if (gapMs > recording.longestGapMs) recording.longestGapMs = gapMs;
      if (gapMs > 500) recording.gaps.push({ atS: (movedAt - began) / 1000, gapMs: Math.round(gapMs) });
    };
    const beat = () => {
      const { currentTime, state, delay } = window.riser;
      const now = performance.now();
      recording.samples += 1;
      if (currentTime !== time) {
        closeGap(now);
        time = currentTime;
        movedAt = now;
      }
      if (recording.states.at(-1)?.state !== state) {
        recording.states.push({ atS: Math.round(now - began) / 1000, state });
      }
      if (delay !== null && state === 'playing') recording.delays.push(delay);
    };
    const timer = setInterval(beat, beatMs);
    window.stopRecording = () => {
      clearInterval(timer);
      closeGap(performance.now());
      recording.seconds = (performance.now() - began) / 1000;
      return recording;
    };
  }, BEAT_MS);
}

/** Stops and returns the recording, delays condensed to percentiles. */
export async function stopRecording(page) {
  const { delays, ...recording } = await page.evaluate(() => window.stopRecording());
  delays.sort((a, b) => a - b);
  const at = (share) => delays[Math.min(delays.length - 1, Math.floor(share * delays.length))] ?? null;
  return { ...recording, longestGapMs: Math.round(recording.longestGapMs), delay: { p50: at(0.5), p95: at(0.95), max: at(1) } };
}
