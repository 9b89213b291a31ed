// From what is known to the one state the viewer is told, and its words.

/**
 * @param {object} facts
 * @param {'missing'|'refused'|'busy'|'lost'|null} facts.trouble what the box last said was wrong
 * @param {boolean} facts.started a picture has been shown since the stream was opened
 * @param {boolean} facts.blocked the browser refused to start by itself
 * @param {boolean} facts.ended playback reached the end of a finished stream
 * @param {boolean} facts.paused the viewer asked for a pause
 * @param {boolean} facts.still the picture stands still although it should move
 */
export function stateOf({ trouble, started, blocked, ended, paused, still }) {
  if (ended) return 'ended';
  if (trouble && (still || !started)) return TROUBLE_STATES[trouble];
  if (blocked) return 'blocked';
  if (paused) return 'paused';
  if (!started) return 'connecting';
  return still ? 'buffering' : 'playing';
}

const TROUBLE_STATES = { missing: 'no-stream', refused: 'refused', busy: 'busy', lost: 'lost' };

const WORDS = {
  connecting: ['Connecting', 'Opening the live stream.'],
  buffering: ['Buffering', 'Waiting for the next pictures.'],
  'no-stream': ['No stream yet', 'This page starts by itself as soon as the stream begins.'],
  refused: ['No access', 'This link is not valid or has expired. Ask for a new one.'],
  busy: ['One moment', 'The box is not ready. Trying again by itself.'],
  lost: ['Lost connection', 'Trying again by itself. Check the Wi-Fi of this device.'],
  ended: ['Stream ended', 'You can still rewind. This page starts again when the stream does.'],
  blocked: ['Ready to play', 'Press play to start.'],
};

/** Where an asset is told of in other words than a channel. */
const ASSET_WORDS = {
  connecting: ['Connecting', 'Opening the broadcast.'],
  'no-stream': ['Nothing to see yet', 'This page starts by itself as soon as the broadcast begins.'],
  ended: ['The broadcast has ended', 'You can watch it again: press play, or choose a moment on the time bar.'],
};

/**
 * Headline and explanation, undefined where the picture speaks for itself.
 *
 * @param {'live'|'vod'} kind of what is played
 * @returns {[string, string]|undefined}
 */
export function wordsOf(state, kind) {
  return (kind === 'vod' && ASSET_WORDS[state]) || WORDS[state];
}
