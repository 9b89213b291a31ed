// Keys: space, arrows, L, F, M. Fields that use a key themselves keep it.

const STEP = 10;
const LONG_STEP = 60;

/**
 * @param {object} actions
 * @param {() => void} actions.togglePlay
 * @param {(seconds: number) => void} actions.seekBy
 * @param {(place: 'start'|'live') => void} actions.jump
 * @param {() => void} actions.fullScreen
 * @param {import('./sound.js').Sound} actions.sound
 */
export function listenToKeys({ togglePlay, seekBy, jump, fullScreen, sound }) {
  const keys = {
    ' ': togglePlay,
    k: togglePlay,
    ArrowLeft: ({ shiftKey }) => seekBy(shiftKey ? -LONG_STEP : -STEP),
    ArrowRight: ({ shiftKey }) => seekBy(shiftKey ? LONG_STEP : STEP),
    PageDown: () => seekBy(-LONG_STEP),
    PageUp: () => seekBy(LONG_STEP),
    ArrowUp: () => sound.step(0.1),
    ArrowDown: () => sound.step(-0.1),
    Home: () => jump('start'),
    End: () => jump('live'),
    l: () => jump('live'),
    f: fullScreen,
    m: () => sound.toggle(),
  };
  // A button that was clicked with the pointer gives the space bar back.
  document.addEventListener('pointerup', ({ target }) => target.closest?.('button')?.blur());
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || usesKey(event.target, event.key)) return;
    const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action(event);
  });
}

function usesKey(element, key) {
  if (element instanceof HTMLSelectElement) return true;
  if (element instanceof HTMLInputElement) return /^(Arrow|Page|Home|End)/.test(key);
  return element instanceof HTMLButtonElement && key === ' ';
}
