// Times and numbers as viewers read them.

const two = (number) => String(number).padStart(2, '0');

/** Wall-clock time of a UTC instant in the viewer's own time zone, as 17:40:01. */
export function clockTime(utcMs) {
  const date = new Date(utcMs);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Length of time as 0:05, 12:03 or 1:02:03. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}

/** How far something has played, as 0:12 / 3:40. */
export function progress(seconds, whole) {
  return `${duration(seconds)} / ${duration(whole)}`;
}

/** Length of time in words, for screen readers: "1 hour 2 minutes 3 seconds". */
export function spokenDuration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const counts = [
    [Math.floor(whole / 3600), 'hour'],
    [Math.floor((whole % 3600) / 60), 'minute'],
    [whole % 60, 'second'],
  ].filter(([count]) => count > 0);
  if (counts.length === 0) return '0 seconds';
  return counts.map(([count, unit]) => `${count} ${unit}${count === 1 ? '' : 's'}`).join(' ');
}

/** Delay from capture to screen: one decimal in seconds, a length of time past two minutes. */
export function delayText(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return '–';
  return seconds < 120 ? `${seconds.toFixed(1)} s` : duration(seconds);
}

/** One rendition as a menu line: "1080p", "1080p50", or its bit rate when the size is unknown. */
export function renditionName({ height, frameRate, bitrate }) {
  if (!height) return bitRate(bitrate);
  return `${height}p${frameRate > 30 ? Math.round(frameRate) : ''}`;
}

/** A language tag in the viewer's own language; `fallback` where there is none. */
export function languageName(tag, fallback) {
  if (!tag || tag === 'und') return fallback;
  try {
    return new Intl.DisplayNames(undefined, { type: 'language' }).of(tag);
  } catch {
    return tag; // not one that the browser knows
  }
}

/** Bits per second as "4.5 Mb/s" or "800 kb/s". */
export function bitRate(bitsPerSecond) {
  return bitsPerSecond >= 1e6
    ? `${(bitsPerSecond / 1e6).toFixed(1)} Mb/s`
    : `${Math.round(bitsPerSecond / 1e3)} kb/s`;
}
