// Records how the picture moves, inside the page, at a steady beat.

import { ms } from './browser.mjs';

const BEAT_MS = 50;
const JUMP_S = 0.3; // further than the time that went by: no longer the same stretch

/** Starts recording on the page. */
export function record(page) {
  return page.evaluate(([beatMs, jumpS]) => {
    const recording = { samples: 0, longestGapMs: 0, gaps: [], states: [], jumps: [], delays: [], latencies: [] };
    let time = window.riser.currentTime;
    let movedAt = performance.now();
    const began = movedAt;
    const closeGap = (now) => {
      const gapMs = now - movedAt;
      if (gapMs > recording.longestGapMs) recording.longestGapMs = gapMs;
      if (gapMs > 500) recording.gaps.push({ atS: (movedAt - began) / 1000, gapMs: Math.round(gapMs) });
    };
    const beat = () => {
      const { currentTime, state, delay, latency } = window.riser;
      const now = performance.now();
      recording.samples += 1;
      if (currentTime !== time) {
        closeGap(now);
        const wallS = (now - movedAt) / 1000;
        const movedS = currentTime - time;
        if (movedS < 0 || movedS > wallS + jumpS) recording.jumps.push({ atS: (now - began) / 1000, movedS });
        time = currentTime;
        movedAt = now;
      }
      if (recording.states.at(-1)?.state !== state) {
        recording.states.push({ atS: Math.round(now - began) / 1000, state });
      }
      if (delay !== null && state === 'playing') recording.delays.push(delay);
      if (latency !== null && state === 'playing') recording.latencies.push(latency);
    };
    const timer = setInterval(beat, beatMs);
    window.stopRecording = () => {
      clearInterval(timer);
      closeGap(performance.now());
      recording.seconds = (performance.now() - began) / 1000;
      return recording;
    };
  }, [BEAT_MS, JUMP_S]);
}

/** Stops and returns the recording; delays and the player's own latencies condensed to percentiles. */
export async function stopRecording(page) {
  const { delays, latencies, ...recording } = await page.evaluate(() => window.stopRecording());
  const longestGapMs = Math.round(recording.longestGapMs);
  return { ...recording, longestGapMs, delay: percentiles(delays), latency: percentiles(latencies) };
}

function percentiles(seconds) {
  const sorted = [...seconds].sort((a, b) => a - b);
  const at = (share) => ms(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null);
  return { p50: at(0.5), p95: at(0.95), max: at(1) };
}
