// Captions that stand in the pictures: every player gives them to the video element as text tracks.

const tracksOf = (video) =>
  [...video.textTracks].filter(({ kind }) => kind === 'captions' || kind === 'subtitles');

/** @returns {import('./players.js').Choice[]} */
export const captionsOf = (video) =>
  tracksOf(video).map(({ label, language }) => ({ name: label, language }));

/** Which of them is shown, -1 for none. */
export const captionOf = (video) => tracksOf(video).findIndex(({ mode }) => mode === 'showing');

export function showCaption(video, index) {
  // A hidden track still takes what comes, a disabled one does not.
  tracksOf(video).forEach((track, nth) => {
    track.mode = nth === index ? 'showing' : 'hidden';
  });
}
